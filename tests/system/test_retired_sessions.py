"""A retired device's session at the broker is discarded, also when it was retired while broker, database or fleet were away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from drivers.native.demo import demo_devices
from lics_actors.device.messages import Admin, BrokerSpec
from lics_actors.device.session import client_id
from lics_actors.errors import DatabaseUnavailableError, DeviceNotFoundError
from lics_actors.fleet import farewells, sessions
from lics_actors.fleet.sessions import SessionKeeper
from tests.contract.raw_mqtt import RawClient
from tests.system.faults.way import Way
from tests.system.laboratory import Laboratory
from tests.waiting import eventually

PUMP, OTHER = demo_devices()[:2]


async def has_session(port: int, device: UUID) -> bool:
    """Return whether the broker has a session of the device's actor; from then on it has."""
    async with RawClient(port, client_id(device)) as client:
        return client.session_present


def known(file: Path) -> set[str]:
    return set(json.loads(file.read_text()))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farewells, "GRACE_S", 0.1)
    monkeypatch.setattr(sessions, "RETRY_S", 0.1)


class Register:
    """What the database says of devices."""

    def __init__(self, **admins: Admin) -> None:
        self.admins: dict[UUID, Admin] = {}
        self.away = False

    async def admin_of(self, device: UUID) -> Admin:
        if self.away:
            raise DatabaseUnavailableError("the database cannot be reached")
        if device not in self.admins:
            raise DeviceNotFoundError("no such device")
        return self.admins[device]


@asynccontextmanager
async def keeping(broker: BrokerSpec, file: Path, register: Register) -> AsyncIterator[SessionKeeper]:
    keeper = SessionKeeper(broker, file, register.admin_of)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_session_is_discarded_once_broker_and_database_answer_again_even_by_the_next_incarnation(
    broker: BrokerSpec, tmp_path: Path
) -> None:
    retired, kept, file, register = uuid4(), uuid4(), tmp_path / "sessions.json", Register()
    register.admins = {retired: Admin.RETIRED, kept: Admin.ENABLED}
    way = await Way((broker.host, broker.port)).open()
    by_way = replace(broker, port=way.port)
    assert not await has_session(broker.port, retired)
    async with keeping(by_way, file, register) as keeper:
        keeper.listed([retired, kept])
        assert known(file) == {str(retired), str(kept)}
        register.away = True
        async with way.refusing():
            keeper.removed([retired])
            await asyncio.sleep(0.3)
            register.away = False
            await asyncio.sleep(0.3)
        assert known(file) == {str(retired), str(kept)}, "nothing was discarded while nobody answered"
    async with keeping(by_way, file, register) as keeper:
        keeper.listed([kept])
        await eventually(lambda: known(file) == {str(kept)})
        assert not await has_session(broker.port, retired)
    await way.close()


async def test_a_device_that_somebody_else_runs_keeps_its_session(broker: BrokerSpec, tmp_path: Path) -> None:
    moved, file, register = uuid4(), tmp_path / "sessions.json", Register()
    register.admins = {moved: Admin.ENABLED}
    assert not await has_session(broker.port, moved)
    async with keeping(broker, file, register) as keeper:
        keeper.listed([moved])
        keeper.listed([])
        await eventually(lambda: known(file) == set())
        assert await has_session(broker.port, moved)


async def test_a_torn_file_is_begun_anew(broker: BrokerSpec, tmp_path: Path) -> None:
    file, device = tmp_path / "sessions.json", uuid4()
    file.write_text('["torn')
    async with keeping(broker, file, Register()) as keeper:
        keeper.listed([device])
        assert known(file) == {str(device)}
        keeper.listed([])  # of another database
        await eventually(lambda: known(file) == set())


async def test_retired_over_rest_it_leaves_nothing_at_the_broker(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port) as laboratory:
        file = data_dir / "sessions.json"
        for device in (PUMP, OTHER):
            await laboratory.register(device)
        async with laboratory.simulator(PUMP, OTHER):
            for device in (PUMP, OTHER):
                await eventually(lambda d=device: laboratory.is_link(d.id, "online"))
            assert (await laboratory.api.delete(f"/api/v1/devices/{PUMP.id}")).status_code == 204
            await eventually(lambda: str(PUMP.id) in known(file), what="its session is known")
            await eventually(lambda: str(PUMP.id) not in known(file), what="the retired device's is discarded")
            assert not await has_session(broker.port, PUMP.id)
            assert await laboratory.is_link(OTHER.id, "online")
