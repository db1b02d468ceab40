"""A mirror that lacks its permission, definition, server or history for a while."""

import asyncio
import logging
from pathlib import Path
from time import monotonic

import pytest

from tests.fakes.cutting_proxy import cutting_proxy
from tests.fakes.fault_proxy import fault_proxy
from tests.fakes.faults import (
    Hang,
    When,
)
from tests.kubernetes.following import LISTS, Following, Monitors, following
from tests.peers.cluster import Cluster, connected, control_plane
from tests.waiting import eventually

pytestmark = pytest.mark.peer


class TestPermissions:
    async def test_a_revoked_permission_costs_no_known_object_and_may_come_back(
        self, cluster: Cluster, monitors: Monitors, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        await monitors.create("a", 100)
        token = await cluster.service_account_token(monitors.namespace, "exporter")
        await _grant(cluster, monitors, token)
        async with following(cluster.kubeconfig(token), monitors.namespace) as one:
            await one.mirror.synced.wait()
            await _revoke(cluster, monitors.namespace)
            await _forbidden(one)
            await one.fails("grant the exporter's ServiceAccount the verbs get, list and")
            await monitors.change("a", 101)

            assert one.held == {"a": 100}
            await _grant(cluster, monitors, token)
            await _allowed(one)
            await one.holds({"a": 101})
            await one.is_well()
        said = [one.message for one in caplog.records if "followed" in one.message]
        assert said == [
            "objects cannot be followed; the last known ones stay",
            "objects are followed again",
        ]


class TestTheServer:
    async def test_a_definition_that_is_missing_is_waited_for(self, own_cluster: Cluster) -> None:
        monitors = Monitors(own_cluster, await own_cluster.create_namespace())
        await monitors.create("a", 100)
        async with following(own_cluster.kubeconfig(), monitors.namespace) as one:
            await one.mirror.synced.wait()
            await own_cluster.kubectl("delete", "crd", "monitors.monitoring.yuptime.io")
            await one.holds({})

            async def missing() -> str:
                await one.mirror.refresh()
                return one.mirror.failure or ""

            await eventually(missing, lambda text: "deploy/crd/monitors.yaml" in text)
            await own_cluster.install_crd()
            await monitors.create("b", 200)

            async def found() -> dict[str, int]:
                await one.mirror.refresh()
                return one.held

            await eventually(found, lambda held: held == {"b": 200})
            await one.is_well()

    async def test_a_server_that_was_away_is_followed_from_the_last_version(
        self, own_cluster: Cluster
    ) -> None:
        plane = own_cluster.plane
        if plane is None:
            pytest.skip("needs a cluster of its own")
        monitors = Monitors(own_cluster, await own_cluster.create_namespace())
        await monitors.create("a", 100)
        async with following(own_cluster.kubeconfig(), monitors.namespace) as one:
            await one.mirror.synced.wait()
            await asyncio.to_thread(plane.stop_api_server)
            await one.fails("reach")
            assert one.held == {"a": 100}
            await asyncio.to_thread(plane.start_api_server)
            await monitors.change("a", 101)
            await one.holds({"a": 101})
            await one.is_well()


class TestAProxyThatCutsEachConnection:
    async def test_changes_arrive_within_a_second_and_no_cut_is_a_failure(
        self, cluster: Cluster, monitors: Monitors, caplog: pytest.LogCaptureFixture
    ) -> None:
        port = int(cluster.url.rpartition(":")[2])
        await monitors.create("a", 100)
        async with cutting_proxy(port, life_seconds=2.5) as proxy:
            kubeconfig = cluster.kubeconfig()
            kubeconfig.write_text(kubeconfig.read_text().replace(f":{port}", f":{proxy.port}"))
            async with (
                following(cluster.kubeconfig(), monitors.namespace) as uncut,
                following(kubeconfig, monitors.namespace) as one,
            ):
                await uncut.mirror.synced.wait()
                await one.mirror.synced.wait()
                delays = []
                for number in range(101, 127):
                    await monitors.create(f"new-{number}", number)
                    # A busy machine delays both.
                    await uncut.holds({**uncut.held, f"new-{number}": number})
                    began = monotonic()
                    await one.holds(uncut.held)
                    delays.append(monotonic() - began)
                    await asyncio.sleep(0.3)  # so that cuts meet watches of any age

                assert proxy.cuts >= 3
                assert (one.lists, one.errors) == (1, {})
                watches = one.count("watches_total")
                assert watches <= 2 * (proxy.cuts + 1)
        assert max(delays) < 1.0
        assert [text for one in caplog.records if "followed" in (text := one.message)] == []


class TestWhatEtcdForgot:
    async def test_a_version_that_was_compacted_is_listed_again(self, tmp_path: Path) -> None:
        # Without its cache the API server asks etcd, so that the 410 is a real one.
        with control_plane(tmp_path / "plane", watch_cache=False) as plane:
            async with (
                connected(plane, tmp_path / "client") as cluster,
                fault_proxy(plane.url, plane.ca_file, folder=tmp_path / "proxy") as proxy,
            ):
                await cluster.install_crd()
                monitors = Monitors(cluster, await cluster.create_namespace())
                await monitors.create("a", 100)
                kubeconfig = proxy.kubeconfig(cluster.admin_token)
                async with following(kubeconfig, monitors.namespace) as one:
                    await one.mirror.synced.wait()
                    await proxy.refuse_connections()
                    proxy.drop_connections()
                    await monitors.change("a", 101)
                    await monitors.create("b", 200)
                    await asyncio.to_thread(plane.compact)
                    await proxy.accept_connections()
                    await one.holds({"a": 101, "b": 200})

                    assert one.errors["expired"] == 1
                    assert one.lists == 2

    async def test_pages_that_were_compacted_are_listed_in_one_answer(self, tmp_path: Path) -> None:
        with control_plane(tmp_path / "plane", watch_cache=False) as plane:
            async with (
                connected(plane, tmp_path / "client") as cluster,
                fault_proxy(plane.url, plane.ca_file, folder=tmp_path / "proxy") as proxy,
            ):
                await cluster.install_crd()
                monitors = Monitors(cluster, await cluster.create_namespace())
                async with asyncio.TaskGroup() as tasks:
                    for number in range(502):
                        tasks.create_task(monitors.create(f"job-{number}"))
                second = When(path="/monitors", query="continue=")
                held_back = proxy.apply(Hang(), when=second)
                kubeconfig = proxy.kubeconfig(cluster.admin_token)
                async with following(kubeconfig, monitors.namespace) as one:
                    await eventually(proxy.waiting(second))
                    await monitors.delete("job-7")
                    await asyncio.to_thread(plane.compact)
                    held_back.lift()
                    await one.mirror.synced.wait()

                    assert len(one.held) == 501
                    assert "job-7" not in one.held
                    assert [seen.status for seen in proxy.seen(LISTS)] == [200, 410, 200]
                    assert "limit" not in proxy.seen(LISTS)[-1].query


async def _grant(cluster: Cluster, monitors: Monitors, token: str) -> None:
    namespace = monitors.namespace
    await cluster.kubectl(
        *("create", "role", "follow", "-n", namespace, "--verb=get,list,watch"),
        "--resource=monitors.monitoring.yuptime.io",
    )
    await cluster.kubectl(
        *("create", "rolebinding", "follow", "-n", namespace, "--role=follow"),
        f"--serviceaccount={namespace}:exporter",
    )
    await cluster.serves(monitors.path, token=token)


async def _revoke(cluster: Cluster, namespace: str) -> None:
    await cluster.kubectl("delete", "role,rolebinding", "follow", "-n", namespace)


async def _forbidden(one: Following) -> None:
    """List again until the list is forbidden: an open watch stays open."""

    async def ask() -> str | None:
        await one.mirror.refresh()
        return one.mirror.failure

    await eventually(ask, lambda failure: failure is not None and "403" in failure)


async def _allowed(one: Following) -> None:
    async def ask() -> str | None:
        await one.mirror.refresh()
        return one.mirror.failure

    await eventually(ask, lambda failure: failure is None)
