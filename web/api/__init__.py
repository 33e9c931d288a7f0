"""The routes: one blueprint a noun; a handler reads, asks, answers."""
