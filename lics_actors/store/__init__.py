"""The database: records, models, repository."""
