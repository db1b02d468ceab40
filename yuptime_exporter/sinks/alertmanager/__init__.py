"""Alertmanagers, fed directly."""
