"""What happened, without losing a sample: spool, acknowledge, ship."""
