"""The exporter that a command names, with the credentials and the certificates for it.

Nothing for the network is imported here: `yuptime run` starts the job first.
"""

import base64
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl

TOKEN_COMMAND_SECONDS = 30.0


class NotReported(Exception):
    """The exporter did not take a request; the text says why, without a credential."""


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

    def tls(self) -> "ssl.SSLContext":
        """Return the context for an https URL.

        Raises:
            NotReported: a file cannot be read, or is not a certificate or key.
        """
        import ssl  # noqa: PLC0415  for https URLs only

        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file, password=lambda: "")
        except OSError as error:  # ssl.SSLError is one
            files = (self.ca_file, self.certificate_file, self.key_file)
            named = ", ".join(str(file) for file in files if file is not None)
            raise NotReported(f"{named}: {error.strerror or error}") from None
        return context


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
