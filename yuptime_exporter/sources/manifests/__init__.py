"""Monitors from files and directories of YAML."""
