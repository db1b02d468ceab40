"""Real peers for the tests: Prometheus, Alertmanager and their tools, of two generations."""
