"""Servers that behave as the real ones do, and misbehave on request."""
