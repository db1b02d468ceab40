"""A mirror of a real API server, behind a proxy that misbehaves.

The decisions of the mirror are tested in test_reflector.py and test_holdings.py, without waiting.
"""

import pytest

from tests.fakes import fault_answers as answers
from tests.fakes.fault_proxy import FaultProxy
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
from tests.kubernetes.following import LISTS, Monitors, Scene, following, watching
from tests.peers.cluster import Cluster
from tests.waiting import eventually
from yuptime_exporter.kubernetes.limits import ApiLimits

pytestmark = pytest.mark.peer


class TestNothingGoesWrong:
    async def test_each_change_is_reported(self, scene: Scene) -> None:
        await scene.monitors.create("c", 300)
        await scene.one.holds({"a": 100, "b": 200, "c": 300})
        await scene.monitors.change("c", 400)
        await scene.one.holds({"a": 100, "b": 200, "c": 400})
        await scene.monitors.delete("c")
        await scene.one.holds({"a": 100, "b": 200})

        assert scene.one.told[2:] == [("c", None, 300), ("c", 300, 400), ("c", 400, None)]
        assert (scene.one.lists, scene.one.count("watches_total")) == (1, 1)
        assert scene.one.errors == {}

    async def test_the_metrics_count_the_objects_that_there_are(self, scene: Scene) -> None:
        assert scene.one.count("objects") == 2
        assert scene.one.count("synced") == 1
        assert (
            scene.one.count("watch_last_event_timestamp_seconds")
            == scene.one.mirror.fresh_timestamp
        )
        assert scene.one.mirror.fresh_timestamp > 0

    async def test_an_object_without_a_decoded_value_is_not_kept(self, scene: Scene) -> None:
        await scene.monitors.change("a", 13)
        await scene.one.holds({"b": 200})
        await scene.monitors.change("a", 14)
        await scene.one.holds({"a": 14, "b": 200})

    async def test_a_refresh_lists_again_and_returns_when_the_result_is_visible(
        self, scene: Scene
    ) -> None:
        scene.proxy.silence(when=WATCHES)
        await scene.monitors.change("a", 101)
        await scene.one.mirror.refresh()

        assert scene.one.held == {"a": 101, "b": 200}
        assert scene.one.lists == 2

    async def test_a_refresh_returns_also_without_an_answer(self, scene: Scene) -> None:
        await scene.proxy.refuse_connections()
        scene.proxy.drop_connections()
        await scene.one.mirror.refresh()

        assert scene.one.held == {"a": 100, "b": 200}

    async def test_a_single_object_is_read_on_request(self, scene: Scene) -> None:
        scene.proxy.silence(when=WATCHES)
        await scene.monitors.create("c", 300)
        await scene.monitors.delete("a")
        name = next(name for name in scene.one.mirror.objects if name.name == "a")
        await scene.one.mirror.reread(name)
        await scene.one.mirror.reread(name._replace(name="c"))

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
    async def test_a_temporary_failure_loses_no_change_and_lists_nothing(
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
    async def test_a_malformed_watch_lists_again(self, scene: Scene, fault: Fault) -> None:
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
    async def test_frames_may_come_in_any_shape(self, scene: Scene, fault: Fault) -> None:
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

    async def test_an_event_of_an_unknown_type_is_ignored(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(3):
            scene.proxy.apply(Inject(b'{"type":"SYNC","object":{}}\n'), when=WATCHES, times=1)
        await scene.monitors.change("a", 101)
        await scene.one.holds({"a": 101, "b": 200})

        assert scene.one.errors == {}
        assert len([one for one in caplog.records if "unknown type" in one.message]) == 1

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
        async with following(
            kubeconfig, monitors.namespace, limits=ApiLimits(watch_silence_seconds=1.0)
        ) as one:
            await one.mirror.synced.wait()
            silence = proxy.silence(when=WATCHES)
            await monitors.change("a", 101)
            await one.fails("reach")
            silence.lift()
            await one.holds({"a": 101})
            await one.is_well()

            assert one.lists == 1
            assert one.errors["unreachable"] >= 1

    async def test_headers_that_never_come_are_not_waited_for_as_long_as_a_watch(
        self, monitors: Monitors, proxy: FaultProxy, cluster: Cluster
    ) -> None:
        limits = ApiLimits(open_timeout_seconds=0.5)
        async with watching(monitors, proxy, cluster, limits=limits) as scene:
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

    async def test_another_object_of_the_same_name_is_reported_as_gone_and_come(
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
