"""Real peers for tests: Prometheus, Alertmanager, Kubernetes and their tools, in two generations."""
