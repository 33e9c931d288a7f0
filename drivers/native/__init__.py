"""The native MQTT contract: codec, specification and simulator."""
