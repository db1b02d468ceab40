"""An Alertmanager: its URL, credentials and TLS settings."""

import base64
import ssl
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs
from yarl import URL

from yuptime_exporter.core.urls import API_PATH

# prometheus/prometheus, config/config.go, DefaultAlertmanagerConfig.
DEFAULT_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Authorization:
    """Scheme and credentials of the Authorization header; the file is read for each request.

    Attributes:
        username: of the scheme Basic; None for any other scheme.
    """

    scheme: str
    credentials_file: Path
    username: str | None = None

    def header(self) -> str:
        """Return the value of the header.

        Raises:
            OSError: the file cannot be read, or a header cannot carry its content.
        """
        credentials = self.credentials_file.read_bytes().strip()
        if self.username is not None:
            credentials = base64.b64encode(b"%b:%b" % (self.username.encode(), credentials))
        header = f"{self.scheme} {credentials.decode('latin-1')}"
        if not (header.isascii() and header.isprintable()):
            raise OSError(f"{self.credentials_file}: expected visible ASCII, got other characters")
        return header


@dataclass(frozen=True, slots=True)
class Tls:
    """Trusted certificates and the client certificate for an https URL."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are given."""
        files = (self.ca_file, self.cert_file, self.key_file)
        return tuple(file for file in files if file is not None)

    def context(self) -> ssl.SSLContext:
        """Return a context for connections.

        Raises:
            OSError: a file cannot be read, or is not a certificate or key.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def version(self) -> tuple[int, ...]:
        """Return a value that changes when one of the files changes.

        Raises:
            OSError: a file is missing.
        """
        return tuple(file.stat().st_mtime_ns for file in self.files)


class CurrentContext:
    """The context of an https URL, replaced when a file changes, since certificates expire."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._version: tuple[int, ...] | None = None
        self._context: ssl.SSLContext | bool = True

    def get(self) -> ssl.SSLContext | bool:
        """Return the context; True if the defaults apply.

        Raises:
            OSError: a file cannot be read, or is not a certificate or key.
        """
        if self._tls != Tls() and (version := self._tls.version()) != self._version:
            self._context, self._version = self._tls.context(), version
        return self._context


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One Alertmanager, or all Alertmanagers behind one name.

    Attributes:
        url: the base URL, as `core.urls.base_url` returns it.
        authorization: only for a URL of the configuration, never for a URL of a monitor.
    """

    url: str
    authorization: Authorization | None = None
    tls: Tls = Tls()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    def headers(self) -> dict[str, str]:
        """Return the headers of a request.

        Raises:
            OSError: the file with the credentials cannot be read.
        """
        headers: dict[str, str] = {hdrs.CONTENT_TYPE: "application/json"}
        if self.authorization is not None:
            headers[hdrs.AUTHORIZATION] = self.authorization.header()
        return headers

    @property
    def server_hostname(self) -> str | None:
        """The name that the certificate must have; None for http."""
        if self.api_url.scheme != "https":
            return None
        return self.tls.server_name or self.api_url.raw_host

    @property
    def api_url(self) -> URL:
        """The URL that alerts are posted to."""
        return URL(self.url + API_PATH)
