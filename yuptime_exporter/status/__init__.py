"""Everything that is written to Monitor objects: statuses, Events, and the store that keeps pushes there."""
