"""A push monitor, native to Prometheus: it knows that a job did not run."""

__version__ = "0.1.0"
