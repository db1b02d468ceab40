"""The Kubernetes API server: connection, lists and watches, without any knowledge of monitors."""
