"""Benchmarks of the exporter; README.md beside this file says how to run and read them."""
