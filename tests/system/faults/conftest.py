"""One laboratory for a file of faults: its servers behind ways that a test can spoil."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from lics_actors.device.messages import BrokerSpec
from lics_actors.services.broker import Broker
from lics_actors.services.ports import LOOPBACK
from lics_actors.services.ports import free_port as pick_port
from lics_actors.services.valkey import Valkey
from tests.conftest import _database, _short_folder, own_prefix
from tests.system.faults.load import processes_of
from tests.system.faults.scene import DEVICES, Site, place_of, through
from tests.system.faults.way import Way
from tests.system.laboratory import Laboratory


@pytest.fixture(scope="module")
def site_dir() -> Iterator[Path]:
    """The data directory of the module's laboratory."""
    yield from _short_folder()


@pytest.fixture(scope="module")
def site_database(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The URL of a fresh database with the current schema."""
    yield from _database(postgres_server, migrated_template)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(site_dir: Path, site_database: str, valkey_server: Valkey, broker_server: Broker) -> AsyncIterator[Site]:
    """A laboratory that the module's tests share; none of its processes is left afterwards."""
    async with AsyncExitStack() as stack:
        ways = [
            await Way(target).open()
            for target in (place_of(site_database), (LOOPBACK, valkey_server.port), (LOOPBACK, broker_server.port))
        ]
        for way in ways:
            stack.push_async_callback(way.close)
        database, redis, broker = ways
        spec = BrokerSpec(LOOPBACK, broker.port, own_prefix())
        laboratory = Laboratory(site_dir, through(site_database, database), through(valkey_server.url, redis), spec, pick_port)
        await stack.enter_async_context(laboratory)
        await laboratory.records()
        laboratory.database_url = site_database  # the audit's eyes are not spoiled with the laboratory's
        for device in DEVICES:
            await laboratory.register(device)
        laboratory.broker = BrokerSpec(LOOPBACK, broker_server.port, spec.prefix)  # devices have a way of their own
        simulator = await stack.enter_async_context(laboratory.simulator(*DEVICES, rate_hz=0.0, remember=True))
        here = Site(laboratory, simulator, database, redis, broker)
        await here.well()
        yield here
    left = processes_of(str(site_dir))
    assert not left, left
