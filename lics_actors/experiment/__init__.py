"""Experiments: protocols as data, the pure engine that runs them, rehearsal in virtual time."""
