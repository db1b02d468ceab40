"""Which parts make up a run: those of manifests, or those of a cluster."""
