"""Values that take long to make, shared by all test processes of a run."""

import fcntl
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_Made = TypeVar("_Made")


def once(path: Path, make: Callable[[], _Made]) -> _Made:
    """The result of `make`, computed by the first test process that needs the result."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_bytes(pickle.dumps(make()))
        made: _Made = pickle.loads(path.read_bytes())  # noqa: S301  we wrote it ourselves
    return made


def folder_of_run(own: Path, worker_id: str) -> Path:
    """The folder of all test processes of this run, of the base folder of one of them."""
    return own if worker_id == "master" else own.parent
