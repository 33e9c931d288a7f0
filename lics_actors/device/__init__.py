"""One device as an actor: its state, its commands, its MQTT session."""
