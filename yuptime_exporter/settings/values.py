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

_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"  # RFC 1123
_MAX_DNS_LABEL_CHARS = 63

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")
_MAX_PORT = 65_535


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


def storage(text: str) -> SqliteStorage | StatusStorage:
    """Return the storage of `sqlite:PATH` or `kubernetes:`."""
    scheme, _, path = text.partition(":")
    if text == "kubernetes:":
        return StatusStorage()
    if scheme != "sqlite" or not path:
        raise _unexpected(text, "sqlite:PATH or kubernetes:")
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


def path(text: str) -> str:
    """Return the path of a URL, without a slash at its end."""
    if not re.fullmatch(r"(/[\w.~-]+)+", text):
        raise _unexpected(text, "a path such as /metrics")
    return text


def prefix(text: str) -> str:
    """Return the path that all others begin with; empty for `/`."""
    stripped = text.rstrip("/")
    return path(stripped) if stripped else ""


def alertmanager_url(text: str) -> str:
    """Return the base URL of an Alertmanager."""
    problem = url_problem(text)
    if problem:
        raise argparse.ArgumentTypeError(f"{problem}, got {without_credentials(text)!r}")
    return base_url(text)


def web_url(text: str) -> str:
    """Return the URL of a page for people."""
    problem = link_problem(text)
    if problem:
        raise argparse.ArgumentTypeError(f"{problem}, got {without_credentials(text)!r}")
    return text


def external_url(text: str) -> str:
    """Return the URL of the exporter as seen from outside, without a slash at its end."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise _unexpected(text, "a URL such as https://yuptime.example.com/jobs")
    prefix(url.path)
    return text.rstrip("/")


def _unexpected(text: str, expected: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
