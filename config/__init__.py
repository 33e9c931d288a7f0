"""Settings, ORM configuration and the files that the services read."""

__version__ = "0.1.0"  # LICS's own; the wheel takes it from here
