"""Housekeeping: rollups are kept up and what is over its time is deleted, beside the record and behind it."""
