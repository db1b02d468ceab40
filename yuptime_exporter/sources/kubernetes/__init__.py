"""Monitors and tokens from a Kubernetes API server."""
