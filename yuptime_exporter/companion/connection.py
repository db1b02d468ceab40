"""Requests to an exporter, with the credentials and the certificates of the command line."""

import base64
import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple

ATTEMPT_SECONDS = 10.0
TOKEN_COMMAND_SECONDS = 30.0

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0

# Answers that a later attempt may change.
_TEMPORARY = frozenset({408, 425, 429, *range(500, 600)})

_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class NotReported(Exception):
    """The exporter did not take a request; the text says why, without a credential."""


class TemporarilyNotReported(NotReported):
    """The same request may succeed later.

    Attributes:
        retry_after_seconds: as the exporter asks for; 0: it does not.
    """

    def __init__(self, text: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class Access(NamedTuple):
    """The exporter, and how to be let in; nothing is read before the first request.

    Attributes:
        url: of the exporter, with its prefix.
        token: of the environment; empty: none.
        token_file: takes the place of `token`.
        token_command: for the shell; its output takes the place of both.
        username: of the web configuration; empty: none is sent.
        password: of the environment.
        password_file: takes the place of `password`.
        ca_file: authorities of the exporter's certificate; None: those of the system.
        certificate_file: of this client, with its key; None: none.
        key_file: None: the key is in `certificate_file`.
    """

    url: str
    token: str = ""
    token_file: Path | None = None
    token_command: str | None = None
    username: str = ""
    password: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def bearer(self) -> dict[str, str]:
        """Return the header with the token.

        Raises:
            NotReported: there is no token, or no header can carry it.
        """
        token = self._token().strip().partition("\n")[0].strip()
        if not token:
            raise NotReported(
                "no token: give --token-file or --token-command, or set YUPTIME_TOKEN"
            )
        if not (token.isascii() and token.isprintable()):
            raise NotReported("token: expected visible ASCII, got other characters")
        return {"Authorization": f"Bearer {token}"}

    def basic(self) -> dict[str, str]:
        """Return the header with user name and password; empty without a user name.

        Raises:
            NotReported: the file with the password cannot be read.
        """
        if not self.username:
            return {}
        password = self.password
        if self.password_file is not None:
            password = _content(self.password_file, "--password-file").rstrip("\r\n")
        encoded = base64.b64encode(f"{self.username}:{password}".encode()).decode()
        return {"Authorization": f"Basic {encoded}"}

    def _token(self) -> str:
        if self.token_command is not None:
            return _output(self.token_command)
        if self.token_file is not None:
            return _content(self.token_file, "--token-file")
        return self.token

    def tls(self) -> ssl.SSLContext:
        """Return the context for an https URL.

        Raises:
            NotReported: a file cannot be read, or is not a certificate or key.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file, password=lambda: "")
        except OSError as error:  # ssl.SSLError is one
            files = (self.ca_file, self.certificate_file, self.key_file)
            named = ", ".join(str(file) for file in files if file is not None)
            raise NotReported(f"{named}: {error.strerror or error}") from None
        return context


class Call(NamedTuple):
    """One request.

    Attributes:
        path: below the URL of the exporter.
        body: None: there is none.
        method: None: POST with a body, otherwise GET.
    """

    path: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    method: str | None = None


def request(access: Access, call: Call, *, timeout_seconds: float = ATTEMPT_SECONDS) -> Any:
    """Return the JSON of an answer.

    Raises:
        TemporarilyNotReported: the same request may succeed later.
        NotReported: it will not.
    """
    headers = {"User-Agent": "yuptime", "Accept": "application/json", **call.headers}
    body = None
    if call.body is not None:
        body = json.dumps(call.body).encode()
        headers["Content-Type"] = "application/json"
    url = access.url.rstrip("/") + call.path
    made = urllib.request.Request(url, body, headers, method=call.method)  # noqa: S310  http or https
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if access.url.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=access.tls()))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(made, timeout=timeout_seconds) as answer:
            text = answer.read(_MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        raise _refused(error) from None
    except (OSError, HTTPException, ValueError) as error:
        raise TemporarilyNotReported(f"{_shown(access.url)}: {_reason(error)}") from None
    try:
        return json.loads(text)
    except ValueError:
        raise NotReported(
            f"{_shown(access.url)}: the answer is not from yuptime-exporter; look at the URL"
        ) from None


def insist(
    attempt: Callable[[float], Any],
    *,
    until_monotonic: float,
    is_over: Callable[[float], bool] | None = None,
) -> Any:
    """Repeat an attempt, with growing pauses, until it succeeds or the time is over.

    Args:
        attempt: is given the seconds that it may take; raises `NotReported`.
        until_monotonic: no attempt begins after this moment of `time.monotonic`.
        is_over: waits for these seconds; returns whether to give up. None: only waits.

    Raises:
        NotReported: as the last attempt raised it.
    """
    wait = is_over or time.sleep  # sleep returns None: not over
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        left_seconds = until_monotonic - time.monotonic()
        try:
            return attempt(min(ATTEMPT_SECONDS, max(left_seconds, 1.0)))
        except TemporarilyNotReported as error:
            wait_seconds = max(pause_seconds, error.retry_after_seconds)
            if time.monotonic() + wait_seconds >= until_monotonic or wait(wait_seconds):
                raise
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a client would repeat a push as a GET, without its status."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse."""


def _refused(error: urllib.error.HTTPError) -> NotReported:
    """Return the error for an answer that is not 2xx, with the reason that it gives."""
    text = f"{error.code}: {_detail(error)}"
    if error.code in _TEMPORARY:
        after = error.headers.get("Retry-After", "")
        return TemporarilyNotReported(text, float(after) if after.isdecimal() else 0.0)
    return NotReported(text)


def _detail(answer: IO[bytes]) -> str:
    """Return the reason in an answer of the exporter, or a text for the answer of another program."""
    try:
        return str(json.loads(answer.read(_MAX_ANSWER_BYTES))["detail"])
    except (ValueError, LookupError, TypeError, OSError, HTTPException):
        return "the answer is not from yuptime-exporter; look at the URL and its path"


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _shown(url: str) -> str:
    """Return a URL without its credentials."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def _content(file: Path, flag: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "expected text"
        raise NotReported(f"{flag} {file}: {reason}") from None


def _output(command: str) -> str:
    """Return the output of a command of the user; its errors go to the terminal.

    Raises:
        NotReported: the command failed, or took too long.
    """
    try:
        ended = subprocess.run(  # noqa: S602  the user's own command, as in a crontab
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=TOKEN_COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotReported(
            f"--token-command: expected an end within {TOKEN_COMMAND_SECONDS:g} s"
        ) from None
    if ended.returncode:
        raise NotReported(f"--token-command: expected exit code 0, got {ended.returncode}")
    return ended.stdout.decode("utf-8", "replace")
