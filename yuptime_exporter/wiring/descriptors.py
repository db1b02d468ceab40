"""How many connections the system's limit of open files allows."""

import logging
import resource

log = logging.getLogger(__name__)

# An idle connection takes some 10 kB. Jobs connect, push and leave; this many at one moment are
# those of a whole company.
MAX_CONNECTIONS = 4096

# Kept for the database, manifests, API server and Alertmanagers, and for connections that are
# accepted before others are closed. With few descriptors, half of them are kept.
RESERVED_DESCRIPTORS = 128


def connection_limit(wanted: int | None) -> int:
    """Allow as many open files as the system lets; return how many connections may be open.

    Args:
        wanted: as the operator asked for; None: `MAX_CONNECTIONS`.
    """
    descriptors = _raised_limit()
    possible = descriptors - min(RESERVED_DESCRIPTORS, descriptors // 2)
    if wanted is not None and wanted > possible:
        log.warning(
            "--web.max-connections is lowered, because the limit of open files is low",
            extra={"wanted": wanted, "connections": possible, "open_files": descriptors},
        )
    return min(wanted or MAX_CONNECTIONS, possible)


def _raised_limit() -> int:
    """Raise the soft limit of open files to the hard one, as programs in Go do; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:  # macOS refuses infinity
        return soft if soft != resource.RLIM_INFINITY else RESERVED_DESCRIPTORS + MAX_CONNECTIONS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # the kernel's own limit is lower
        return soft
    return hard
