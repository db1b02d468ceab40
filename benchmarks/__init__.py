"""How fast the exporter is, and what it is compared with; see README.md beside this file."""
