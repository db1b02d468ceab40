"""Where monitors and tokens come from."""
