"""Who restarts whom, when, and when to give up."""
