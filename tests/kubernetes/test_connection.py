"""The credentials of a pod and the trusted certificates, against servers on loopback.

Prefixes name the project with the same test: CG client-go (transport/token_source_test.go).
"""

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from tests.exporters import StandingClock
from tests.fakes.fault_sides import make_certificates
from tests.kubernetes.servers import PATH, Pod, Server, api_of, server_at
from tests.peers.running import free_port
from yuptime_exporter.core.errors import SourceUnusable
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.kubernetes.errors import ApiStatusError, ApiUnreachable


class TestInAPod:
    async def test_cg_a_token_may_end_its_line(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        # The library's loader would send the newline, which aiohttp refuses to.
        pod.runs_near(secured, ca_file)
        pod.write("first\n")

        async with api_of(clock, service_account=pod.folder) as api:
            assert (await api.call("GET", PATH))["path"] == PATH

    async def test_cg_a_token_is_read_anew_each_minute(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = ""  # takes any
            pod.write("second")
            await api.call("GET", PATH)
            clock.advance(59)
            await api.call("GET", PATH)
            clock.advance(1)
            await api.call("GET", PATH)

        assert secured.tokens == ["Bearer first", "Bearer first", "Bearer second"]

    async def test_cg_reset_token_older_than_a_401_reads_the_token_and_asks_again(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = "second"
            pod.write("second")

            assert (await api.call("PATCH", PATH, body={"a": 1}))["sent"] == '{"a":1}'
        assert secured.tokens == ["Bearer first", "Bearer second"]

    async def test_cg_race_many_requests_that_are_refused_at_once_all_succeed(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = "second"
            pod.write("second")
            async with asyncio.TaskGroup() as tasks:
                answers = [tasks.create_task(api.call("GET", PATH)) for _ in range(20)]

        assert all(one.result()["path"] == PATH for one in answers)

    async def test_a_token_that_stays_wrong_is_refused_after_one_more_try(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            secured.token = "another"
            with pytest.raises(ApiStatusError) as refused:
                await api.call("GET", PATH)

        assert (refused.value.status, refused.value.reason) == (401, "Unauthorized")
        assert len(secured.asked) == 2

    @pytest.mark.parametrize("broken", ["gone", "empty"])
    async def test_a_token_that_cannot_be_read_for_a_moment_leaves_the_last_one_in_use(
        self,
        pod: Pod,
        secured: Server,
        ca_file: Path,
        clock: StandingClock,
        caplog: pytest.LogCaptureFixture,
        broken: str,
    ) -> None:
        caplog.set_level(logging.INFO)
        pod.runs_near(secured, ca_file)
        async with api_of(clock, service_account=pod.folder) as api:
            if broken == "gone":
                (pod.folder / "token").unlink()
            else:
                pod.write("")
            for _ in range(3):
                clock.advance(61)
                await api.call("GET", PATH)
            pod.write("first")
            clock.advance(61)
            await api.call("GET", PATH)

        said = [one.message for one in caplog.records]
        assert [text for text in said if "credentials" in text] == [
            "credentials cannot be read; the last known ones stay in use",
            "credentials can be read again",
        ]
        assert "first" not in caplog.text

    async def test_another_authority_is_believed_as_soon_as_its_file_is_there(
        self,
        pod: Pod,
        secured: Server,
        ca_file: Path,
        clock: StandingClock,
        tmp_path: Path,
    ) -> None:
        # client-go: ClientsAllowCARotation.
        pod.runs_near(secured, ca_file)
        async with (
            api_of(clock, service_account=pod.folder) as api,
            server_at(make_certificates(tmp_path / "other")) as other,
        ):
            pod.is_near(other)
            clock.advance(61)
            with pytest.raises(ApiUnreachable, match="certificate verify failed"):
                await api.call("GET", PATH)
            pod.write(authority=(tmp_path / "other" / "ca.crt").read_text())
            clock.advance(61)

            assert (await api.call("GET", PATH))["path"] == PATH

    async def test_proxies_of_the_environment_are_not_asked(
        self,
        pod: Pod,
        secured: Server,
        ca_file: Path,
        clock: StandingClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # NO_PROXY=10.0.0.0/8 would be usual, and is not understood.
        nobody = f"http://127.0.0.1:{free_port()}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, nobody)
        pod.runs_near(secured, ca_file)

        async with api_of(clock, service_account=pod.folder) as api:
            assert await api.call("GET", PATH)

    async def test_an_address_of_ipv6_is_written_in_brackets(
        self, pod: Pod, secured: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pod.runs_near(secured, ca_file)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
        connection = Connection(None, clock=StandingClock(), service_account=pod.folder)
        await connection.renew()
        await connection.close()

        assert connection._access is not None
        assert connection._access.server == f"https://[fd00::1]:{secured.port}"

    async def test_without_a_service_account_the_remedy_is_told(
        self, pod: Pod, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")

        with pytest.raises(SourceUnusable, match=r"No such file.*--kubernetes.kubeconfig"):
            async with api_of(clock, service_account=pod.folder):
                pass

    async def test_the_client_library_is_not_even_imported(
        self, pod: Pod, secured: Server, ca_file: Path, tmp_path: Path
    ) -> None:
        pod.runs_near(secured, ca_file)
        program = tmp_path / "program.py"
        program.write_text(
            "import asyncio, sys, time\n"
            "from pathlib import Path\n"
            "from yuptime_exporter.kubernetes.connection import Connection\n"
            "async def main():\n"
            "    connection = Connection(None, clock=time.time, service_account=Path(sys.argv[1]))\n"
            "    await connection.renew()\n"
            "    await connection.close()\n"
            "asyncio.run(main())\n"
            "print(sum(name.startswith('kubernetes_asyncio') for name in sys.modules))\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, program, pod.folder, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()

        assert printed.decode().strip() == "0"

    async def test_the_namespace_of_a_pod_is_in_its_service_account(
        self, pod: Pod, secured: Server, ca_file: Path, clock: StandingClock
    ) -> None:
        pod.runs_near(secured, ca_file)
        (pod.folder / "namespace").write_text("monitoring\n")

        async with api_of(clock, service_account=pod.folder) as api:
            assert api.namespace == "monitoring"
