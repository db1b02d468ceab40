"""Whom the exporter keeps informed."""
