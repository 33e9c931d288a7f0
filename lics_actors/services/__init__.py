"""Embedded Postgres, Valkey and MQTT broker: start, adopt, stop."""
