"""REST and live access to the laboratory: a Quart application on Hypercorn."""
