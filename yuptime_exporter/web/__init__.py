"""HTTP: bytes from strangers in, answers out."""
