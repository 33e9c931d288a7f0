"""When which subject's session begins at which rig."""
