"""The Lease in which all replicas note that pushes can be received."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exporters import StandingClock
from tests.fakes.api_server import LEASES, FakeApiServer
from tests.laws import examples
from yuptime_exporter.core.model import Outage
from yuptime_exporter.core.stored import Noted
from yuptime_exporter.kubernetes.api import Api
from yuptime_exporter.kubernetes.connection import Connection
from yuptime_exporter.kubernetes.errors import ApiError, ApiStatusError
from yuptime_exporter.moments import exact_rfc3339
from yuptime_exporter.status import lease as lease_module
from yuptime_exporter.status.lease import MAX_OUTAGES, OUTAGES, ReceivingLease

NOW = 1_769_846_400.25
NAME = ("leases", "yuptime", "yuptime-exporter")
PATH = f"{LEASES}/namespaces/yuptime/leases"


@pytest.fixture
async def api(server: FakeApiServer) -> AsyncIterator[Api]:
    connection = Connection(server.kubeconfig, clock=StandingClock())
    await connection.renew()
    try:
        yield Api(connection)
    finally:
        await connection.close()


def lease_of(api: Api, holder: str = "replica-1") -> ReceivingLease:
    return ReceivingLease(api, namespace="yuptime", name="yuptime-exporter", holder=holder)


@pytest.mark.parametrize(("namespace", "expected"), [("jobs", "jobs"), (None, "default")])
async def test_the_namespace_is_by_default_that_of_the_kubeconfigs_context(
    server: FakeApiServer,
    monkeypatch: pytest.MonkeyPatch,
    namespace: str | None,
    expected: str,
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    server.kubeconfig.write_text(yaml.safe_dump(config))
    connection = Connection(server.kubeconfig, clock=StandingClock())
    await connection.renew()
    lease = ReceivingLease(
        Api(connection), namespace=None, name="yuptime-exporter", holder="replica-1"
    )
    await lease.note(NOW, None)
    await connection.close()

    assert server.get("leases", expected, "yuptime-exporter")["metadata"]["namespace"] == expected


async def test_a_missing_lease_has_no_notes(api: Api) -> None:
    assert await lease_of(api).read() == Noted()


async def test_the_first_note_creates_the_lease(api: Api, server: FakeApiServer) -> None:
    noted = await lease_of(api).note(NOW, None)

    assert noted == await lease_of(api).read() == Noted(NOW)
    assert server.get(*NAME)["spec"] == {
        "holderIdentity": "replica-1",
        "leaseDurationSeconds": 30,
        "renewTime": "2026-01-31T08:00:00.250000Z",
    }


async def test_each_note_renews_the_lease(api: Api) -> None:
    lease = lease_of(api)
    for seconds in range(3):
        await lease.note(NOW + seconds, None)

    assert await lease.read() == Noted(NOW + 2)


async def test_an_older_note_of_a_slower_replica_does_not_set_the_lease_back(api: Api) -> None:
    await lease_of(api).note(NOW, None)
    noted = await lease_of(api, "replica-2").note(NOW - 60, None)

    assert noted == await lease_of(api).read() == Noted(NOW)


async def test_an_outage_that_a_wrong_clock_noted_in_the_future_does_not_stay(api: Api) -> None:
    past, future = Outage(NOW - 900, NOW - 890), Outage(NOW + 300, NOW + 9000)
    await lease_of(api).note(NOW + 9000, [past, future])
    await lease_of(api, "replica-2").note(NOW, None)

    assert await lease_of(api).read() == Noted(NOW, (past,))


async def test_outages_of_all_replicas_stay(api: Api) -> None:
    first, second, third = (Outage(NOW - 900 + n, NOW - 890 + n) for n in (0, 100, 200))
    await lease_of(api).note(NOW, [first, third])
    await lease_of(api, "replica-2").note(NOW + 1, [second, third])
    await lease_of(api).note(NOW + 2, None)

    assert await lease_of(api).read() == Noted(NOW + 2, (first, second, third))


async def test_the_oldest_outages_are_forgotten(api: Api, server: FakeApiServer) -> None:
    outages = [Outage(NOW - 9000 + n, NOW - 8999.5 + n) for n in range(MAX_OUTAGES + 5)]
    noted = await lease_of(api).note(NOW, outages)

    assert noted.outages == tuple(outages[5:])
    assert len(server.get(*NAME)["metadata"]["annotations"][OUTAGES]) < 64 * 1024


async def test_a_note_that_meets_another_replica_is_merged_with_its_note(
    api: Api, server: FakeApiServer
) -> None:
    mine, theirs = Outage(NOW - 20, NOW - 10), Outage(NOW - 50, NOW - 40)
    await lease_of(api).note(NOW, None)
    rivals = [[[theirs.start_timestamp, theirs.end_timestamp]]]

    def interfere(_: str) -> None:
        if rivals:
            server.put(*NAME, metadata={"annotations": {OUTAGES: str(rivals.pop())}})

    server.before_write = interfere
    noted = await lease_of(api).note(NOW + 1, [mine])

    assert noted == await lease_of(api).read() == Noted(NOW + 1, (theirs, mine))


async def test_a_first_note_that_meets_another_replica_is_tried_again(
    api: Api, server: FakeApiServer
) -> None:
    rivals = [{"renewTime": exact_rfc3339(NOW + 5)}]

    def interfere(_: str) -> None:
        if rivals:
            server.put(*NAME, spec=rivals.pop())

    server.before_write = interfere

    assert await lease_of(api).note(NOW, None) == Noted(NOW + 5)


async def test_a_note_of_a_clock_that_was_wrong_does_not_stay(api: Api) -> None:
    await lease_of(api, "replica-2").note(NOW + 3600, None)
    await lease_of(api).note(NOW, None)

    assert await lease_of(api).read() == Noted(NOW)


async def test_a_note_that_never_wins_is_an_error(api: Api, server: FakeApiServer) -> None:
    await lease_of(api).note(NOW, None)

    def interfere(_: str) -> None:
        server.put(*NAME)

    server.before_write = interfere
    with pytest.raises(ApiStatusError) as refused:
        await lease_of(api).note(NOW + 1, None)

    assert refused.value.status == 409
    assert len(server.asked("PUT", f"{PATH}/yuptime-exporter")) == lease_module._MAX_TRIES


@pytest.mark.parametrize("status", [403, 500])
async def test_a_server_that_forbids_reads_is_not_taken_for_one_without_a_lease(
    api: Api, server: FakeApiServer, status: int
) -> None:
    server.refuse(PATH, status)

    with pytest.raises(ApiError):
        await lease_of(api).read()
    with pytest.raises(ApiError):
        await lease_of(api).note(NOW, None)


async def test_fields_of_other_programs_in_the_lease_stay(api: Api, server: FakeApiServer) -> None:
    server.put(
        *NAME,
        metadata={"annotations": {"team": "storage"}, "labels": {"app": "yuptime"}},
        spec={"leaseTransitions": 3},
    )
    await lease_of(api).note(NOW, None)

    found = server.get(*NAME)
    assert found["metadata"]["labels"] == {"app": "yuptime"}
    assert found["metadata"]["annotations"]["team"] == "storage"
    assert found["spec"]["leaseTransitions"] == 3


@pytest.mark.parametrize(
    "written",
    [
        "",
        "null",
        "7",
        "{}",
        "[",
        "[1, 2]",
        '[["a", "b"]]',
        "[[1]]",
        "[[1, 2, 3]]",
        "[null]",
        "[[NaN, 1]]",
        "[[1, Infinity]]",
        "[[2, 1]]",
        "[[1, 1e300]]",
        f"[[1, 1{'0' * 400}]]",
    ],
)
async def test_a_malformed_annotation_is_no_outage(
    api: Api, server: FakeApiServer, written: str
) -> None:
    server.put(*NAME, metadata={"annotations": {OUTAGES: written}}, spec={"renewTime": "soon"})

    assert await lease_of(api).read() == Noted()
    assert await lease_of(api).note(NOW, None) == Noted(NOW)


async def test_a_lease_with_nothing_in_it_is_filled(api: Api, server: FakeApiServer) -> None:
    server.put(*NAME)

    assert await lease_of(api).read() == Noted()
    assert await lease_of(api).note(NOW, None) == Noted(NOW)


moments = st.floats(0, 4e9).map(lambda moment: round(moment, 6))
outages_at_random = st.lists(
    st.builds(lambda start, length: Outage(start, start + length), moments, st.integers(1, 900)),
    max_size=5,
)


recent = st.integers(int(NOW), int(NOW) + 60).map(float)


@given(
    st.none() | recent,
    outages_at_random,
    st.lists(st.tuples(recent, st.none() | outages_at_random), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
@settings(max_examples=examples(50))
def test_the_order_in_which_replicas_note_does_not_matter(
    known: float | None,
    outages: list[Outage],
    notes: list[tuple[float, list[Outage] | None]],
    random: Any,
) -> None:
    shuffled = list(notes)
    random.shuffle(shuffled)
    results = []
    for order in (notes, shuffled):
        noted = Noted(known, tuple(sorted(set(outages), key=lambda one: one.start_timestamp)))
        for timestamp, more in order:
            noted = lease_module._merged(noted, timestamp, more)
        results.append((noted.receiving_timestamp, set(noted.outages)))

    assert results[0] == results[1]
    assert results[0][0] == max(timestamp for timestamp, _ in [(known or 0, None), *notes])


async def test_a_note_whose_answer_was_lost_is_written_without_an_error(
    api: Api, server: FakeApiServer
) -> None:
    """The request is repeated, and meets the Lease that it has written itself."""
    lease = lease_of(api)
    for number in range(2):  # created, and then replaced
        server.answers_to_lose = 1
        noted = await lease.note(NOW + number, [Outage(1.0, 2.0)])

        assert noted == await lease.read()
        assert noted == Noted(NOW + number, (Outage(1.0, 2.0),))

    writes = [(one.method, one.status) for one in server.requests if one.method != "GET"]
    assert writes == [("POST", 201), ("POST", 409)] + [("PUT", n) for n in (200, 200, 409, 200)]
