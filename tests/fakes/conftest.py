"""A fault proxy before a scripted upstream, and a client of it."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.fault_proxy import FaultProxy, fault_proxy
from tests.fakes.scripted_upstream import Upstream, upstream_at


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with upstream_at() as upstream:
        yield upstream


@pytest.fixture
async def proxy(upstream: Upstream, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(upstream.url, None, folder=tmp_path) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[aiohttp.ClientSession]:
    trust = ssl.create_default_context(cafile=proxy.ca_file)
    async with aiohttp.ClientSession(
        proxy.url, connector=aiohttp.TCPConnector(ssl=trust), timeout=aiohttp.ClientTimeout(20)
    ) as session:
        yield session
