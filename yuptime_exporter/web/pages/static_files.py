"""The stylesheet, the script and the icon: read once, served under an address that names their bytes."""

import hashlib
from pathlib import Path
from types import MappingProxyType

from yuptime_exporter.web.api.caching import with_entity_tag
from yuptime_exporter.web.failures import not_found
from yuptime_exporter.web.http import Answer, Request

_FOLDER = Path(__file__).parent / "static"

_TYPES = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)

# An address with the right version always has the same bytes.
_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATED = "public, no-cache"
_VERSION_CHARS = 12


class StaticFiles:
    """The files that pages load."""

    def __init__(self) -> None:
        files = [path for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES]
        self._bodies = {path.name: path.read_bytes() for path in files}
        self._versions = {
            name: hashlib.sha256(body).hexdigest()[:_VERSION_CHARS]
            for name, body in self._bodies.items()
        }

    def path(self, name: str) -> str:
        """Return the address of a file, relative to the root."""
        return f"static/{name}?v={self._versions[name]}"

    async def answer(self, request: Request) -> Answer:
        """Answer `GET /static/{file}`."""
        name = request.parameters["file"]
        body = self._bodies.get(name)
        if body is None:
            return not_found()
        newest = request.query_values("v") == [self._versions[name]]
        answer = Answer(body=body, content_type=_TYPES[Path(name).suffix])
        return with_entity_tag(request, answer, cache=_FOREVER if newest else _REVALIDATED)
