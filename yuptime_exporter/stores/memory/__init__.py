"""What is known since the start of the exporter, for stores that keep no history."""
