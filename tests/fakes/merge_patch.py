"""JSON merge patches, a literal translation of RFC 7386, section 2."""

from collections.abc import Mapping
from typing import Any


def applied(patch: Any, target: Any) -> Any:
    """Return the patched target; the target itself does not change."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(value, result.get(name))
    return result
