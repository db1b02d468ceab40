"""Pushes: one file for each dialect."""
