"""Flags that several commands of `yuptime` share, and the values that they stand for."""

import argparse
import os
import re
from pathlib import Path

from yuptime_exporter.companion.access import Access

DEFAULT_URL = "http://localhost:10091"

_MONITOR = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNIT_SECONDS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def add_access(parser: argparse.ArgumentParser) -> None:
    """Add the exporter, its certificates, and the user of its web configuration."""
    parser.add_argument(
        "--url",
        type=exporter_url,
        default=os.environ.get("YUPTIME_URL") or DEFAULT_URL,
        help=f"URL of the exporter (default: $YUPTIME_URL, or {DEFAULT_URL})",
    )
    parser.add_argument(
        "--username",
        default=os.environ.get("YUPTIME_USERNAME", ""),
        help="user of the exporter's pages (default: $YUPTIME_USERNAME)",
    )
    parser.add_argument(
        "--password-file",
        metavar="PATH",
        type=Path,
        help="file with the password (default: the password $YUPTIME_PASSWORD)",
    )
    for flag, text in (
        ("--ca-file", "authorities of the exporter's certificate (default: those of the system)"),
        ("--cert-file", "certificate of this client"),
        ("--key-file", "its key"),
    ):
        parser.add_argument(flag, metavar="PATH", type=Path, help=text)


def add_token(parser: argparse.ArgumentParser) -> None:
    """Add the token of a monitor."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--token-file",
        metavar="PATH",
        type=Path,
        help="file with the token (default: $YUPTIME_TOKEN, or the file $YUPTIME_TOKEN_FILE)",
    )
    group.add_argument(
        "--token-command", metavar="COMMAND", help="command of the shell that prints the token"
    )


def add_give_up(parser: argparse.ArgumentParser) -> None:
    """Add the time for which a report is tried."""
    parser.add_argument(
        "--give-up-after",
        metavar="DURATION",
        type=duration,
        default=60.0,
        help="how long a report is tried again (default: 60s)",
    )


def access(given: argparse.Namespace) -> Access:
    """Return the exporter that the arguments name."""
    token, token_file = os.environ.get("YUPTIME_TOKEN", ""), os.environ.get("YUPTIME_TOKEN_FILE")
    command = getattr(given, "token_command", None)
    return Access(
        given.url,
        token=token,
        token_file=getattr(given, "token_file", None)
        or (Path(token_file) if token_file and not token else None),
        token_command=command,
        username=given.username,
        password=os.environ.get("YUPTIME_PASSWORD", ""),
        password_file=given.password_file,
        ca_file=given.ca_file,
        certificate_file=given.cert_file,
        key_file=given.key_file,
    )


def monitor_name(text: str) -> str:
    """Return `NAMESPACE/NAME` of a monitor."""
    if not _MONITOR.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected NAMESPACE/NAME of a monitor, got {text!r}")
    return text


def exporter_url(text: str) -> str:
    """Return a URL."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise argparse.ArgumentTypeError("expected a URL such as https://exporter.example:10091")
    return text


def duration(text: str) -> float:
    """Return the seconds of a duration such as `90s`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected a duration such as 90s or 2h, got {text!r}")
    return float(match[1]) * _UNIT_SECONDS[match[2]]
