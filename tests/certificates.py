"""Certificates for tests, of an authority of their own."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

import trustme


@dataclass
class Authority:
    """Issues certificates into a folder."""

    folder: Path
    made: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.made.cert_pem.write_to_path(self.certificate)

    @property
    def certificate(self) -> Path:
        """The file of the authority itself."""
        return self.folder / "ca.crt"

    def issue(self, name: str, *identities: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key; the name is that of the files."""
        issued = self.made.issue_cert(*identities)
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        return certificate, key

    def client(self, *identities: str) -> ssl.SSLContext:
        """Return a client's context, with a certificate if there are identities."""
        context = ssl.create_default_context(cafile=self.certificate)
        if identities:
            context.load_cert_chain(*self.issue("client", *identities))
        return context
