"""The Grafana dashboards as a script; `python -m dashboards.generate` makes all files."""
