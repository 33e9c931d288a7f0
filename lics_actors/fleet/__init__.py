"""The supervision tree of one host: fleet, racks, and the registrar that reads the laboratory."""
