"""The Kubernetes API as the rest of the program sees it."""
