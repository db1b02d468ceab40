"""Files of `--web.config.file` as people write them: each is used, or refused in clear words."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import Authority
from yuptime_exporter.core.errors import ConfigInvalid
from yuptime_exporter.settings.web_configuration import load_web_configuration

TOOLKIT = "prometheus/exporter-toolkit web/testdata/web_config"
PAIR = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"


@dataclass(frozen=True)
class Case:
    """A file, and the words of its refusal; no words: the file is used."""

    sentence: str
    source: str
    content: str | bytes
    says: tuple[str, ...] = ()


CASES = [
    Case("an empty file guards nothing", f"{TOOLKIT}_empty", ""),
    Case("a certificate and its key are enough", f"{TOOLKIT}_noAuth.good", PAIR),
    Case(
        "TLS without a certificate names both keys",
        f"{TOOLKIT}_noAuth_certPath_empty.bad",
        "tls_server_config:\n  key_file: server.key\n",
        ("tls_server_config", "expected one of cert and cert_file"),
    ),
    Case(
        "TLS without a key names both keys",
        f"{TOOLKIT}_noAuth_keyPath_empty.bad",
        "tls_server_config:\n  cert_file: server.crt\n",
        ("expected one of key and key_file",),
    ),
    Case(
        "an empty TLS section is not plain HTTP",
        f"{TOOLKIT}_noAuth_certPath_keyPath_empty.bad",
        "tls_server_config:\n  cert_file: ''\n  key_file: ''\n",
        ("cert_file", "expected the path of a file"),
    ),
    Case(
        "a missing certificate is named with its path",
        f"{TOOLKIT}_noAuth_certPath_invalid.bad",
        "tls_server_config:\n  cert_file: other.crt\n  key_file: server.key\n",
        ("other.crt", "No such file"),
    ),
    Case(
        "a missing key is named with its path",
        f"{TOOLKIT}_noAuth_keyPath_invalid.bad",
        "tls_server_config:\n  cert_file: server.crt\n  key_file: other.key\n",
        ("other.key", "No such file"),
    ),
    Case(
        "a directory in the place of a certificate is named",
        "prometheus/exporter-toolkit docs/web-configuration.md",
        "tls_server_config:\n  cert_file: .\n  key_file: server.key\n",
        ("certificate", "Is a directory"),
    ),
    Case(
        "a key of another certificate is refused",
        "prometheus/exporter-toolkit docs/web-configuration.md",
        "tls_server_config:\n  cert_file: server.crt\n  key_file: client.key\n",
        ("server.crt", "client.key", "key values mismatch"),
    ),
    Case(
        "an invented version of TLS lists the versions",
        f"{TOOLKIT}_noAuth_wrongTLSVersion.bad",
        PAIR + "  min_version: TLS111\n",
        ("min_version", "TLS12, TLS13"),
    ),
    Case(
        "a version without quotes as a number is refused",
        "prometheus/exporter-toolkit docs/web-configuration.md",
        PAIR + "  min_version: 1.2\n",
        ("min_version", "expected a string"),
    ),
    Case(
        "a lowest version above the highest is refused",
        "prometheus/exporter-toolkit web/tls_config.go",
        PAIR + "  min_version: TLS13\n  max_version: TLS12\n",
        ("min_version", "up to max_version"),
    ),
    Case(
        "an invented cipher lists the ciphers",
        f"{TOOLKIT}_noAuth_inventedCiphers.bad",
        PAIR + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_2048]\n",
        ("cipher_suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ),
    Case(
        "Go's names of ciphers are understood",
        f"{TOOLKIT}_noAuth_someCiphers.good",
        PAIR + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n",
    ),
    Case(
        "the client's order of ciphers can be preferred",
        f"{TOOLKIT}_noAuth_someCiphers_noOrder.good",
        PAIR + "  prefer_server_cipher_suites: false\n",
    ),
    Case(
        "an invented curve lists the curves",
        f"{TOOLKIT}_noAuth_inventedCurves.bad",
        PAIR + "  curve_preferences: [CurveP257]\n",
        ("curve_preferences", "CurveP256"),
    ),
    Case(
        "one curve is honoured",
        f"{TOOLKIT}_noAuth_someCurves.good",
        PAIR + "  curve_preferences: [CurveP521]\n",
    ),
    Case(
        "several curves are refused and not ignored",
        f"{TOOLKIT}_noAuth_allCurves.good",
        PAIR + "  curve_preferences: [CurveP521, CurveP256]\n",
        ("curve_preferences", "at most one curve"),
    ),
    Case(
        "HTTP/2 may be switched off",
        f"{TOOLKIT}_noAuth_noHTTP2.good",
        "http_server_config: {http2: false}\n",
    ),
    Case(
        "an authority for clients without a type is refused",
        f"{TOOLKIT}_auth_clientCAs_invalid.bad",
        PAIR + "  client_ca_file: ca.crt\n",
        ("client_ca_file", "client_auth_type"),
    ),
    Case(
        "a type without an authority does not trust the whole world",
        "prometheus/exporter-toolkit docs/web-configuration.md",
        PAIR + "  client_auth_type: RequireAndVerifyClientCert\n",
        ("client_ca_file", "strangers"),
    ),
    Case(
        "an unverified certificate of a client is refused and not ignored",
        f"{TOOLKIT}_noAuth.requireanyclientcert.good",
        PAIR + "  client_ca_file: ca.crt\n  client_auth_type: RequireAnyClientCert\n",
        ("client_auth_type", "RequireAndVerifyClientCert"),
    ),
    Case(
        "a misspelt type lists the types",
        f"{TOOLKIT}_noAuth.bad",
        PAIR + "  client_ca_file: ca.crt\n  client_auth_type: require\n",
        ("client_auth_type", "VerifyClientCertIfGiven"),
    ),
    Case(
        "an authority that is no certificate is named",
        f"{TOOLKIT}_auth_clientCAs_nocerts.bad",
        PAIR + "  client_ca_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n",
        ("server.key", "expected certificates in PEM"),
    ),
    Case(
        "names of clients need a verified certificate",
        f"{TOOLKIT}_auth_client_san_no_client_auth.bad",
        PAIR + "  client_allowed_sans: [prometheus.example]\n",
        ("client_allowed_sans", "RequireAndVerifyClientCert"),
    ),
    Case(
        "users work without TLS",
        f"{TOOLKIT}_users_noTLS.good",
        f"basic_auth_users: {{alice: {HASH}}}\n",
    ),
    Case(
        "a password in plain text is refused without being repeated",
        f"{TOOLKIT}_auth_user_list_invalid.bad",
        "basic_auth_users: {alice: hunter2}\n",
        ("basic_auth_users", "bcrypt"),
    ),
    Case(
        "another kind of hash is refused without being repeated",
        "grafana/grafana#77099",
        "basic_auth_users: {alice: '$apr1$hunter2$yErhuaEoRiuIXN7Dwr1Gd/'}\n",
        ("basic_auth_users", "bcrypt"),
    ),
    Case(
        "the dollar signs of a hash are doubled, as docker-compose wants them elsewhere",
        "wg-easy/wg-easy#1261",
        "basic_auth_users: {alice: $$2y$$10$$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n",
        ("basic_auth_users", "bcrypt"),
    ),
    Case(
        "docker-compose has replaced the parts of a hash that look like variables",
        "static-web-server/static-web-server#109",
        "basic_auth_users: {alice: .PMVUrFIcdX}\n",
        ("basic_auth_users", "bcrypt"),
    ),
    Case(
        "the quotes of a shell are part of the hash",
        "wg-easy/wg-easy#1622",
        f"basic_auth_users: {{alice: \"'{HASH}'\"}}\n",
        ("basic_auth_users", "bcrypt"),
    ),
    Case(
        "a line of htpasswd has the name before the hash",
        "khairul169/garage-webui#15",
        f"basic_auth_users: {{alice: 'alice:{HASH}'}}\n",
        ("basic_auth_users", "bcrypt"),
    ),
    Case(
        "a hash of Go has 2a in it and a higher cost",
        "lucaslorentz/caddy-docker-proxy#449",
        "basic_auth_users: {alice: $2a$14$WYgRwhWuywq/ln9nMrhwJunqGsKuSH0SNj1SDzqzHqYjuhqEtG0Py}\n",
    ),
    Case(
        "the users as a list are refused",
        "prometheus/node_exporter#1683",
        f"basic_auth_users: [{{alice: {HASH}}}]\n",
        ("basic_auth_users", "expected a mapping"),
    ),
    Case(
        "the usual headers are set",
        f"{TOOLKIT}_headers.good",
        "http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}\n",
    ),
    Case(
        "another header is refused",
        f"{TOOLKIT}_headers_extra_header.bad",
        "http_server_config: {headers: {X-Powered-By: php}}\n",
        ("headers", "X-Frame-Options"),
    ),
    Case(
        "an unknown value of a header is refused",
        f"{TOOLKIT}_headers_frame_options.bad",
        "http_server_config: {headers: {X-Frame-Options: allow}}\n",
        ("X-Frame-Options", "deny or sameorigin"),
    ),
    Case(
        "an unknown key is refused with the key that was meant",
        f"{TOOLKIT}_junk_key",
        "tls_server_configs: {}\n",
        ("unknown key", "did you mean tls_server_config?"),
    ),
    Case(
        "a key of Prometheus' own configuration is refused",
        "prometheus/prometheus#9062",
        "basic_auth: {username: alice, password: hunter2}\n",
        ("basic_auth", "unknown key"),
    ),
    Case(
        "two documents are refused",
        "prometheus/exporter-toolkit docs/web-configuration.md",
        f"{PAIR}---\nbasic_auth_users: {{}}\n",
        ("expected one document",),
    ),
    Case(
        "a byte order mark is skipped",
        "prometheus/exporter-toolkit docs/web-configuration.md",
        b"\xef\xbb\xbf" + PAIR.encode(),
    ),
    Case(
        "a limit of all requests is honoured",
        f"{TOOLKIT}_rate_limiter_one_second",
        "rate_limit: {interval: 1s, burst: 20}\n",
    ),
    Case(
        "a limit that lets nothing through is refused",
        f"{TOOLKIT}_rate_limiter_nonblocking",
        "rate_limit: {interval: 1s, burst: 0}\n",
        ("burst", "at least 1"),
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("web-config")
    authority = Authority(made)
    authority.issue("server", "127.0.0.1")
    authority.issue("client", "prometheus.example")
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_a_web_configuration_is_used_or_refused_in_clear_words(folder: Path, case: Case) -> None:
    file = folder / "web.yml"
    content = case.content
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    if not case.says:
        load_web_configuration(file)
        return
    with pytest.raises(ConfigInvalid) as refused:
        load_web_configuration(file)

    text = str(refused.value)
    assert text.startswith(f"--web.config.file={file}: ")
    assert [words for words in case.says if words not in text] == [], text
    assert "hunter2" not in text


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(folder: Path) -> None:
    """NethServer/dev#7848."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    key = serialization.load_pem_private_key((folder / "server.key").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    (folder / "locked.key").write_bytes(locked)
    (folder / "locked.yml").write_text(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: locked.key\n"
    )

    with pytest.raises(ConfigInvalid, match="without a passphrase"):
        load_web_configuration(folder / "locked.yml")


def test_certificate_and_key_may_stand_in_the_file_itself(folder: Path) -> None:
    """prometheus/exporter-toolkit web/testdata/web_config_noAuth_tlsInline.good.yml."""

    def indented(name: str) -> str:
        return "".join(f"    {line}\n" for line in (folder / name).read_text().splitlines())

    (folder / "inline.yml").write_text(
        f"tls_server_config:\n  cert: |\n{indented('server.crt')}  key: |\n{indented('server.key')}"
    )

    assert load_web_configuration(folder / "inline.yml").tls is not None
