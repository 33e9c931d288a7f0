"""What the API reads and says: request and response bodies, one file per noun."""
