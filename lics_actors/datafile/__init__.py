"""What is left of a run: one record, from which files are made that prove themselves (docs/data.md)."""
