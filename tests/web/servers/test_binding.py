"""Binding the sockets of a listener."""

from yuptime_exporter.web.servers.binding import bound_sockets


async def test_an_address_without_a_host_is_bound_on_every_interface() -> None:
    sockets = await bound_sockets(None, 0)
    try:
        hosts = {one.getsockname()[0] for one in sockets}
    finally:
        for one in sockets:
            one.close()

    assert "0.0.0.0" in hosts  # noqa: S104  that is the question
