"""Settings, ORM configuration and the files that the services read."""
