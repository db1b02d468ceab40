"""The file of `--web.config.file`: TLS, users and headers, read again whenever a file changes."""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yuptime_exporter.core.clock import Clock
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.core.rate_limit import UNLIMITED, RateLimit
from yuptime_exporter.metrics.process import ReloadMetrics
from yuptime_exporter.settings.configuration import file_content
from yuptime_exporter.settings.server_tls import ServerTls
from yuptime_exporter.settings.shapes import read_file
from yuptime_exporter.settings.web_shapes import ServerTlsSection, WebFile

log = logging.getLogger(__name__)

FILE = "web configuration"

# Certificates are looked at no more often than this, however many connections come in.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WebConfiguration:
    """What guards the listeners; the defaults guard nothing.

    Attributes:
        tls: for listeners with pages; None: plain HTTP.
        push_tls: for listeners with pushes and probes only: without certificates of clients, since
            jobs have tokens.
        client_allowed_names: names of which a client certificate must have one; empty: any.
        users: the bcrypt hash of each user's password; empty: no password is needed.
        headers: added to the answers of guarded routes.
        rate_limit: of all requests for guarded routes together.
        files: the file and those that it names.
    """

    tls: ssl.SSLContext | None = None
    push_tls: ssl.SSLContext | None = None
    client_allowed_names: frozenset[str] = frozenset()
    users: Mapping[str, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RateLimit = UNLIMITED
    files: tuple[Path, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether pages need neither a password nor a certificate of the client."""
        return not self.users and (self.tls is None or self.tls.verify_mode != ssl.CERT_REQUIRED)


def load_web_configuration(path: Path | None) -> WebConfiguration:
    """Return the configuration; the defaults without a file.

    Raises:
        ConfigInvalid: the file or one that it names cannot be used.
    """
    if path is None:
        return WebConfiguration()
    try:
        file = read_file(file_content(path), WebFile, folder=path.parent)
        tls = None if file.tls_server_config is None else _server_tls(file.tls_server_config)
        return WebConfiguration(
            tls=None if tls is None else tls.context(),
            push_tls=None if tls is None else tls.context(verifies_clients=False),
            client_allowed_names=tls.client_allowed_names if tls else frozenset(),
            users={name: value.encode() for name, value in file.basic_auth_users.items()},
            headers=file.http_server_config.headers,
            rate_limit=RateLimit(file.rate_limit.interval, max(1, file.rate_limit.burst)),
            files=(path, *(tls.files if tls else ())),
        )
    except OSError as error:
        raise ConfigInvalid(f"--web.config.file={path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigInvalid(f"--web.config.file={path}: {error}") from error


class CurrentWebConfiguration:
    """The last configuration that was loaded without a problem."""

    def __init__(self, path: Path | None, *, metrics: ReloadMetrics, clock: Clock) -> None:
        """Load the configuration for the first time.

        Raises:
            ConfigInvalid: the file cannot be used.
        """
        self._path = path
        self._metrics = metrics
        self._clock = clock
        self._value = load_web_configuration(path)
        self._version = _version(self._value.files)
        self._looked_timestamp = clock()
        metrics.succeeded(FILE, clock())

    @property
    def value(self) -> WebConfiguration:
        """The active configuration; a file that changed is loaded first."""
        now_timestamp = self._clock()
        if self._path is not None and abs(now_timestamp - self._looked_timestamp) >= _LOOK_SECONDS:
            self._looked_timestamp = now_timestamp
            version = _version(self._value.files)
            if version != self._version:
                self._version = version
                self._load()
        return self._value

    def reload(self) -> None:
        """Load the configuration again.

        Raises:
            ConfigInvalid: the file cannot be used; the active configuration stays.
        """
        if error := self._load():
            raise error

    def _load(self) -> ConfigInvalid | None:
        """Load the configuration; return the problem that keeps the active one."""
        try:
            self._value = load_web_configuration(self._path)
        except ConfigInvalid as error:
            self._metrics.failed(FILE)
            log.error("web configuration was not reloaded", extra={"err": str(error)})
            return error
        self._version = _version(self._value.files)
        self._metrics.succeeded(FILE, self._clock())
        return None


def _server_tls(section: ServerTlsSection) -> ServerTls:
    return ServerTls(
        certificate=section.cert_file or section.cert or "",
        key=section.key_file or section.key or "",
        client_authorities=section.client_ca_file or section.client_ca,
        client_auth_type=section.client_auth_type,
        client_allowed_names=frozenset(section.client_allowed_sans),
        min_version=section.min_version,
        max_version=section.max_version,
        ciphers=tuple(section.cipher_suites),
        prefers_own_ciphers=section.prefer_server_cipher_suites,
        curve=next(iter(section.curve_preferences), None),
    )


def _version(files: tuple[Path, ...]) -> tuple[tuple[int, int, int] | None, ...]:
    """Return a value that changes when one of the files changes, appears or disappears."""
    return tuple(_file_version(file) for file in files)


def _file_version(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
