"""TLS of the exporter's own listeners: from the names of exporter-toolkit to contexts of Python."""

import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VERSIONS: Mapping[str, ssl.TLSVersion] = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

# Names of curves: Go's, and OpenSSL's.
CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}

# Names of cipher suites: Go's (crypto/tls, CipherSuites), and OpenSSL's. Those of TLS 1.3 are always
# on, in Go as in Python.
CIPHERS: Mapping[str, str] = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}

_VERIFICATION: Mapping[str, ssl.VerifyMode] = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Certificate, key, and what is demanded of clients.

    Attributes:
        certificate: a file, or the text itself.
        key: likewise.
        client_authorities: likewise; None: no client certificate is asked for.
        ciphers: Go's names; empty: those of Python.
        curve: Go's name; None: those of OpenSSL.
    """

    certificate: Path | str
    key: Path | str
    client_authorities: Path | str | None = None
    client_auth_type: str = "NoClientCert"
    client_allowed_names: frozenset[str] = frozenset()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    ciphers: tuple[str, ...] = ()
    prefers_own_ciphers: bool = True
    curve: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are named."""
        named = (self.certificate, self.key, self.client_authorities)
        return tuple(one for one in named if isinstance(one, Path))

    def context(self, *, verifies_clients: bool = True) -> ssl.SSLContext:
        """Return a context for a listener.

        Args:
            verifies_clients: False: of a listener on which clients need no certificate.

        Raises:
            ValueError: a file cannot be read or used; the text names it.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = VERSIONS[self.min_version]
        context.maximum_version = VERSIONS[self.max_version]
        if not self.prefers_own_ciphers:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        chosen = [CIPHERS[name] for name in self.ciphers if CIPHERS[name]]
        if chosen:
            context.set_ciphers(":".join(chosen))
        if self.curve is not None:
            context.set_ecdh_curve(CURVES[self.curve])
        self._load_certificate(context)
        if verifies_clients and self.client_authorities is not None:
            context.verify_mode = _VERIFICATION[self.client_auth_type]
            self._load_authorities(context, self.client_authorities)
        return context

    def _load_certificate(self, context: ssl.SSLContext) -> None:
        with _as_file(self.certificate) as certificate, _as_file(self.key) as key:
            for name, file in (("certificate", certificate), ("key", key)):
                _check_readable(name, file)
            try:
                context.load_cert_chain(certificate, key, password=_no_passphrase)
            except ssl.SSLError as error:
                raise ValueError(
                    f"certificate {_named(self.certificate)} and key {_named(self.key)}: expected a "
                    f"certificate in PEM and its key, got {_reason(error)}"
                ) from None

    @staticmethod
    def _load_authorities(context: ssl.SSLContext, authorities: Path | str) -> None:
        try:
            if isinstance(authorities, Path):
                _check_readable("client_ca_file", authorities)
                context.load_verify_locations(cafile=authorities)
            else:
                context.load_verify_locations(cadata=authorities)
        except ssl.SSLError as error:
            raise ValueError(
                f"client authorities {_named(authorities)}: expected certificates in PEM, "
                f"got {_reason(error)}"
            ) from None


def _no_passphrase() -> str:
    raise ValueError("key: expected a key without a passphrase, since nobody could enter it")


def _check_readable(name: str, file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise ValueError(f"{name} {file}: {error.strerror or error}") from None


def _named(place: Path | str) -> str:
    return str(place) if isinstance(place, Path) else "in the file"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "something else").lower().replace("_", " ")


@contextmanager
def _as_file(place: Path | str) -> Iterator[Path]:
    """Give a file with the text, since Python reads certificates and keys from files only."""
    if isinstance(place, Path):
        yield place
        return
    number, name = tempfile.mkstemp(prefix="yuptime-")  # with mode 0600
    try:
        with os.fdopen(number, "w") as file:
            file.write(place)
        yield Path(name)
    finally:
        Path(name).unlink()
