"""The shape of the file of `--web.config.file`: the keys of Prometheus' exporter-toolkit.

Keys and values are those of its documentation (docs/web-configuration.md, prometheus/exporter-toolkit).
A value that Python's ssl cannot honour is a problem and is never ignored.
"""

import re
from collections.abc import Callable
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from yuptime_exporter.settings.server_tls import CIPHERS, CURVES, VERSIONS
from yuptime_exporter.settings.shapes import Duration, PathBesideFile, Section, Whole

_WITHOUT_VERIFICATION = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_CLIENT_AUTH_TYPES = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")

# As `htpasswd -B` and exporter-toolkit's own users write them.
_BCRYPT_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")

# What exporter-toolkit lets a file set, with the values that it accepts; None: any.
_HEADERS: dict[str, tuple[str, ...] | None] = {
    "Strict-Transport-Security": None,
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": None,
    "Content-Security-Policy": None,
}


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"expected one of {', '.join(names)}")
        return value

    return check


def _client_auth_type(value: str) -> str:
    if value in _WITHOUT_VERIFICATION:
        raise ValueError(
            "expected a type that verifies certificates, such as RequireAndVerifyClientCert, since "
            "Python accepts no certificate unverified"
        )
    return _one_of(_CLIENT_AUTH_TYPES)(value)


def _curves(values: list[str]) -> list[str]:
    for value in values:
        _one_of(tuple(CURVES))(value)
    if len(values) > 1:
        raise ValueError("expected at most one curve, since Python's ssl sets no order of curves")
    return values


def _users(users: dict[str, str]) -> dict[str, str]:
    for user, password_hash in users.items():
        if ":" in user:
            raise ValueError("expected user names without a colon, which ends a name in HTTP")
        if not _BCRYPT_HASH.fullmatch(password_hash):
            raise ValueError(
                "expected the bcrypt hash of a password for each user, such as `htpasswd -nBC 10 "
                "NAME` prints it, and never the password itself"
            )
    return users


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name not in _HEADERS:
            raise ValueError(f"expected only the headers {', '.join(_HEADERS)}")
        allowed = _HEADERS[name]
        if allowed is not None and value.lower() not in allowed:
            raise ValueError(f"{name}: expected {' or '.join(allowed)}")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"{name}: expected visible ASCII")
    return headers


_Version = Annotated[str, AfterValidator(_one_of(tuple(VERSIONS)))]
_Cipher = Annotated[str, AfterValidator(_one_of(tuple(CIPHERS)))]


class ServerTlsSection(Section):
    """`tls_server_config`."""

    cert: str | None = None
    cert_file: PathBesideFile | None = None
    key: str | None = None
    key_file: PathBesideFile | None = None
    client_ca: str | None = None
    client_ca_file: PathBesideFile | None = None
    client_auth_type: Annotated[str, AfterValidator(_client_auth_type)] = "NoClientCert"
    client_allowed_sans: list[str] = Field(default_factory=list)
    min_version: _Version = "TLS12"
    max_version: _Version = "TLS13"
    cipher_suites: list[_Cipher] = Field(default_factory=list)
    prefer_server_cipher_suites: bool = True
    curve_preferences: Annotated[list[str], AfterValidator(_curves)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in ("cert", "key"):
            if _count(getattr(self, name), getattr(self, f"{name}_file")) != 1:
                raise ValueError(f"expected one of {name} and {name}_file")
        authorities = _count(self.client_ca, self.client_ca_file)
        if self.client_auth_type == "NoClientCert":
            if authorities:
                raise ValueError("client_ca_file: expected a client_auth_type beside it")
        elif authorities != 1:
            raise ValueError(
                f"client_auth_type {self.client_auth_type}: expected one of client_ca and "
                "client_ca_file, since the authorities of the system would let strangers in"
            )
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError(
                "client_allowed_sans: expected client_auth_type RequireAndVerifyClientCert"
            )
        if VERSIONS[self.min_version] > VERSIONS[self.max_version]:
            raise ValueError("min_version: expected a version up to max_version")
        return self


class HttpServerSection(Section):
    """`http_server_config`. Either value of `http2` is accepted: HTTP/1.1 is served."""

    http2: bool = True
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(default_factory=dict)


class RateLimitSection(Section):
    """`rate_limit`, of all requests together."""

    interval: Duration = 0.0
    burst: Annotated[int, Whole, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _not_closed(self) -> Self:
        if self.interval and not self.burst:
            raise ValueError("burst: expected at least 1, or no request would ever be answered")
        return self


class WebFile(Section):
    """The whole file."""

    tls_server_config: ServerTlsSection | None = None
    http_server_config: HttpServerSection = HttpServerSection()
    basic_auth_users: Annotated[dict[str, str], AfterValidator(_users)] = Field(
        default_factory=dict
    )
    rate_limit: RateLimitSection = RateLimitSection()


def _count(*values: object) -> int:
    return sum(bool(value) for value in values)
