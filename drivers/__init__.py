"""Device drivers: pure translation between a device's wire format and LICS's words."""
