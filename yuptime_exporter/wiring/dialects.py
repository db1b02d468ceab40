"""Which dialects a run speaks."""

from collections.abc import Collection
from difflib import get_close_matches

from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.web.pushes import DIALECTS
from yuptime_exporter.web.pushes.exchange import Dialect
from yuptime_exporter.web.pushes.native import NATIVE


def spoken_dialects(names: Collection[str]) -> list[Dialect]:
    """Return the native dialect, and those with these names.

    Raises:
        ConfigInvalid: there is no dialect of that name.
    """
    others = {dialect.name: dialect for dialect in DIALECTS if dialect is not NATIVE}
    for name in names:
        if name not in others:
            meant = get_close_matches(name, others, n=1)
            raise ConfigInvalid(
                f"--push.dialects: expected {', '.join(others)}, got {name[:100]!r}"
                + (f"; did you mean {meant[0]}?" if meant else "")
            )
    return [NATIVE, *(dialect for name, dialect in others.items() if name in names)]
