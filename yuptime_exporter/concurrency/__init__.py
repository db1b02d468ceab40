"""Small mechanisms of tasks and event loops that several parts use."""
