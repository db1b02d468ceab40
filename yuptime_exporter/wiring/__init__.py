"""Which parts make up a run, and how they are connected; behaviour lives in the other rooms."""
