"""The files of an import: written whole, readable by their owner alone, tokens kept."""

import json
import os
import secrets
from pathlib import Path

from yuptime_exporter.core.errors import YuptimeError
from yuptime_exporter.onboarding.monitors import SECRET_KEY
from yuptime_exporter.sources.manifests.documents import read_documents

_TOKEN_BYTES = 32


class NotImported(YuptimeError):
    """Nothing was written; the text says why."""


class Folder:
    """The folder of an import."""

    def __init__(self, path: Path, *, replaces: bool) -> None:
        """Write nothing yet.

        Args:
            path: of the folder, which is made.
            replaces: whether files of an earlier import are replaced; tokens never are.
        """
        self._path = path
        self._replaces = replaces

    def tokens(self, namespaces: set[str]) -> dict[str, str]:
        """Return the token of each namespace: that of an earlier import, or a fresh one."""
        known = self._known_tokens()
        return {name: known.get(name) or secrets.token_urlsafe(_TOKEN_BYTES) for name in namespaces}

    def write(self, texts: dict[str, str]) -> list[Path]:
        """Write files by their names, as UTF-8; return their paths.

        A crontab may hold other bytes in comments. Decoded by `surrogateescape`, they are written
        as they were.

        Raises:
            NotImported: a file cannot be written, or is there and may not be replaced.
        """
        paths = {self._path / name: text for name, text in texts.items()}
        there = [path for path in paths if path.exists()]
        if there and not self._replaces:
            raise NotImported(
                f"{there[0]}: exists already; --force replaces it and keeps the tokens"
            )
        try:
            for path, text in paths.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_name(f".{path.name}.new")
                unfinished.unlink(missing_ok=True)
                number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(
                    number, "w", encoding="utf-8", errors="surrogateescape", newline=""
                ) as file:
                    file.write(text)
                unfinished.replace(path)
        except OSError as error:
            raise NotImported(f"{error.filename}: {error.strerror}") from error
        return list(paths)

    def _known_tokens(self) -> dict[str, str]:
        file = self._path / "secrets.yaml"
        if not file.exists():
            return {}
        documents, problems = read_documents(file.read_bytes(), str(file))
        if problems:
            raise NotImported(f"{problems[0]}: its tokens are in use; mend it, or move it away")
        found = {}
        for document in documents:
            value = json.loads(json.dumps(document.value))
            found[value["metadata"]["namespace"]] = value["stringData"][SECRET_KEY]
        return found
