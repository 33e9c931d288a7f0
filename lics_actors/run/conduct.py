"""Conducting a run: taken up from its journal or armed anew, kept going, ended. In the loop's thread of its actor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from drivers.description import description_of
from drivers.errors import UnknownDriverError
from drivers.protocol import Publication
from lics_actors.client import FleetClient
from lics_actors.device.session import BrokerLost, BrokerReached, DeviceSession, Heard, MessageArrived
from lics_actors.errors import InvalidError, StorageFullError
from lics_actors.experiment.messages import (
    OVER,
    Armed,
    Arming,
    Broken,
    Phase,
    Recovered,
    Scheduled,
    SendCommand,
    Validated,
)
from lics_actors.journal import Journal, JournalReader
from lics_actors.live.bus import LivePublisher
from lics_actors.run.axis import Axis
from lics_actors.run.dispatch import Dispatcher
from lics_actors.run.hearing import Ears, listened
from lics_actors.run.history import History, begun, opened, unfit, why
from lics_actors.run.keeping import Keeper
from lics_actors.run.messages import RunActorSpec
from lics_actors.run.orders import aside
from lics_actors.run.shell import RunShell
from lics_actors.run.standing import BROKER, Standings, Trouble
from lics_actors.run.telling import Telling
from lics_actors.store.records import Record
from lics_actors.store.run_records import RunOpened, RunStepped
from lics_actors.welfare.telling import calibrated

RECOVER_S: Final = 15.0  # so long a recovered run waits for its devices; then it goes on without them, paused
BATCH: Final = 200  # records of a journal between two turns of the loop: 10 ms
RETRY_DISK_S: Final = 1.0
SYNC_S: Final = 0.2  # as a device's (device/shell.py)
GOODBYE_S: Final = 1.0
AFTER_DAMAGE: Final = 1_000_000  # the number of the step that ends a run whose journal was lost: beyond any that was recorded
FORGOTTEN: Final = "the run's journal was damaged, so nobody knows how far it was"

log = logging.getLogger(__name__)


class Conduct:
    """One run. `shell`: once it can be asked and steered. `say` hears its phase."""

    def __init__(
        self,
        spec: RunActorSpec,
        journal: Journal,
        client: FleetClient,
        publisher: LivePublisher | None,
        say: Callable[[str], None],
    ) -> None:
        order, loop = spec.order, asyncio.get_running_loop()
        self._spec, self._journal, self._client, self._say = spec, journal, client, say
        self._loop = loop
        self.shell: RunShell | None = None
        self.faults = 0
        self._axis = Axis(order.ordered_at)
        self._standings = Standings(frozenset(order.roles), loop.time(), frozenset(map(aside, order.besides)))
        self._keeper = Keeper(order, client, self._standings, self._looked)
        self._telling = Telling(order.run_id, order.laboratory_id, spec.broker.prefix, self._publish, publisher)
        self._session: DeviceSession | None = None
        self._session_number = 0
        self._ears: Ears | None = None
        self._dispatcher: Dispatcher | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._driver: RunShell | None = None  # `shell`, from when the run is being taken up
        self._syncing = self._retrying = self._driving = False
        self._changed = asyncio.Event()
        self._over: asyncio.Future[Phase] = loop.create_future()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def stats(self) -> dict[str, float]:
        """Return what happened since this incarnation began, and how the run stands."""
        shell = self.shell
        if shell is None:
            return {}
        run = shell.history.run
        figures = {f"reaction_{name}_ms": value for name, value in shell.reactions.figures().items() if name != "count"}
        counts = {**(self._ears.counts if self._ears else {}), **(self._dispatcher.counts if self._dispatcher else {})}
        known = {"trials": run.trial, "steps": shell.history.n, "commands_pending": len(run.pending), "run_faults": self.faults}
        return {**known, "events_dropped": shell.dropped, **counts, **figures}

    async def run(self) -> Phase:
        """Conduct the run to its end; return the phase it ended in. Cancelled, the run stays as it is for the next."""
        try:
            history = await self._remembered()
            self._begin("keeper", self._keeper.run())
            phase = await self._conducted(history)
            await self._end("keeper")
            await asyncio.gather(self._keeper.free(), self._goodbye())
            return phase
        finally:
            for name in list(self._tasks):
                await self._end(name)
            if self._dispatcher is not None:
                await self._dispatcher.close()

    async def _conducted(self, history: History | None) -> Phase:
        try:
            history = history or await self._opened()
        except InvalidError as error:
            troubles = self._standings.all_troubles()
            return await self._failed(why(error) if not troubles else f"{why(error)} ({'; '.join(troubles)})")
        if history.run.phase in OVER:  # the last incarnation died before it had said so
            self._listen([])
            return history.run.phase
        return await self._driven(history)

    # from the journal

    async def _remembered(self) -> History | None:
        """Return the run as far as the journal has it, None where it was never opened."""
        history: History | None = None
        position, reader = 0, JournalReader(self._journal.path)
        try:
            while entries := reader.read(position, BATCH):
                position = entries[-1][0]
                for _, record in entries:
                    if isinstance(record, RunOpened):
                        history = history or History(record, *begun(record))
                    elif isinstance(record, RunStepped) and history is not None:
                        history.take(record)
                        self._telling.remember(record)
                await asyncio.sleep(0)
        finally:
            reader.close()
        return history

    async def _opened(self) -> History:
        """Reserve the devices, and open the run.

        Raises:
            InvalidError: it cannot be.
        """
        if self._journal.forgot:
            raise InvalidError(FORGOTTEN)
        order, keeper = self._spec.order, self._keeper
        until = self._loop.time() + order.arm_within_s
        while not all(role in keeper.twins and keeper.twins[role].description for role in order.roles):
            if not await self._change_before(until):
                break
        twins = {role: twin for role, twin in keeper.twins.items() if role in order.roles}
        described = {role: description_of(twin.description) for role, twin in twins.items() if twin.description}
        record = opened(order, described, datetime.now(UTC))
        await self._append([record])
        return History(record, *begun(record))

    async def _failed(self, reason: str) -> Phase:
        """Record a run that could not even be opened."""
        log.error("a run cannot be opened", extra={"run": str(self._spec.order.run_id), "reason": reason})
        n = AFTER_DAMAGE if self._journal.forgot else 0
        await self._append([*unfit(self._spec.order, datetime.now(UTC), reason, n)])
        return "failed"

    async def _append(self, records: list[Record]) -> None:
        while True:
            try:
                self._journal.append(records)
            except StorageFullError as error:
                log.error("a run's journal takes nothing", extra={"path": str(self._journal.path), "reason": error.message})
                await asyncio.sleep(RETRY_DISK_S)
            else:
                return

    # driving

    async def _driven(self, history: History) -> Phase:
        order = self._spec.order
        self._axis = Axis(history.opened.time, at_least=history.run.now)
        shell = RunShell(history, self._journal, self._standings, self, order.allowance)
        self._driver = shell
        self._dispatcher = Dispatcher(order, self._client, shell, calibrated(history.plan, order.curves))
        try:
            self._ears = Ears(order.roles, self._spec.broker.prefix, listened(history.plan))
        except (UnknownDriverError, ValueError) as error:
            shell.happened(Broken(self.now(), f"a device cannot be listened to: {error}"))
        self._listen([] if self._ears is None else self._ears.filters)
        if history.run.phase in {"draft", "validated", "scheduled", "arming"}:
            await self._armed(shell)
        else:
            await self._recovered(shell)
        self._driving = True
        self._safely(shell.looked)
        return await asyncio.shield(self._over)

    async def _armed(self, shell: RunShell) -> None:
        """Begin, once every device is ready; fail where that takes too long."""
        self.shell, order = shell, self._spec.order
        if shell.history.run.phase == "arming":
            shell.happened(Recovered(self.now()))
        for before, event in (("draft", Validated), ("validated", Scheduled), ("scheduled", Arming)):
            if shell.history.run.phase == before:
                shell.happened(event(self.now()))
        if not order.rehearsed:
            shell.happened(Broken(self.now(), "this version of the protocol was not rehearsed"))
        until = self._loop.time() + order.arm_within_s
        while shell.history.run.phase == "arming":
            if self._standings.ready():
                shell.happened(Armed(self.now()))
            elif not await self._change_before(until):
                shell.happened(Broken(self.now(), f"not ready to begin: {'; '.join(self._standings.all_troubles())}"))

    async def _recovered(self, shell: RunShell) -> None:
        """Take over from an incarnation that died, once the devices are there."""
        until = self._loop.time() + RECOVER_S
        while not self._standings.ready() and await self._change_before(until):
            pass
        said = dict(shell.history.said)
        shell.happened(Recovered(self.now()))
        self.shell = shell
        if shell.history.differs is not None:
            log.error("a run does not replay", extra={"run": str(self._spec.order.run_id), "step": shell.history.differs})
            shell.happened(Broken(self.now(), f"this program would have decided otherwise at step {shell.history.differs}"))
        assert self._dispatcher is not None
        for command, decided in said.values():
            if command.id in shell.history.run.pending:
                self._dispatcher.pursue(command, decided)

    async def _change_before(self, until: float) -> bool:
        """Wait until a device stands otherwise; return False where the time is over first."""
        self._changed.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _looked(self) -> None:
        self._changed.set()
        if self._driving and self.shell is not None:
            self._safely(self.shell.looked)

    # the session

    def _listen(self, filters: Sequence[Any]) -> None:
        run_id = self._spec.order.run_id
        name = f"lics-run-{run_id}"
        self._session = DeviceSession(self._spec.broker, run_id, filters, self._heard, identifier=name, clean=True)
        self._begin("session", self._session.run())

    def _heard(self, happened: Heard) -> None:
        match happened:
            case MessageArrived(received):
                if self._ears is not None and self.shell is not None and self._driving:
                    for said in self._ears.heard(received, self.now()):
                        self._safely(self.shell.said, said, received.time)
            case BrokerReached(session=session):
                self._session_number = session
                self._telling.again()
                self._keeper.stand(BROKER, None)
            case BrokerLost(reason=reason):
                self._keeper.stand(BROKER, Trouble(f"is away: {reason}"))
            case _:
                pass  # the run listens all the time

    def _publish(self, publications: Sequence[Publication]) -> None:
        if self._session is not None:
            self._session.publish(self._session_number, publications)

    async def _goodbye(self) -> None:
        """Wait until the broker has what was said, for a while."""
        until = self._loop.time() + GOODBYE_S
        while self._session is not None and not self._session.said_all and self._loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    # what the shell is lent

    def now(self) -> float:
        """See `Outside`."""
        return self._axis.now()

    def send(self, command: SendCommand, n: int, heard: datetime, decided: datetime) -> None:
        """See `Outside`."""
        assert self._dispatcher is not None
        self._dispatcher.send(command, n, heard, decided)

    def hush(self) -> None:
        """See `Outside`."""
        if self._dispatcher is not None:
            self._dispatcher.hush()

    def wake_at(self, due: float | None) -> None:
        """See `Outside`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None and self._driver is not None:
            self._timer = self._loop.call_later(max(0.0, due - self.now()), self._safely, self._driver.woke)

    def told(self, step: RunStepped) -> None:
        """See `Outside`."""
        self._loop.call_soon(self._safely, self._tell, step)

    def _tell(self, step: RunStepped) -> None:
        assert self._driver is not None
        phase, view = self._driver.history.run.phase, self._driver.view()
        self._telling.told(step, view)
        self._say(phase)
        self._changed.set()  # it may have been aborted while it was being armed
        if phase in OVER and step.n == view.n - 1 and not self._over.done():
            self._over.set_result(phase)

    def unsynced(self) -> None:
        """See `Outside`."""
        if not self._syncing:
            self._syncing = True
            self._loop.call_later(SYNC_S, self._sync)

    def blocked(self) -> None:
        """See `Outside`."""
        if not self._retrying:
            self._retrying = True
            self._loop.call_later(RETRY_DISK_S, self._retry)

    def _sync(self) -> None:
        self._syncing = False
        try:
            self._journal.sync()
        except StorageFullError as error:  # the next append says so
            log.warning("a run's journal is not synced", extra={"reason": error.message})

    def _retry(self) -> None:
        self._retrying = False
        if self.shell is not None:
            self._safely(self.shell.unblock)

    # tasks

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[name] = asyncio.create_task(work)
        task.add_done_callback(self._broke_off)

    def _broke_off(self, task: asyncio.Task[None]) -> None:
        """A part that ends of its own accord is a bug: the actor ends with it, and another begins."""
        if not task.cancelled() and (error := task.exception()) is not None and not self._over.done():
            self._over.set_exception(error)

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.wait([task])

    def _safely(self, function: Callable[..., object], *arguments: object) -> None:
        """Call the shell; a fault there is logged and counted, and the run lives on."""
        try:
            function(*arguments)
        except Exception:
            self.faults += 1
            log.exception("handler failed", extra={"run": str(self._spec.order.run_id)})
