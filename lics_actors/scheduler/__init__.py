"""The leaf that begins sessions in their windows: the shell around lics_actors/schedule."""
