"""The monitors as JSON, as events and as badges: the same facts as on the pages."""
