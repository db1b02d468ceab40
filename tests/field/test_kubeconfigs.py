"""Kubeconfigs as people have them: read as kubectl reads them, or refused with what is expected."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.exporters import Home
from tests.field.api_servers import TLS_NAME, ApiServers, api_servers
from tests.waiting import eventually

pytestmark = pytest.mark.peer  # processes of their own

START_SECONDS = 60.0

BEARER = "Bearer tok-123"
AS_CA = f"tls-server-name: {TLS_NAME}\n    certificate-authority"
BY_NAME = f"tls-server-name: {TLS_NAME}"


def kubeconfig(
    *,
    server: str = "{plain}",
    cluster: str = "",
    user: str = "token: tok-123",
    context: str = "{cluster: k, user: u}",
    current: str = "current-context: c\n",
) -> str:
    """Return a kubeconfig; `{plain}` and `{tls}` stand for URLs, `{folder}` for its folder."""
    more = f"    {cluster}\n" if cluster else ""
    return (
        f"apiVersion: v1\nkind: Config\n{current}clusters:\n- name: k\n  cluster:\n"
        f"    server: {server}\n{more}contexts:\n- name: c\n  context: {context}\n"
        f"users:\n- name: u\n  user:\n    {user}\n"
    )


@dataclass(frozen=True)
class Used:
    """A kubeconfig that works.

    Attributes:
        sends: headers of each request; None: the request has no such header.
        asks: the beginning of each requested path.
        kubeconfig_list: the value of `$KUBECONFIG`, of the files `good` and those in `files`; empty:
            the flag names the file `good`.
    """

    sentence: str
    source: str
    text: str
    sends: Mapping[str, str | None] = field(default_factory=lambda: {"Authorization": BEARER})
    asks: str = "/api"
    kubeconfig_list: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    never: str = "Traceback"
    encoding: str = "utf-8"


PLUGIN = 'echo \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",\'\n'
PLUGIN += 'echo \'"status":{"token":"from-plugin"}}\'\n'

USED = [
    Used("a token is sent", "kubernetes-client/python#236", kubeconfig()),
    Used(
        "the user in `as` is impersonated",
        "kubernetes-client/javascript#2355",
        kubeconfig(user="token: tok-123\n    as: sudo-user"),
        {"Authorization": BEARER, "Impersonate-User": "sudo-user"},
    ),
    Used(
        "a proxy is asked for the API server",
        "",
        kubeconfig(server="http://api.invalid:6443", cluster="proxy-url: {plain}"),
        asks="http://api.invalid:6443/api",
    ),
    Used(
        "the password of a proxy stays out of the log",
        "prometheus/alertmanager#2174",
        kubeconfig(
            server="http://api.invalid:6443", cluster="proxy-url: http://u:s3cr3t@{address}"
        ),
        asks="http://api.invalid:6443/api",
        never="s3cr3t",
    ),
    Used(
        "the certificate is checked against tls-server-name",
        "kubernetes-client/python#1889",
        kubeconfig(server="{tls}", cluster=f"{AS_CA}-data: {{ca}}"),
    ),
    Used(
        "insecure-skip-tls-verify checks no certificate",
        "yaml/libyaml#223",
        kubeconfig(server="{tls}", cluster="insecure-skip-tls-verify: true"),
    ),
    Used(
        "a byte order mark before the certificate is skipped",
        "OpenUnison/openunison-k8s#114",
        kubeconfig(server="{tls}", cluster=f"{AS_CA}-data: {{ca_with_bom}}"),
    ),
    Used(
        "the path of a certificate is relative to the kubeconfig",
        "kubernetes-client/python-base#94",
        kubeconfig(server="{tls}", cluster=f"{AS_CA}: pki/ca.crt"),
    ),
    Used(
        "a context without a user asks without credentials",
        "tomplus/kubernetes_asyncio#435",
        kubeconfig(context="{cluster: k}"),
        {"Authorization": None},
    ),
    Used(
        "a context without a user asks without credentials over TLS",
        "tomplus/kubernetes_asyncio#435",
        kubeconfig(
            server="{tls}", cluster="insecure-skip-tls-verify: true", context="{cluster: k}"
        ),
        {"Authorization": None},
    ),
    Used(
        "a kubeconfig without users asks without credentials",
        "kubernetes-client/python#236",
        kubeconfig(context="{cluster: k}").partition("users:")[0],
        {"Authorization": None},
    ),
    Used(
        "users that are null ask without credentials",
        "kubernetes-client/python#236",
        kubeconfig(context="{cluster: k}").partition("users:")[0] + "users: null\n",
        {"Authorization": None},
    ),
    Used(
        "a byte order mark before the kubeconfig is skipped",
        "dotnet/tye#402",
        kubeconfig(),
        encoding="utf-8-sig",
    ),
    Used(
        "UTF-16 with its byte order mark is read",
        "kubernetes/kubernetes#39007",
        kubeconfig(),
        encoding="utf-16",
    ),
    Used(
        "an empty file in the list is skipped",
        "kubernetes-client/python-base#223",
        kubeconfig(),
        kubeconfig_list="{folder}/empty:{folder}/good",
        files={"empty": ""},
    ),
    Used(
        "a missing file in the list is skipped",
        "kubernetes-client/python#599",
        kubeconfig(),
        kubeconfig_list="{folder}/missing:{folder}/good",
    ),
    Used(
        "null in place of contexts in a file of the list is skipped",
        "kubernetes-client/python-base#183",
        kubeconfig(),
        kubeconfig_list="{folder}/good:{folder}/emptied",
        files={
            "emptied": "apiVersion: v1\nkind: Config\ncontexts: null\nclusters: null\nusers: null\n"
        },
    ),
    Used(
        "the current context may stand in another file of the list",
        "kubernetes-client/python#2180",
        kubeconfig(current=""),
        kubeconfig_list="{folder}/good:{folder}/current",
        files={"current": "apiVersion: v1\nkind: Config\ncurrent-context: c\n"},
    ),
    Used(
        "empty parts of the list are skipped",
        "kubernetes-client/python-base#62",
        kubeconfig(),
        kubeconfig_list=":{folder}/good:",
    ),
    Used(
        "a login plugin of version v1 gives the token",
        "kubernetes-client/javascript#891",
        kubeconfig(
            user="exec: {apiVersion: client.authentication.k8s.io/v1, "
            "command: '{folder}/plugin', interactiveMode: Never}"
        ),
        {"Authorization": "Bearer from-plugin"},
        files={"plugin": "#!/bin/sh\n" + PLUGIN},
    ),
    Used(
        "the path of a login plugin is relative to the kubeconfig",
        "kube-rs/kube#2037",
        kubeconfig(
            user="exec: {apiVersion: client.authentication.k8s.io/v1, "
            "command: ./plugin, interactiveMode: Never}"
        ),
        {"Authorization": "Bearer from-plugin"},
        files={"plugin": "#!/bin/sh\n" + PLUGIN},
    ),
    Used(
        "a login plugin does not need the certificate of the cluster",
        "kube-rs/kube#1431",
        kubeconfig(
            server="{tls}",
            cluster="insecure-skip-tls-verify: true",
            user="exec: {apiVersion: client.authentication.k8s.io/v1beta1, "
            "command: '{folder}/plugin', provideClusterInfo: true}",
        ),
        {"Authorization": "Bearer from-plugin"},
        files={"plugin": "#!/bin/sh\n" + PLUGIN.replace('/v1"', '/v1beta1"')},
    ),
    Used(
        "the files of the list share clusters and users",
        "kdash-rs/kdash#534",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n",
        kubeconfig_list="{folder}/good:{folder}/other",
        files={"other": kubeconfig(current="")},
    ),
    Used(
        "the newline at the end of a token file is no part of the token",
        "balena-io/balena-cli#1800",
        kubeconfig(user="tokenFile: '{folder}/token'"),
        {"Authorization": "Bearer file-token"},
        files={"token": "file-token\n"},
    ),
    Used(
        "a token file comes before a token",
        "",
        kubeconfig(user="token: tok-123\n    tokenFile: '{folder}/token'"),
        {"Authorization": "Bearer file-token"},
        files={"token": "file-token\n"},
    ),
    Used(
        "a name and a password are sent as basic authentication",
        "",
        kubeconfig(user="username: a\n    password: b"),
        {"Authorization": "Basic YTpi"},
    ),
    Used(
        "the path of the server is kept",
        "",
        kubeconfig(server="{plain}/k8s/clusters/c-1"),
        asks="/k8s/clusters/c-1/api",
    ),
    Used(
        "the flag for the namespace comes before the namespace of the context",
        "",
        kubeconfig(context="{cluster: k, user: u, namespace: other}"),
    ),
    Used(
        "proxies of the environment are not asked",
        "giantswarm/prometheus-meta-operator#1010",
        kubeconfig(),
        env=dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    ),
    Used(
        "new fields of a cluster are ignored",
        "",
        kubeconfig(
            cluster="disable-compression: true\n    extensions: [{name: x, extension: {a: 1}}]"
        ),
    ),
]


@dataclass(frozen=True)
class Refused:
    """A kubeconfig with which the exporter does not start.

    Attributes:
        says: parts of the last line of the log.
        never: parts that no line has, apart from the words of a crash.
        flag: names the kubeconfig.
    """

    sentence: str
    source: str
    text: str
    says: tuple[str, ...]
    never: tuple[str, ...] = ()
    flag: str = "--kubernetes.kubeconfig={folder}/good"
    files: Mapping[str, str] = field(default_factory=dict)


NOT_OURS = ("Traceback", "NoneType", "object does not support", "Errno", "codec can't")
WHOLE = base64.b64encode(kubeconfig().encode()).decode()

REFUSED = [
    Refused(
        "groups without a user are not impersonated",
        "ManageIQ/kubeclient#521",
        kubeconfig(user="token: tok-123\n    as-groups: [system:masters]"),
        ("as-groups", "need the user in `as`"),
    ),
    Refused(
        "a SOCKS proxy is refused",
        "",
        kubeconfig(cluster="proxy-url: socks5://127.0.0.1:9"),
        ("proxy-url", "expected a proxy with http:// or https://, got the scheme 'socks5'"),
    ),
    Refused(
        "a certificate that is not base64 is refused by its field",
        "OpenUnison/openunison-k8s#114",
        kubeconfig(
            server="{tls}", cluster="certificate-authority-data: '-----BEGIN CERTIFICATE-----'"
        ),
        ("certificate-authority-data: expected base64",),
    ),
    Refused(
        "a certificate file that does not exist is named",
        "kubernetes/kubernetes#107282",
        kubeconfig(server="{tls}", cluster="certificate-authority: /nosuch.crt"),
        ("certificate-authority", "/nosuch.crt"),
    ),
    Refused(
        "a path of Windows is named as it is given",
        "adnanh/webhook#225",
        kubeconfig(server="{tls}", cluster="certificate-authority: C:\\Users\\me\\ca.crt"),
        ("certificate-authority", "ca.crt"),
    ),
    Refused(
        "a certificate without its key is refused by the field",
        "",
        kubeconfig(
            server="{tls}",
            cluster="insecure-skip-tls-verify: true",
            user="client-certificate: '{folder}/pki/ca.crt'",
        ),
        ("client-certificate", "key"),
    ),
    Refused(
        "a missing current context is named",
        "tomplus/kubernetes_asyncio#292",
        kubeconfig(current=""),
        ("current-context",),
    ),
    Refused(
        "an empty current context is named",
        "so0k/powerline-kubernetes#15",
        kubeconfig(current='current-context: ""\n'),
        ("current-context",),
    ),
    Refused(
        "a context is current that was misspelt",
        "kubernetes/kubernetes#21062",
        kubeconfig(current="current-context: i-do-not-exist\n"),
        ("i-do-not-exist",),
    ),
    Refused(
        "a current context that was unset is missing",
        "derailed/k9s#2651",
        kubeconfig(current=""),
        ("current-context",),
    ),
    Refused(
        "a context that does not exist is named",
        "kubernetes/kubernetes#107282",
        kubeconfig(current="current-context: nosuch\n"),
        ("nosuch",),
    ),
    Refused(
        "an empty file is refused", "kubernetes-client/python-base#223", "", ("{folder}/good",)
    ),
    Refused(
        "a directory is refused",
        "doitintl/kube-no-trouble#479",
        "",
        ("{folder}", "directory"),
        flag="--kubernetes.kubeconfig={folder}",
    ),
    Refused(
        "a file that does not exist is named",
        "kubernetes-client/python#599",
        "",
        ("/nosuch/kc", "no such file"),
        flag="--kubernetes.kubeconfig=/nosuch/kc",
    ),
    Refused(
        "without a kubeconfig and a pod the flag to give is named",
        "kubernetes-client/python#599",
        "",
        ("--kubernetes.kubeconfig=PATH",),
        flag="--source.kubernetes",
    ),
    Refused(
        "the base64 of a kubeconfig is refused and not repeated",
        "actions-hub/kubectl#22",
        WHOLE,
        ("{folder}/good",),
        never=(WHOLE[:20],),
    ),
    Refused(
        "a manifest in place of a kubeconfig is refused",
        "kubernetes-client/python#236",
        "apiVersion: monitoring.yuptime.io/v1\nkind: Monitor\nmetadata: {name: x}\n",
        ("{folder}/good",),
    ),
    Refused(
        "a login plugin that is not installed is named",
        "doitintl/kube-no-trouble#479",
        kubeconfig(
            user="exec: {apiVersion: client.authentication.k8s.io/v1beta1, "
            "command: nosuch-auth-plugin, interactiveMode: Never}"
        ),
        ("nosuch-auth-plugin",),
    ),
    Refused(
        "a login plugin that fails is named with its exit code",
        "kubenav/kubenav#562",
        kubeconfig(
            user="exec: {apiVersion: client.authentication.k8s.io/v1, "
            "command: '{folder}/plugin', interactiveMode: Never}"
        ),
        ("plugin failed", "3"),
        files={"plugin": "#!/bin/sh\necho warning: old\nexit 3\n"},
    ),
    Refused(
        "the login to GCP that Kubernetes removed is refused with its successor",
        "aquasecurity/starboard#40",
        kubeconfig(user="auth-provider: {name: gcp, config: {cmd-path: /nosuch}}"),
        ("auth-provider", "gke-gcloud-auth-plugin"),
    ),
    Refused(
        "a server without a scheme is refused by its field",
        "",
        kubeconfig(server="api.invalid:6443"),
        ("server: expected a URL that begins with https:// or http://",),
    ),
    Refused(
        "a token of two lines is refused and not repeated",
        "kiali/kiali#3021",
        kubeconfig(user='token: "tok-123\\nabc"'),
        ("the token",),
        never=("tok-123",),
    ),
    Refused(
        "a key that is given twice is refused",
        "kubernetes/kubernetes#99286",
        kubeconfig(user="token: tok-123\n    token: tok-999"),
        ("line 15: a key is given twice",),
        never=("tok-123", "tok-999"),
    ),
]


@dataclass
class Place:
    """The folder of one case, with its kubeconfigs and API servers."""

    folder: Path
    servers: ApiServers

    def filled(self, text: str) -> str:
        """Return a text with the addresses and certificates of this place."""
        certificate = self.servers.ca_file.read_bytes()
        values = {
            "plain": self.servers.plain_url,
            "address": self.servers.plain_url.removeprefix("http://"),
            "tls": self.servers.tls_url,
            "folder": str(self.folder),
            "ca": base64.b64encode(certificate).decode(),
            "ca_with_bom": base64.b64encode(b"\xef\xbb\xbf" + certificate).decode(),
        }
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def write(self, text: str, files: Mapping[str, str], *, encoding: str = "utf-8") -> None:
        for name, content in {"good": text, **files}.items():
            file = self.folder / name
            file.write_bytes(self.filled(content).encode(encoding))
            file.chmod(0o755)

    @asynccontextmanager
    async def started(
        self, *flags: str, env: Mapping[str, str] | None = None
    ) -> AsyncIterator["Started"]:
        """Start the exporter with these flags, and without the kubeconfig of this user."""
        home = Home(self.folder / "home")
        home.folder.mkdir()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "yuptime_exporter", "--source.kubernetes"),
            *("--kubernetes.namespace=field", f"--storage.url=sqlite:{home.database}"),
            *("--web.listen-address=127.0.0.1:0", *flags),
            stderr=asyncio.subprocess.PIPE,
            env={**_environment(), "HOME": str(home.folder), **(env or {})},
        )
        assert process.stderr is not None
        started = Started(process)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(started.read(process.stderr))
            try:
                yield started
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()
                await reading


@dataclass
class Started:
    """An exporter in its own process, and its log."""

    process: asyncio.subprocess.Process
    log: list[str] = field(default_factory=list)

    async def read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.log.append(line.decode().rstrip("\n"))

    async def says(self, text: str) -> None:
        """Return when a line of the log has this text."""

        async def found() -> bool:
            assert self.process.returncode is None, "\n".join(self.log)
            return any(text in line for line in self.log)

        await eventually(found, within_seconds=START_SECONDS)


def _environment() -> dict[str, str]:
    left_out = ("KUBE", "HTTP", "ALL_PROXY", "http", "POD_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "pki").mkdir()
    async with api_servers(tmp_path / "pki") as servers:
        yield Place(tmp_path, servers)


@pytest.mark.parametrize("case", USED, ids=lambda case: case.sentence)
async def test_a_kubeconfig_is_used_as_kubectl_uses_it(case: Used, place: Place) -> None:
    place.write(case.text, case.files, encoding=case.encoding)
    env = dict(case.env)
    flags = [f"--kubernetes.kubeconfig={place.folder / 'good'}"]
    if case.kubeconfig_list:
        flags, env = [], {**env, "KUBECONFIG": place.filled(case.kubeconfig_list)}
    async with place.started(*flags, env=env) as exporter:
        if case.asks.startswith("/k8s"):  # a path that the server of this test does not know

            async def asked() -> bool:
                return bool(place.servers.paths)

            await eventually(asked)
        else:
            await exporter.says("ready to receive pushes")

    assert [one for one in place.servers.paths if not one.startswith(case.asks)] == []
    for headers in place.servers.headers:
        for name, value in case.sends.items():
            assert headers.get(name) == value
    assert [one for one in place.servers.paths if "/namespaces/other/" in one] == []
    assert [line for line in exporter.log if case.never in line or "Traceback" in line] == []


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.sentence)
async def test_a_kubeconfig_is_refused_with_what_is_expected(case: Refused, place: Place) -> None:
    place.write(case.text, case.files)
    async with place.started(place.filled(case.flag)) as exporter:
        async with asyncio.timeout(START_SECONDS):
            code = await exporter.process.wait()

    assert code == 1, exporter.log
    last = exporter.log[-1]
    assert [part for part in map(place.filled, case.says) if part not in last] == [], last
    never = (*NOT_OURS, *case.never)
    assert [line for line in exporter.log for part in never if part in line] == []


async def test_a_certificate_for_another_name_is_no_crash_and_is_named(place: Place) -> None:
    """kubernetes-client/python#1889."""
    place.write(kubeconfig(server="{tls}", cluster="certificate-authority: pki/ca.crt"), {})
    async with place.started(f"--kubernetes.kubeconfig={place.folder / 'good'}") as exporter:
        await exporter.says("certificate is not valid for")

    assert place.servers.paths == []


async def test_a_token_file_that_is_replaced_by_two_lines_is_named_and_the_exporter_lives_on(
    place: Place,
) -> None:
    """balena-io/balena-cli#1800: the API server refuses the old token."""
    token = place.folder / "token"
    place.write(kubeconfig(user="tokenFile: '{folder}/token'"), {"token": "good-1"})
    async with place.started(f"--kubernetes.kubeconfig={place.folder / 'good'}") as exporter:
        await exporter.says("ready to receive pushes")
        token.write_text("good-2\ngarbage")
        place.servers.token = "good-2"
        exporter.process.send_signal(1)  # SIGHUP: list now
        await exporter.says("the token")
        token.write_text("good-2")
        await exporter.says("objects are followed again")

    assert [line for line in exporter.log if "good-" in line or "Traceback" in line] == []
