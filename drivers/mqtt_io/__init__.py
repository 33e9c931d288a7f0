"""Devices served by the mqtt-io daemon (GPIO, sensors and streams over MQTT)."""
