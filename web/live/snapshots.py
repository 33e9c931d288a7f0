"""How things are when somebody subscribes: asked of the actors and the tables, or of whichever of them answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from lics_actors.access.laboratories import Laboratories
from lics_actors.device.messages import Admin, DeviceTwin
from lics_actors.errors import DatabaseUnavailableError, LicsError
from lics_actors.live.messages import LiveMessage
from lics_actors.run.messages import RunView
from lics_actors.store.rows import DeviceFilter, DeviceRow
from lics_actors.store.runs import RunFilter
from lics_actors.store.slots import SlotFilter
from lics_actors.study.run_desk import Standing
from web.backing import ASK_S, Backing
from web.live.audience import hears
from web.live.bus import Bus, understood
from web.live.protocol import Snapshot, topic_command, topic_device, topic_run
from web.live.views import (
    Short,
    alarms_raw,
    command_raw,
    device_raw,
    newest_alarms,
    newest_devices,
    run_raw,
    runs_raw,
    sessions_raw,
    short_of_row,
    shorts_of_tree,
    shorts_raw,
    twin_raw,
)
from web.orders import find
from web.patience import within

Result = TypeVar("Result")

TABLES_S: Final = 2.0  # who looks on waits no longer for tables that hang, and then for a while not at all
PAGE: Final = 500
RECENT: Final = timedelta(days=1)  # of sessions, whose windows closed since: what the day was
DEVICES: Final = 10_000  # far above any fleet of one host


class Snapshots:
    """Takes them. What actors say reaches the tables a second later; the bus keeps their latest words and fills that second."""

    def __init__(self, house: Backing, bus: Bus) -> None:
        self._house, self._bus = house, bus

    async def take(self, topic: str, n: int, audience: Laboratories = None) -> Snapshot:
        """Return how a topic is now, for those who are told of these laboratories; everything it told up to `n` is in it.

        Raises:
            LicsError: it does not exist, or nobody answers who knows.
        """
        if topic == "fleet":
            shorts = await self._devices(audience)
            return Snapshot(topic, n, devices=shorts_raw(newest_devices(shorts, await self._said(topic, None))))
        if topic == "alarms":
            page = await self._asked(lambda: self._house.repository.alarms(True, PAGE, laboratories=audience))
            return Snapshot(topic, n, alarms=alarms_raw(newest_alarms(page.items, await self._said(topic, audience), n)))
        if topic == "runs":
            asked = RunFilter(audience, unfinished=True)
            rows = (await self._asked(lambda: self._house.repository.list_runs(asked, PAGE))).items
            return Snapshot(topic, n, runs=runs_raw(rows, await self._said(topic, audience)))
        if topic == "schedule":
            wanted = SlotFilter(laboratories=audience, start=datetime.now(UTC) - RECENT)
            slots = (await self._asked(lambda: self._house.repository.list_slots(wanted, PAGE))).items
            return Snapshot(topic, n, sessions=sessions_raw(slots, await self._said(topic, audience)))
        if (run_id := topic_run(topic)) is not None:
            run = await self._asked(lambda: self._house.repository.get_run(run_id))
            return Snapshot(topic, n, run=run_raw(Standing(run, await self._run_now(run_id))))
        if (device_id := topic_device(topic)) is not None:
            row, twin = await asyncio.gather(self._row(topic), self._twin(topic))
            if row is not None:
                return Snapshot(topic, n, device=device_raw(row, None if row.admin is Admin.RETIRED else twin))
            if twin is not None:
                return Snapshot(topic, n, device=twin_raw(twin))
            raise DatabaseUnavailableError(f"neither the database nor the actor of device {device_id} answers")
        command_id = topic_command(topic)
        assert command_id is not None
        return Snapshot(topic, n, command=command_raw(await find(self._house, command_id)))

    async def _said(self, topic: str, audience: Laboratories) -> list[tuple[int, LiveMessage]]:
        heard = [(n, understood(topic, body)) for n, body in await self._bus.kept(topic)]
        homes = self._house.homes
        return [(n, message) for n, message in heard if message is not None and await hears(homes, audience, message)]

    async def _devices(self, audience: Laboratories) -> list[Short]:
        try:
            return [short_of_row(row) for row in await self._asked(lambda: self._rows(audience))]
        except DatabaseUnavailableError:
            shorts, homes = shorts_of_tree(await self._house.fleet.tree()), self._house.homes
            return [each for each in shorts if audience is None or homes.known(each.id) in audience]

    async def _rows(self, audience: Laboratories) -> list[DeviceRow]:
        rows: list[DeviceRow] = []
        cursor: str | None = None
        while len(rows) < DEVICES:
            page = await self._house.repository.list_devices(DeviceFilter(laboratories=audience), PAGE, cursor)
            rows += page.items
            cursor = page.next
            if cursor is None:
                break
        return rows

    async def _row(self, topic: str) -> DeviceRow | None:
        device_id = topic_device(topic)
        assert device_id is not None
        try:
            return await self._asked(lambda: self._house.repository.get_device(device_id))
        except DatabaseUnavailableError:
            return None

    async def _asked(self, question: Callable[[], Awaitable[Result]]) -> Result:
        """Return what the tables answer.

        Raises:
            DatabaseUnavailableError: they do not, or not in time, or did not a moment ago.
        """
        tables = self._house.tables
        if tables.lasts:
            try:
                return await within(TABLES_S, question())
            except TimeoutError:
                tables.was_tried()
        raise DatabaseUnavailableError("the database does not answer in time")

    async def _run_now(self, run_id: UUID) -> RunView | None:
        try:
            async with asyncio.timeout(ASK_S):
                return await self._house.fleet.run(run_id)
        except (LicsError, TimeoutError):
            return None

    async def _twin(self, topic: str) -> DeviceTwin | None:
        device_id = topic_device(topic)
        assert device_id is not None
        try:
            async with asyncio.timeout(ASK_S):
                return await self._house.fleet.twin(device_id)
        except (LicsError, TimeoutError):
            return None
