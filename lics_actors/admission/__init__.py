"""Who is let in at the broker, and to which topics: LICS's own accounts, devices', and codes that make devices known."""
