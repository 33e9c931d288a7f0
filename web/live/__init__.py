"""The live view: one WebSocket a client, snapshots and changes of what it subscribes to, commands with their states."""
