"""Stores: where pushes survive a restart."""
