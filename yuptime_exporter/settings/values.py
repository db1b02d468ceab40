"""Parsers for the values of flags.

Each parses the text of one value, and raises `argparse.ArgumentTypeError` with the expected form.
"""

import argparse
import re
from pathlib import Path
from urllib.parse import urlsplit

from yuptime_exporter.core.durations import duration_seconds
from yuptime_exporter.core.urls import base_url, link_problem, url_problem, without_credentials
from yuptime_exporter.settings.model import Address, LeaseName, SqliteStorage, StatusStorage

# 10,000 pushes each are read in some 20 ms, between two commits.
MAX_HISTORY_LIMIT = 10_000

_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"  # RFC 1123
_MAX_DNS_LABEL_CHARS = 63

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")
_MAX_PORT = 65_535

# A path as it is meant, not a form of another program that would be read as the name of a file: the
# host in `//host/x.db`, `:memory:`, `file:x.db`, the parameters in `x.db?mode=rwc`, the encoding in
# `%20`, quotes, or a variable that no shell has replaced. A slash at the end means a directory.
_DATABASE = re.compile(r"""(?!//|~|file:|.*:memory:)[^?#%"'`$*<>|\\\x00-\x1f\x7f]+(?<![/\s])""")
_EXPECTED_STORAGE = (
    "sqlite:PATH with the path of a file, such as sqlite:data/yuptime.db or "
    "sqlite:/var/lib/yuptime/yuptime.db, without parameters, or kubernetes:"
)


def address(text: str) -> Address:
    """Return the address of `HOST:PORT`, `:PORT` or `[IPV6]:PORT`."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > _MAX_PORT:
        raise _unexpected(text, "HOST:PORT, :PORT or [IPV6]:PORT with a port up to 65535")
    return Address(match["v6"] or match["host"] or None, int(match["port"]))


def duration(text: str) -> float:
    """Return the seconds of a duration such as `90s`."""
    try:
        return duration_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def file(text: str) -> Path:
    """Return the path of a file or a directory. Empty is no path: a shell variable was not set."""
    if not text:
        raise _unexpected(text, "a path")
    return Path(text)


def storage(text: str) -> SqliteStorage | StatusStorage:
    """Return the storage of `sqlite:PATH`, `sqlite:///PATH` or `kubernetes:`."""
    if text == "kubernetes:":
        return StatusStorage()
    scheme, _, rest = text.partition(":")
    path = "/" + rest.lstrip("/") if rest.startswith("///") else rest
    if scheme != "sqlite" or not _DATABASE.fullmatch(path):
        raise _unexpected(text, _EXPECTED_STORAGE)
    return SqliteStorage(Path(path))


def namespace(text: str) -> str:
    """Return the name of a namespace."""
    if len(text) > _MAX_DNS_LABEL_CHARS or not re.fullmatch(_DNS_LABEL, text):
        raise _unexpected(text, "the name of a namespace")
    return text


def lease(text: str) -> LeaseName:
    """Return the Lease of `NAMESPACE/NAME`."""
    if not re.fullmatch(rf"{_DNS_LABEL}/{_DNS_LABEL}(\.{_DNS_LABEL})*", text):
        raise _unexpected(text, "NAMESPACE/NAME, such as yuptime/yuptime-exporter")
    namespace_of_lease, _, name = text.partition("/")
    return LeaseName(namespace_of_lease, name)


def rate(text: str) -> float:
    """Return a number of events a second."""
    try:
        parsed = float(text)
    except ValueError:
        parsed = 0.0
    if not 1 <= parsed <= 10_000:
        raise _unexpected(text, "a number from 1 to 10000")
    return parsed


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or not int(text):
        raise _unexpected(text, "a whole number above 0")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Return the names in a list that is separated by commas."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def history_limit(text: str) -> int:
    """Return a number of pushes; 0: none."""
    if not text.isdecimal() or not text.isascii() or int(text) > MAX_HISTORY_LIMIT:
        raise _unexpected(text, f"a whole number from 0 to {MAX_HISTORY_LIMIT}")
    return int(text)


def path(text: str, example: str = "/metrics") -> str:
    """Return the path of a URL, without a slash at its end."""
    if not re.fullmatch(r"(/[\w.~-]+)+", text):
        raise _unexpected(text, f"a path such as {example}")
    return text


def prefix(text: str) -> str:
    """Return the path that all others begin with; empty for `/`."""
    stripped = text.rstrip("/")
    return path(stripped, example="/yuptime") if stripped else ""


def alertmanager_url(text: str) -> str:
    """Return the base URL of an Alertmanager."""
    problem = url_problem(text)
    if problem:
        raise _unexpected(text, problem.removeprefix("expected "))
    return base_url(text)


def web_url(text: str) -> str:
    """Return the URL of a page for people."""
    problem = link_problem(text)
    if problem:
        raise _unexpected(text, problem.removeprefix("expected "))
    return text


def external_url(text: str) -> str:
    """Return the URL of the exporter as seen from outside, without a slash at its end."""
    if url_problem(text):
        raise _unexpected(text, "a URL such as https://yuptime.example.com/jobs")
    prefix(urlsplit(text).path)
    return text.rstrip("/")


def _unexpected(text: str, expected: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"expected {expected}, got {without_credentials(text)!r}")
