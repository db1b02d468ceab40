"""JSON merge patches as RFC 7386, section 2, has them, word by word."""

from collections.abc import Mapping
from typing import Any


def applied(patch: Any, target: Any) -> Any:
    """Return what the patch makes of the target, which stays as it is."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(value, result.get(name))
    return result
