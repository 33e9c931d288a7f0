"""Several hosts, a fleet on each: who serves which device, and how nobody serves one that another has taken over."""
