"""What Thespian needs to be safe; knows no device."""
