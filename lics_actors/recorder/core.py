"""The recorder without its actor: wires intake and shipping together, watches them, and winds them down in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from drivers.protocol import Driver
from lics_actors.anchors import anchor_path
from lics_actors.clock import StepWatch
from lics_actors.device.messages import DeviceSpec
from lics_actors.errors import DatabaseUnavailableError, StorageFullError
from lics_actors.fleet.messages import RecorderSpec
from lics_actors.journal import journal_path
from lics_actors.journal.alarms import AlarmJournal
from lics_actors.recorder.anchoring import Anchoring
from lics_actors.recorder.brokerwatch import BrokerWatch
from lics_actors.recorder.conditions import PRIORITIES, Standing, conditions, lagging, word
from lics_actors.recorder.database import Database
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.disk import OPEN_AGAIN_S, Disk, DiskThread, free_bytes, open_disk
from lics_actors.recorder.intake import Intake
from lics_actors.recorder.live import LiveView
from lics_actors.recorder.outboxes import Outboxes
from lics_actors.recorder.partition import Part, wanted_filters
from lics_actors.recorder.reader import OpenReader, open_connection
from lics_actors.recorder.retirement import brought_home, remove_folder
from lics_actors.recorder.routing import Routes
from lics_actors.recorder.session import Session, client_id
from lics_actors.recorder.shipper import Shipper
from lics_actors.recorder.tally import Tally
from lics_actors.sessions import discard_session

log = logging.getLogger(__name__)

WATCH_S = 0.25
TRIM_S = 60.0  # the own journal holds a few alarms a day
# Winding down has to end before the supervisor's patience (fleet/actor.py: 4 s). What is left is shipped by the next incarnation.
LAST_COMMIT_S = 0.8  # for what was read to become durable and be acknowledged,
LAST_SHIPMENT_S = 1.2  # for the spool to be emptied,
LAST_CALL_S = 0.4  # for a hung database to let go of us


class Laboratory:
    """The devices known now, and so what this part of it subscribes to: `changed` hears of filters, whether they are all, and
    the serial of the list they follow from."""

    def __init__(self, drivers: Mapping[str, Driver], prefix: str, part: Part) -> None:
        self.routes = Routes(drivers, prefix)
        self.changed: Callable[[Mapping[str, int], bool, int], None] = lambda _filters, _complete, _serial: None
        self._drivers, self._prefix, self._part = drivers, prefix, part
        self._devices: Sequence[DeviceSpec] = ()
        self._told = self._settled = False
        self._serial = 0
        self.settled = asyncio.Event()  # every configured recorder has taken up its part

    def hear(self, devices: Sequence[DeviceSpec], serial: int, settled: bool) -> None:
        """Take over the fleet's list. `settled`: what other recorders record may be given up."""
        self._serial, self._settled = serial, settled
        self.learn(devices)
        if settled:
            self.settled.set()

    def learn(self, devices: Sequence[DeviceSpec]) -> None:
        """Take over which devices there are."""
        self._devices, self.routes = devices, self.routes.of(devices, time.time_ns() // 1000)
        for device_id, reason in self.routes.unusable.items():
            log.error("a device cannot be recorded", extra={"device": str(device_id), "reason": reason})
        self._told = True
        self.tell()

    def tell(self) -> None:
        """Say what to subscribe to; until devices are known, only what covers whole conventions."""
        filters = wanted_filters(self._part, self.routes, self._devices, self._prefix, self._drivers)
        self.changed(filters, self._told and (self._settled or self._part.whole), self._serial)


class RecorderCore:
    """One life: `run` until cancelled. `devices_known` belongs to the loop's thread; `stats` and `state_word` to any."""

    def __init__(self, spec: RecorderSpec, drivers: Mapping[str, Driver], open_reader: OpenReader = open_connection) -> None:
        self._spec, self._open_reader = spec, open_reader
        self._part = Part(spec.part, spec.parts)
        self._laboratory = Laboratory(drivers, spec.broker.prefix, self._part)
        self.listening, self._role = spec.listen, asyncio.Event()
        self.listening_ended: Callable[[], None] = lambda: None
        self.retired = False  # no longer configured, and nothing is left
        self.part_taken: Callable[[int], None] = lambda _serial: None
        self._thread = DiskThread()
        self.tally = Tally()
        self.standing = Standing()
        self._free_bytes: int | None = None
        self._clock, self._clock_step_s = StepWatch(), 0.0
        self._clock_stepped_at: float | None = None
        self._view = self._live_view(spec)

    def devices_known(self, devices: Sequence[DeviceSpec], serial: int = 0, settled: bool = True) -> None:
        """Take over all devices there are; see `DevicesKnown`. `part_taken` hears `serial` once this part is subscribed to."""
        self._laboratory.hear(devices, serial, settled)

    def listen(self, listen: bool) -> None:
        """Listen to the devices, or leave that to another host's recorder; `listening_ended` hears when that is done."""
        self.listening = listen
        self._role.set()

    def stats(self) -> dict[str, float]:
        """Return counters since the start, and gauges."""
        now = self.standing
        counted = {f"recorder_{name}": float(value) for name, value in asdict(self.tally).items()}
        return counted | {
            "ingest_lag_s": now.lag_s,
            "spool_bytes": float(now.used_bytes),
            "spool_quota_bytes": float(self._spec.spool_quota_bytes),
            "database_up": float(now.opened and now.database_away_s == 0),
            "broker_up": float(self.tally.connected),
            **(self._view.stats() if self._view else {}),
        }

    def state_word(self) -> str:
        """Return how things stand, in a word or two."""
        return word(self.standing)

    async def run(self) -> None:
        """Record until cancelled, or retired; then flush what can be flushed within seconds.

        Raises:
            Exception: something nobody foresaw; nothing acknowledged is lost by ending here.
        """
        parts = await self._parts()
        view = asyncio.create_task(self._view.run()) if self._view else None  # neither ends with the other
        deliver = self._view.beside(parts.intake.deliver) if self._view else parts.intake.deliver
        works = (parts.session.run(deliver), parts.intake.run(), parts.shipper.run(), parts.outboxes.run())
        tasks = [asyncio.create_task(work) for work in (*works, self._watch(parts))]
        tasks.append(asyncio.create_task(self._follow(parts)))
        if self._part.watches_broker:
            tasks.append(asyncio.create_task(parts.broker.run()))
        if self._part.retiring:
            tasks.append(asyncio.create_task(self._retire(parts)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._wind_down(parts, tasks)
            if view is not None:
                view.cancel()
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()
        if self.retired:
            await discard_session(self._spec.broker, client_id(self._spec.name, self._spec.broker.prefix))
            await asyncio.to_thread(remove_folder, Path(self._spec.spool_dir))

    def _live_view(self, spec: RecorderSpec) -> LiveView | None:
        if spec.redis_url is None:
            return None
        journals = Path(spec.journal_dir) if self._part.watches_broker else None
        return LiveView(spec.redis_url, spec.broker.prefix, lambda: self._laboratory.routes, journals)

    async def _follow(self, parts: _Parts) -> None:
        while True:
            await self._role.wait()
            self._role.clear()
            await parts.session.listen(self.listening)
            if not self.listening:
                self.listening_ended()

    async def _retire(self, parts: _Parts) -> None:
        await self._laboratory.settled.wait()  # not before, though the session may seem empty: its file may be lost
        await brought_home(parts.session, parts.intake, self.tally, shipper=parts.shipper, disk=parts.disk, letters=parts.letters)
        self.retired = True

    async def _parts(self) -> _Parts:
        spec, folder = self._spec, Path(self._spec.spool_dir)
        disk = await open_disk(self._thread, folder, spec.spool_quota_bytes)
        journal_dir = Path(spec.journal_dir)
        alarms = await self._opened(lambda path: AlarmJournal(path, spec.name, PRIORITIES), journal_path(journal_dir, spec.name))
        database, letters = Database(spec.database_url), DeadLetters(folder, self._thread)
        session = Session(spec.broker, spec.name, folder, self._open_reader, self.tally)
        outboxes = Outboxes(journal_dir, database, letters, self.tally, self._part)
        outboxes.anchoring = Anchoring(anchor_path(journal_dir.parent), database)
        if self._view is not None:
            outboxes.alarms_changed = self._view.alarms
        self._laboratory.changed, session.agreed = session.want, self._agreed
        self._laboratory.tell()
        if not self.listening:
            await session.listen(False)
        return _Parts(
            session=session,
            intake=Intake(disk, self.tally),
            disk=disk,
            shipper=Shipper(disk, database, letters, self._laboratory, self.tally),
            outboxes=outboxes,
            broker=BrokerWatch(spec.broker, folder, self.tally),
            database=database,
            letters=letters,
            alarms=alarms,
        )

    def _agreed(self, serial: int) -> None:
        if serial:
            self.part_taken(serial)

    async def _opened(self, make: Callable[[Path], AlarmJournal], path: Path) -> AlarmJournal:
        while True:
            try:
                return await self._thread.do(make, path)
            except StorageFullError as error:
                log.error("the recorder's journal cannot be opened yet", extra={"reason": error.message})
                await asyncio.sleep(OPEN_AGAIN_S)

    async def _watch(self, parts: _Parts) -> None:
        trimmed = time.monotonic()
        while True:
            self._free_bytes = await self._thread.do(free_bytes, Path(self._spec.spool_dir))
            self.standing = self._look(parts)
            await self._thread.do(parts.alarms.tell, conditions(self.standing))
            if time.monotonic() - trimmed > TRIM_S:
                trimmed = time.monotonic()
                await self._thread.do(parts.alarms.trim)
            await asyncio.sleep(WATCH_S)

    def _look(self, parts: _Parts) -> Standing:
        now, facts = asyncio.get_running_loop().time(), parts.broker.facts
        if step := self._clock.stepped_s():
            self._clock_step_s, self._clock_stepped_at = step, now
        lag_s = parts.shipper.lag_s(time.time_ns() // 1000)

        def ago(then: float | None) -> float | None:
            return None if then is None else now - then

        return Standing(
            opened=True,
            broker_away_s=ago(parts.session.away_since),
            broker_reason=parts.session.reason,
            database_away_s=parts.database.away_s(),
            database_reason=parts.database.reason,
            failing=parts.shipper.failing or parts.outboxes.failing,
            audit=parts.outboxes.anchoring.broken if parts.outboxes.anchoring else None,
            pressure=parts.disk.pressure,
            used_bytes=parts.disk.used_bytes,
            quota_bytes=self._spec.spool_quota_bytes,
            disk_full=parts.disk.full,
            disk_free_bytes=self._free_bytes,
            damaged=tuple(parts.disk.damaged()),
            dead_letters=parts.letters.any(),
            refused_filters=tuple(sorted(parts.session.refused)),
            session_lost_s=ago(parts.session.lost_at),
            dropped_s=ago(facts.lost_at),
            dropped=facts.lost,
            stored=facts.stored or 0,
            broker_queue=self._spec.broker_queue,
            lag_s=lag_s,
            lagging=lagging(self.standing.lagging, lag_s, self._spec.lag_alarm_s),
            lag_alarm_s=self._spec.lag_alarm_s,
            clock_step_s=self._clock_step_s,
            clock_stepped_s=ago(self._clock_stepped_at),
            retiring=self._part.retiring,
            listening=self.listening,
        )

    async def _wind_down(self, parts: _Parts, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Stop reading, commit, acknowledge, ship what can be shipped now, close."""
        session, intake, *others = tasks
        session.cancel()
        parts.session.pause()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_COMMIT_S):
                await parts.intake.drained()
        intake.cancel()
        await parts.session.close()
        for task in others:
            task.cancel()
        await asyncio.wait(tasks, timeout=LAST_CALL_S)
        if all(task.done() for task in tasks):
            await _ship_last(parts)
        if self.retired:
            await self._thread.do(parts.alarms.tell, {})
        await self._thread.do(parts.alarms.close)
        await parts.outboxes.close()
        await parts.disk.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_CALL_S):
                await parts.database.close()
        self._thread.close()
        log.info("recorder closed", extra={"unshipped": parts.shipper.waiting})


async def _ship_last(parts: _Parts) -> None:
    try:
        async with asyncio.timeout(LAST_SHIPMENT_S):
            while await parts.shipper.turn():
                pass
            await parts.outboxes.turn()
    except (TimeoutError, DatabaseUnavailableError):
        pass  # what is left is said when all is closed
    except Exception:
        log.exception("the last shipment failed")


@dataclass(frozen=True, slots=True)
class _Parts:
    session: Session
    intake: Intake
    disk: Disk
    shipper: Shipper
    outboxes: Outboxes
    broker: BrokerWatch
    database: Database
    letters: DeadLetters
    alarms: AlarmJournal
