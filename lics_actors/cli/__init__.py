"""The lics command, one file per noun."""
