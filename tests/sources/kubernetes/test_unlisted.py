"""Namespaces that may not be listed, beside others that may."""

import pytest

from tests.fakes.api_server import MONITORS, SECRETS, FakeApiServer
from tests.sources.kubernetes.following import Followed, declare, digest, following, keep
from tests.waiting import eventually
from yuptime_exporter.core.declared import MonitorSet
from yuptime_exporter.core.model import MonitorKey

MONITORS_OF_SHOP = f"{MONITORS}/namespaces/shop/monitors"
SECRETS_OF_SHOP = f"{SECRETS}/namespaces/shop/secrets"
IN_SHOP = MonitorKey("shop", "backup")


def declare_both(server: FakeApiServer) -> None:
    for namespace in ("jobs", "shop"):
        declare(server, namespace=namespace)
        keep(server, f"token-of-{namespace}", namespace=namespace)


def known(followed: Followed) -> list[str]:
    return [one.key.namespace for one in followed.sets[-1].monitors]


async def permitted(server: FakeApiServer, followed: Followed) -> None:
    """Give the permissions back, and have everything tried again without a wait."""
    server.refusals.clear()
    await followed.source.refresh()


@pytest.mark.parametrize(
    "forbidden", [(MONITORS_OF_SHOP, SECRETS_OF_SHOP), (MONITORS_OF_SHOP,), (SECRETS_OF_SHOP,)]
)
async def test_a_namespace_that_may_not_be_listed_is_named_and_keeps_no_other_waiting(
    forbidden: tuple[str, ...], server: FakeApiServer
) -> None:
    declare_both(server)
    for path in forbidden:
        server.refuse(path, 403)
    async with following(server, "jobs", "shop") as followed:
        assert known(followed) == ["jobs"]
        assert followed.sets[-1].unlisted == {"shop"}
        assert "namespace shop" in followed.sets[-1].notice

        keep(server, "new-token", namespace="jobs")
        await followed.until_tokens("new-token")
        await permitted(server, followed)
        await eventually(followed.newest, lambda found: found and not found.unlisted)

        assert known(followed) == ["jobs", "shop"]
        assert followed.sets[-1].notice == ""
        monitor = await followed.monitor(IN_SHOP)
        assert monitor is not None
        assert monitor.token_digests == (digest("token-of-shop"),)
        assert not [one for one in followed.sets if one.unlisted and IN_SHOP in _keys(one)]


async def test_an_empty_namespace_is_listed_once_it_may_be(server: FakeApiServer) -> None:
    server.refuse(MONITORS_OF_SHOP, 403)
    async with following(server, "jobs", "shop") as followed:
        assert followed.sets[-1].unlisted == {"shop"}
        await permitted(server, followed)
        await eventually(followed.newest, lambda found: found and not found.unlisted)


async def test_stored_state_of_a_namespace_is_shown_before_its_monitors_are_declared(
    server: FakeApiServer,
) -> None:
    """Deadlines are moved by the time in which the namespace was unlisted, so they must be known."""
    declare_both(server)
    server.refuse(MONITORS_OF_SHOP, 403)
    async with following(server, "jobs", "shop") as followed:
        await permitted(server, followed)
        await eventually(followed.newest, lambda found: found and not found.unlisted)

    shown = followed.shown[: followed.shown_before[-1]]
    assert IN_SHOP in [key for key, _ in shown]


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_a_failure_that_passes_by_itself_leaves_no_namespace_out(
    status: int, server: FakeApiServer
) -> None:
    declare_both(server)
    server.refuse(MONITORS_OF_SHOP, status)
    async with following(server, "jobs", "shop", listed=False) as followed:

        async def tried() -> int:
            return len(server.asked("GET", MONITORS_OF_SHOP))

        await eventually(tried)
        assert followed.sets == []
        await permitted(server, followed)
        await eventually(followed.newest)
        assert [one.unlisted for one in followed.sets] == [frozenset()]


@pytest.mark.parametrize("namespaces", [("jobs", "shop"), ()])
@pytest.mark.parametrize("path", [MONITORS, SECRETS])
async def test_without_any_permission_there_is_no_set_and_the_missing_right_is_named(
    path: str, namespaces: tuple[str, ...], server: FakeApiServer
) -> None:
    declare_both(server)
    server.refuse(path, 403)
    async with following(server, *namespaces, listed=False) as followed:

        async def forbidden() -> str:
            return followed.source.forbidden()

        resource = "monitors" if path == MONITORS else "secrets"
        where = "the namespaces jobs, shop" if namespaces else "all namespaces"
        missing = await eventually(forbidden, lambda found: where in found)
        assert followed.sets == []
        assert missing.startswith(f"{resource} may not be listed in {where}: grant the exporter's")
        assert f"the verbs get, list and watch on {resource}" in missing

        await permitted(server, followed)
        await eventually(followed.newest)
        assert followed.source.forbidden() == ""
        await eventually(followed.newest, lambda found: found and not found.unlisted)
        assert known(followed) == ["jobs", "shop"]


def _keys(found: MonitorSet) -> list[MonitorKey]:
    return [one.key for one in found.monitors]
