"""HTTP servers, as adapters of `web.http`."""
