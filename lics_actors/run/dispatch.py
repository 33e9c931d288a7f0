"""A run's commands on their way: each reaches its device's actor once, or not at all, and its fate is found out.

They go the way of everybody's commands, to the actor's door, so that its journal, ledger, lease and interlocks judge them; one
device's in the order in which they were decided. What cannot be said within START_S is not said any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from lics_actors.device.messages import AskCommand, CancelCommand, CommandState, RequestCommand
from lics_actors.errors import CommandNotFoundError, DeviceTimeoutError, FleetUnavailableError, LicsError
from lics_actors.experiment.messages import SendCommand
from lics_actors.run.orders import RunOrder, run_principal
from lics_actors.store.records import Command

START_S: Final = 3.0  # an animal connects a reward with what it did a moment ago; a device's actor that died is back by then
DEADLINE_S: Final = 10.0  # from acceptance until the device must have said that it is done
RETRY_S: Final = 0.05
LOOK_S: Final = 2.0  # between two questions after a command that nobody knows about
WAIT_S: Final = DEADLINE_S + 2.0

Answer = TypeVar("Answer")
Reaction = tuple[int, datetime, datetime]  # the step, when it was heard, when it was in the journal
Told = Callable[[SendCommand], dict[str, Any]]
log = logging.getLogger(__name__)


class Actors(Protocol):
    """The way to devices' actors: a FleetClient."""

    async def ask_device(self, device_id: UUID, body: object, kind: type[Answer], timeout_s: float) -> Answer:
        """Ask a device's actor."""


class Fates(Protocol):
    """Who wants to hear of commands: the shell."""

    def settled(self, command_id: UUID, outcome: str) -> None:
        """Hear a fate; `indeterminate` may be followed by another."""

    def reacted(self, n: int, command_id: UUID, heard: datetime, decided: datetime, left: datetime) -> None:
        """Hear that a command is published."""


def said_plainly(command: SendCommand) -> dict[str, Any]:
    """Return what a device is told where nobody calibrated it."""
    return command.args


class Dispatcher:
    """One run's. All in one loop's thread; `counts`: what became of commands; `told`: what a device is told instead of `args`."""

    def __init__(self, order: RunOrder, actors: Actors, fates: Fates, told: Told = said_plainly) -> None:
        self._run_id, self._roles, self._actors, self._fates = order.run_id, order.roles, actors, fates
        self._told = told
        self._within = frozenset({order.laboratory_id})
        self._turns = {each.device_id: asyncio.Lock() for each in order.roles.values()}
        self._tasks: set[asyncio.Task[None]] = set()
        self._queued: dict[UUID, UUID] = {}  # commands that wait at their device's actor → device
        self._hushed = 0
        self.counts: Counter[str] = Counter()

    def send(self, command: SendCommand, n: int, heard: datetime, decided: datetime) -> None:
        """Say a command, and find out its fate."""
        until = asyncio.get_running_loop().time() + START_S
        self._begin(self._sent(command, (n, heard, decided), until, self._hushed))

    def pursue(self, command: SendCommand, decided: datetime) -> None:
        """Find out the fate of a command that an earlier incarnation decided; it is not said again."""
        age_s = max(0.0, (datetime.now(UTC) - decided).total_seconds())  # a clock that was set back makes nobody wait longer
        final = asyncio.get_running_loop().time() + max(0.0, 2 * START_S - age_s)
        self._begin(self._followed(self._roles[command.role].device_id, command.id, final, None))

    def hush(self) -> None:
        """Say nothing any more of what was decided before and has not left."""
        self._hushed += 1
        for command_id, device_id in self._queued.items():
            self._begin(self._called_off(device_id, command_id))
        self._queued.clear()

    async def close(self) -> None:
        """Let go of everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.counts["dispatch_faults"] += 1
            log.error("a command's way broke off", extra={"run": str(self._run_id)}, exc_info=error)

    async def _sent(self, command: SendCommand, reaction: Reaction, until: float, hushed: int) -> None:
        device_id = self._roles[command.role].device_id
        async with self._turns[device_id]:
            answer = await self._offered(self._request(device_id, command), until, hushed)
        if isinstance(answer, LicsError):
            log.warning("a device refuses a command", extra=self._facts(command, answer.message))
            self.counts["commands_refused"] += 1
            self._fates.settled(command.id, "rejected")
            return
        said = isinstance(answer, Command) and answer.state is not CommandState.ACCEPTED
        if said:
            self._fates.reacted(reaction[0], command.id, reaction[1], reaction[2], datetime.now(UTC))
        elif isinstance(answer, Command):
            self._queued[command.id] = device_id
        await self._followed(device_id, command.id, until + START_S, None if said else reaction)

    async def _offered(self, request: RequestCommand, until: float, hushed: int) -> Command | LicsError | None:
        """Return the command as it stands once the device's actor has it, its refusal, or None: nobody knows."""
        loop = asyncio.get_running_loop()
        while hushed == self._hushed and (left_s := until - loop.time()) > 0:
            try:
                return await self._actors.ask_device(request.device_id, request, Command, min(left_s, START_S))
            except (FleetUnavailableError, DeviceTimeoutError):
                await asyncio.sleep(RETRY_S)
            except LicsError as error:
                return error
        return None

    async def _followed(self, device_id: UUID, command_id: UUID, final: float, reaction: Reaction | None) -> None:
        """Tell a command's fate. `final`: who has not heard of it by then never will, as its frames are too old to be read."""
        told: str | None = None
        try:
            while True:
                command = await self._asked(device_id, command_id)
                outcome = _outcome(command, final)
                if isinstance(command, Command) and reaction is not None and (left := said_at(command)) is not None:
                    self._fates.reacted(reaction[0], command_id, reaction[1], reaction[2], left)
                    reaction = None
                if outcome is not None and outcome != told:
                    told = outcome
                    self._fates.settled(command_id, outcome)
                if outcome is not None and outcome != CommandState.INDETERMINATE:
                    return
                await asyncio.sleep(LOOK_S if outcome else RETRY_S)
        finally:
            self._queued.pop(command_id, None)

    async def _asked(self, device_id: UUID, command_id: UUID) -> Command | LicsError:
        """Return a command once it is settled, or how it stands after a while, or why nobody can say."""
        try:
            return await self._actors.ask_device(device_id, AskCommand(device_id, command_id, WAIT_S), Command, WAIT_S + 2.0)
        except LicsError as error:
            return error

    async def _called_off(self, device_id: UUID, command_id: UUID) -> None:
        wish = CancelCommand(device_id, command_id, run_principal(self._run_id), "the run is silent")
        with suppress(LicsError):  # it has begun, or is over
            await self._actors.ask_device(device_id, wish, Command, START_S)

    def _request(self, device_id: UUID, command: SendCommand) -> RequestCommand:
        return RequestCommand(
            command_id=command.id,
            device_id=device_id,
            name=command.name,
            args=self._told(command),
            principal=run_principal(self._run_id),
            wait_s=0.0,
            timeout_s=DEADLINE_S,
            run_id=self._run_id,
            within=self._within,
            once_said=True,
        )

    def _facts(self, command: SendCommand, reason: str) -> dict[str, str]:
        return {"run": str(self._run_id), "role": command.role, "command": command.name, "reason": reason}


def said_at(command: Command) -> datetime | None:
    """Return when a command was about to be published, None where it has not been."""
    return next((step.time for step in command.steps if step.state is CommandState.DISPATCHED), None)


def _outcome(command: Command | LicsError, final: float) -> str | None:
    """Return a command's fate, None where it is not known yet."""
    if isinstance(command, CommandNotFoundError):
        return "expired" if asyncio.get_running_loop().time() > final else None
    return command.state.value if isinstance(command, Command) and command.state.terminal else None
