"""A Monitor and a Secret as objects: read, written, defaulted."""
