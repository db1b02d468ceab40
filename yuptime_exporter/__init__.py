"""A push monitor, native to Prometheus: it knows that a job did not run."""

__version__ = "0.1.0"

__revision__ = "unknown"
"""The commit that was built; packaging replaces it."""
