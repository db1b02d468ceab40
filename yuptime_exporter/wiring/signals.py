"""Signals of the operating system, as requests to the exporter."""

import asyncio
import signal


def set_on_signals(*, stop: asyncio.Event, reload: asyncio.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT, and `reload` on SIGHUP; call it in the event loop."""
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
