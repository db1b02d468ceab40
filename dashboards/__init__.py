"""The Grafana dashboards, as a script that makes them; `generate` is its entrance."""
