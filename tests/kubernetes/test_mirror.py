"""A mirror before a real API server, with a proxy in between that misbehaves.

What the mirror decides is tested in test_reflector.py and test_holdings.py, without waiting.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import fault_answers as answers
from tests.fakes.fault_proxy import FaultProxy, fault_proxy
from tests.fakes.faults import (
    WATCHES,
    Answer,
    At,
    Cut,
    Delay,
    Double,
    EmptyLines,
    Fault,
    Hang,
    How,
    Inject,
    Join,
    NoReuse,
    Pad,
    Split,
    When,
)
from tests.kubernetes.following import Following, Monitors, following
from tests.peers.cluster import Cluster, connected, control_plane
from tests.waiting import eventually

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

LISTS = When(path="/monitors", watch=False)


@dataclass
class Scene:
    """A mirror that has listed two Monitors through a proxy, and watches."""

    monitors: Monitors
    proxy: FaultProxy
    one: Following

    async def watched_again(self) -> None:
        """All connections break; the next watch is let in or not."""
        count = len(self.proxy.seen(WATCHES))
        self.proxy.drop_connections()
        await eventually(self.proxy.asked(WATCHES), lambda asked: asked > count)


@pytest.fixture
async def monitors(cluster: Cluster) -> Monitors:
    return Monitors(cluster, await cluster.create_namespace())


@pytest.fixture
async def proxy(cluster: Cluster, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(cluster.url, cluster.ca_file, folder=tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture
async def scene(monitors: Monitors, proxy: FaultProxy, cluster: Cluster) -> AsyncIterator[Scene]:
    await monitors.create("a", 100)
    await monitors.create("b", 200)
    async with following(proxy.kubeconfig(cluster.admin_token), monitors.namespace) as one:
        await one.mirror.synced.wait()
        await eventually(proxy.waiting(WATCHES))
        yield Scene(monitors, proxy, one)


class TestNothingGoesWrong:
    async def test_what_happens_is_told(self, scene: Scene) -> None:
        await scene.monitors.create("c", 300)
        await scene.one.holds({"a": 100, "b": 200, "c": 300})
        await scene.monitors.change("c", 400)
        await scene.one.holds({"a": 100, "b": 200, "c": 400})
        await scene.monitors.delete("c")
        await scene.one.holds({"a": 100, "b": 200})

        assert scene.one.told[2:] == [("c", None, 300), ("c", 300, 400), ("c", 400, None)]
        assert (scene.one.lists, scene.one.count("watches_total")) == (1, 1)
        assert scene.one.errors == {}

    async def test_what_is_counted_is_what_there_is(self, scene: Scene) -> None:
        assert scene.one.count("objects") == 2
        assert scene.one.count("synced") == 1
        assert (
            scene.one.count("watch_last_event_timestamp_seconds")
            == scene.one.mirror.fresh_timestamp
        )
        assert scene.one.mirror.fresh_timestamp > 0

    async def test_what_is_not_worth_keeping_is_not_kept(self, scene: Scene) -> None:
        await scene.monitors.change("a", 13)
        await scene.one.holds({"b": 200})
        await scene.monitors.change("a", 14)
        await scene.one.holds({"a": 14, "b": 200})

    async def test_refreshing_lists_anew_and_returns_when_that_is_in_force(
        self, scene: Scene
    ) -> None:
        scene.proxy.silence(when=WATCHES)
        await scene.monitors.change("a", 101)
        await scene.one.mirror.refresh()

        assert scene.one.held == {"a": 101, "b": 200}
        assert scene.one.lists == 2

    async def test_refreshing_returns_also_if_there_is_no_answer(self, scene: Scene) -> None:
        await scene.proxy.refuse_connections()
        scene.proxy.drop_connections()
        await scene.one.mirror.refresh()

        assert scene.one.held == {"a": 100, "b": 200}

    async def test_an_object_is_looked_at_when_asked_to(self, scene: Scene) -> None:
        scene.proxy.silence(when=WATCHES)
        await scene.monitors.create("c", 300)
        await scene.monitors.delete("a")
        name = next(name for name in scene.one.mirror.objects if name.name == "a")
        await scene.one.mirror.reconsider(name)
        await scene.one.mirror.reconsider(name._replace(name="c"))

        assert scene.one.held == {"b": 200, "c": 300}

    async def test_a_selector_is_the_server_s_to_apply(
        self, cluster: Cluster, monitors: Monitors
    ) -> None:
        await monitors.create("a")
        async with following(cluster.kubeconfig(), monitors.namespace) as one:
            await one.mirror.synced.wait()
            query = {"fieldSelector": "spec.type!=push,metadata.name!=x y"}
            page = await one.api.page(monitors.path, query)

            assert list(page.items()) == []


ONCE: list[tuple[str, Fault]] = [
    ("reset", Cut(How.RESET)),
    ("reset in a frame", Cut(How.RESET, At.MID_FRAME)),
    ("reset after a frame", Cut(How.RESET, At.AFTER_FRAME)),
    ("reset before headers", Cut(How.RESET, At.HEADERS)),
    ("half-closed", Cut(How.HALF_CLOSE)),
    ("half-closed in a frame", Cut(How.HALF_CLOSE, At.MID_FRAME)),
    ("end", Cut(How.END)),
    ("end in a frame", Cut(How.END, At.MID_FRAME)),
    ("end after a frame", Cut(How.END, At.AFTER_FRAME)),
    ("401", answers.unauthorized()),
    ("401 as text", answers.unauthorized_text()),
    ("429", answers.too_many_requests(1)),
    ("500", answers.internal_error()),
    ("500 as an event", answers.error_event(500, "InternalError", "etcdserver: no leader")),
    ("502", answers.bad_gateway()),
    ("late headers", Delay(0.3, headers_only=True)),
    ("no reuse", NoReuse()),
]
LISTING: list[tuple[str, Fault]] = [
    ("410", answers.expired()),
    ("410 as an event", answers.expired_event()),
    ("version of the future", answers.too_large_resource_version()),
    ("no JSON", Inject(b"<html>502 Bad Gateway</html>\n")),
    ("no UTF-8", Inject(b'{"type":"\xff"}\n')),
    ("no object", Inject(b"[]\n")),
    ("no metadata", Inject(b'{"type":"MODIFIED","object":{}}\n')),
    ("no name", Inject(b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}\n')),
    ("error without a Status", Inject(b'{"type":"ERROR","object":null}\n')),
]
OF_FRAMES: list[tuple[str, Fault]] = [
    ("byte by byte", Split(every_bytes=1)),
    ("cut in three", Split(at=(5, 40), pause_seconds=0.01)),
    ("two at once", Join(2)),
    ("empty lines", EmptyLines(3)),
    ("five megabytes", Pad(5_000_000)),
    ("twice", Double()),
]


class TestAWatchGoesWrong:
    @pytest.mark.parametrize("fault", [one[1] for one in ONCE], ids=[one[0] for one in ONCE])
    async def test_what_passes_loses_no_change_and_lists_nothing(
        self, scene: Scene, fault: Fault
    ) -> None:
        applied = scene.proxy.apply(fault, when=WATCHES, times=1)
        await scene.monitors.change("a", 101)
        if not applied.struck:
            await scene.watched_again()
        await scene.monitors.delete("b")
        await scene.monitors.create("b", 201)
        await scene.one.holds({"a": 101, "b": 201})

        assert applied.struck
        assert scene.one.lists == 1
        assert [one for one in scene.one.told[2:] if one[0] == "b"] == [
            ("b", 200, None),
            ("b", None, 201),
        ]

    @pytest.mark.parametrize("fault", [one[1] for one in LISTING], ids=[one[0] for one in LISTING])
    async def test_what_cannot_be_relied_on_lists(self, scene: Scene, fault: Fault) -> None:
        applied = scene.proxy.apply(fault, when=WATCHES, times=1)
        if isinstance(fault, Answer):
            await scene.watched_again()
        await eventually(applied.strikes)
        await scene.monitors.change("a", 101)
        await scene.monitors.delete("b")
        await scene.one.holds({"a": 101})

        assert scene.one.lists == 2

    @pytest.mark.parametrize(
        "fault", [one[1] for one in OF_FRAMES], ids=[one[0] for one in OF_FRAMES]
    )
    async def test_frames_come_in_any_shape(self, scene: Scene, fault: Fault) -> None:
        scene.proxy.apply(fault, when=WATCHES)
        await scene.monitors.change("a", 101)
        await scene.monitors.create("ü".encode("idna").decode(), 5)
        await scene.one.holds({"a": 101, "b": 200, "xn--tda": 5})

        assert scene.one.lists == 1
        assert scene.one.errors == {}

    async def test_a_frame_beyond_any_limit_is_given_up_and_listed(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene.proxy.apply(Pad(17 * 1024 * 1024), when=When(frame=b'"a"'), times=1)
        await scene.monitors.change("a", 101)
        await scene.one.holds({"a": 101, "b": 200})

        assert scene.one.errors == {"broken": 1}
        assert "16777216 bytes" in str([vars(one).get("err") for one in caplog.records])

    async def test_an_unknown_type_is_left_alone(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(3):
            scene.proxy.apply(Inject(b'{"type":"SYNC","object":{}}\n'), when=WATCHES, times=1)
        await scene.monitors.change("a", 101)
        await scene.one.holds({"a": 101, "b": 200})

        assert scene.one.errors == {}
        assert len([one for one in caplog.records if "not known" in one.message]) == 1

    async def test_a_watch_that_ends_at_once_again_and_again_is_not_begun_all_the_time(
        self, scene: Scene
    ) -> None:
        scene.proxy.apply(Cut(How.END), when=WATCHES)
        await eventually(scene.proxy.asked(WATCHES), lambda asked: asked >= 4)
        began = scene.one.count("watches_total")
        scene.proxy.lift()
        await scene.monitors.change("a", 101)
        await scene.one.holds({"a": 101, "b": 200})

        assert began < 8
        assert scene.one.lists == 1
        assert scene.one.errors["broken"] >= 2

    async def test_a_server_that_forgets_at_once_is_not_listed_all_the_time(
        self, scene: Scene
    ) -> None:
        scene.proxy.apply(answers.expired(), when=WATCHES)
        await scene.watched_again()
        await eventually(scene.proxy.asked(WATCHES), lambda asked: asked >= 4)

        assert scene.one.lists < 8
        assert scene.one.held == {"a": 100, "b": 200}

    async def test_a_watch_that_died_silently_is_begun_again(
        self, monitors: Monitors, proxy: FaultProxy, cluster: Cluster
    ) -> None:
        await monitors.create("a", 100)
        kubeconfig = proxy.kubeconfig(cluster.admin_token)
        async with following(kubeconfig, monitors.namespace, inactivity_seconds=1.0) as one:
            await one.mirror.synced.wait()
            silence = proxy.silence(when=WATCHES)
            await monitors.change("a", 101)
            await one.is_in_trouble("reach")
            silence.lift()
            await one.holds({"a": 101})
            await one.is_well()

            assert one.lists == 1
            assert one.errors["unreachable"] >= 1

    async def test_headers_that_never_come_are_not_waited_for_as_long_as_a_watch(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("yuptime_exporter.kubernetes.api.OPEN_TIMEOUT_SECONDS", 0.5)
        hang = scene.proxy.apply(Hang(), when=WATCHES, times=1)
        await scene.watched_again()
        await scene.monitors.change("a", 101)
        await scene.one.holds({"a": 101, "b": 200})

        assert hang.struck
        assert scene.one.errors["unreachable"] >= 1


class TestAListGoesWrong:
    @pytest.mark.parametrize(
        "fault",
        [
            Cut(How.RESET, At.MID_FRAME),
            Cut(How.HALF_CLOSE, At.MID_FRAME),
            Cut(How.END, At.MID_FRAME),
            answers.unauthorized(),
            answers.too_many_requests(1),
            answers.internal_error(),
            answers.bad_gateway(),
            Answer(200, b"<html>log in</html>"),
            Answer(200, b'{"items":[{}],"metadata":{"resourceVersion":"7"}}'),
            answers.expired(),
        ],
        ids=str,
    )
    async def test_nothing_is_forgotten_until_one_succeeds(
        self, scene: Scene, fault: Fault
    ) -> None:
        fault_of_lists = scene.proxy.apply(fault, when=LISTS, times=1)
        await scene.one.mirror.refresh()
        assert scene.one.held == {"a": 100, "b": 200}
        await scene.monitors.change("a", 101)
        await scene.one.holds({"a": 101, "b": 200})

        assert fault_of_lists.struck
        assert scene.one.told[2:] == [("a", 100, 101)]

    async def test_another_object_of_the_same_name_is_told_as_gone_and_come(
        self, scene: Scene
    ) -> None:
        await scene.proxy.refuse_connections()
        scene.proxy.drop_connections()
        await scene.monitors.delete("a")
        await scene.monitors.create("a", 100)
        scene.proxy.apply(answers.expired(), when=WATCHES, times=1)
        await scene.proxy.accept_connections()
        await scene.monitors.change("b", 201)
        await scene.one.holds({"a": 100, "b": 201})

        assert scene.one.lists == 2
        assert scene.one.told[2:4] == [("a", 100, None), ("a", None, 100)]


class TestPermissions:
    async def test_one_that_is_revoked_costs_nothing_that_is_known_and_may_come_back(
        self, cluster: Cluster, monitors: Monitors, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        await monitors.create("a", 100)
        token = await cluster.service_account_token(monitors.namespace, "exporter")
        await _grant(cluster, monitors.namespace)
        async with following(cluster.kubeconfig(token), monitors.namespace) as one:
            await one.mirror.synced.wait()
            await _revoke(cluster, monitors.namespace)
            await _forbidden(one)
            await one.is_in_trouble("grant the exporter's ServiceAccount the verbs get, list and")
            await monitors.change("a", 101)

            assert one.held == {"a": 100}
            await _grant(cluster, monitors.namespace)
            await _allowed(one)
            await one.holds({"a": 101})
            await one.is_well()
        said = [one.message for one in caplog.records if "followed" in one.message]
        assert said == [
            "objects cannot be followed; what is known stays",
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
                return one.mirror.trouble or ""

            await eventually(missing, lambda text: "deploy/crd/monitors.yaml" in text)
            await own_cluster.install_crd()
            await monitors.create("b", 200)

            async def found() -> dict[str, int]:
                await one.mirror.refresh()
                return one.held

            await eventually(found, lambda held: held == {"b": 200})
            assert one.mirror.trouble is None

    async def test_one_that_was_away_is_followed_where_it_was_left(
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
            await one.is_in_trouble("reach")
            assert one.held == {"a": 100}
            await asyncio.to_thread(plane.start_api_server)
            await monitors.change("a", 101)
            await one.holds({"a": 101})
            await one.is_well()


class TestWhatEtcdForgot:
    async def test_a_version_that_was_compacted_is_listed_anew(self, tmp_path: Path) -> None:
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

    async def test_pages_that_were_compacted_are_had_all_at_once(self, tmp_path: Path) -> None:
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


async def _grant(cluster: Cluster, namespace: str) -> None:
    await cluster.kubectl(
        *("create", "role", "follow", "-n", namespace, "--verb=get,list,watch"),
        "--resource=monitors.monitoring.yuptime.io",
    )
    await cluster.kubectl(
        *("create", "rolebinding", "follow", "-n", namespace, "--role=follow"),
        f"--serviceaccount={namespace}:exporter",
    )


async def _revoke(cluster: Cluster, namespace: str) -> None:
    await cluster.kubectl("delete", "role,rolebinding", "follow", "-n", namespace)


async def _forbidden(one: Following) -> None:
    """A watch that is open stays open; so everything is asked for anew."""

    async def ask() -> str | None:
        await one.mirror.refresh()
        return one.mirror.trouble

    await eventually(ask, lambda trouble: trouble is not None and "403" in trouble)


async def _allowed(one: Following) -> None:
    async def ask() -> str | None:
        await one.mirror.refresh()
        return one.mirror.trouble

    await eventually(ask, lambda trouble: trouble is None)
