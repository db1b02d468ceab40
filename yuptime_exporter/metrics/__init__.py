"""The exporter's own metrics, one small class for each holder."""
