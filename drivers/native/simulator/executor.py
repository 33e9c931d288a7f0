"""What a simulated device does: takes commands, executes each at most once, and stops when its lease runs out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from drivers.errors import DecodeError
from drivers.native import device_side
from drivers.native.device_side import Lease
from drivers.native.simulator.faults import Faults
from drivers.native.simulator.ledger import Ledger
from drivers.native.simulator.model import Happening, Model
from drivers.native.simulator.rules import Accept, Refuse, Repeat, judge
from drivers.native.simulator.voice import Voice, now_utc
from drivers.protocol import Description, JsonObject, OutgoingCommand

log = logging.getLogger(__name__)

MAX_LEASE_S: Final = 10.0  # contracts.md, rule 6: so much of a lease is believed, should this clock be behind


Watcher = Callable[[str, JsonObject], None]  # hears the name and the arguments of each command that was done


class Body:
    """The instrument itself, which outlives a power cut. `changed` is set when a command has changed it."""

    def __init__(self, model: Model, description: Description) -> None:
        self.model, self.description = model, description
        self.watchers: list[Watcher] = []
        self.changed = asyncio.Event()


class Executor:
    """One boot's work. Commands run one after another; `stop` does not wait for what it is to stop."""

    def __init__(
        self, device_id: UUID, body: Body, ledger: Ledger, voice: Voice, *, faults: Faults, thawed: asyncio.Event
    ) -> None:
        self.lease: Lease | None = None
        self._device_id, self._body, self._ledger, self._voice = device_id, body, ledger, voice
        self._faults, self._thawed = faults, thawed
        self._waiting: asyncio.Queue[OutgoingCommand] = asyncio.Queue()
        self._taken: set[UUID] = set()
        self._halt: asyncio.Future[str] | None = None
        self._watchdog: asyncio.TimerHandle | None = None

    def take(self, command: OutgoingCommand) -> None:
        """Answer a command, or queue it."""
        entry = self._ledger.entry(self._device_id, command.command_id)
        match judge(command, entry, self._body.description, self._voice.epoch, now_utc()):
            case Repeat(entry=known):
                self._voice.answer(command.command_id, known)
            case Refuse(error=error):
                self._voice.reject(command.command_id, error)
            case Accept():
                self._voice.delivered(command.command_id)
                if command.name == "stop":
                    self._stop_now(command)
                elif command.command_id not in self._taken:
                    self._taken.add(command.command_id)
                    self._waiting.put_nowait(command)

    async def run(self) -> None:
        """Execute what waits, in order."""
        try:
            while True:
                command = await self._waiting.get()
                await self._thawed.wait()
                refused = self._refused_now(command)
                if refused is not None:
                    self._refuse(command, refused)
                else:
                    await self._execute(command)
                self._taken.discard(command.command_id)
        finally:
            if self._watchdog is not None:
                self._watchdog.cancel()

    def hold(self, lease: Lease) -> None:
        """Take a lease, or a longer one; when it runs out the actuators stop."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        self.lease = lease
        left = min(MAX_LEASE_S, max(0.0, (lease.expires - now_utc()).total_seconds()))
        self._watchdog = asyncio.get_running_loop().call_later(left, self._revert, lease)

    def _revert(self, lease: Lease) -> None:
        self.lease = None
        stopped, switched = self._interrupt("lease_expired"), self._make_safe()
        if (stopped or switched) and "lease_expired" in self._body.description.events:
            self._voice.tell(now_utc(), (Happening(0.0, "lease_expired", {"holder": lease.holder}),))

    def _make_safe(self) -> bool:
        """Let go of what is held; return whether something was."""
        before, done = self._body.model, self._body.model.made_safe()
        self._body.model = done.model
        self._voice.tell(now_utc(), done.events)
        return done.model != before

    def _interrupt(self, reason: str) -> bool:
        """Stop what is moving; return whether something was."""
        if self._halt is None or self._halt.done():
            return False
        self._halt.set_result(reason)
        return True

    def _stop_now(self, command: OutgoingCommand) -> None:
        self._begin(command)
        stopped = self._interrupt("stopped") | self._make_safe()
        self._end(command, {"stopped": stopped}, None)

    def _refused_now(self, command: OutgoingCommand) -> str | None:
        """Return why a command that has waited for its turn must not begin any more, or None."""
        if command.deadline <= now_utc():
            return "expired"
        if command.lease is None:
            return None
        try:
            lease = device_side.read_lease("lease", msgspec.json.encode(command.lease))
        except DecodeError as error:
            return f"invalid_lease: {error.reason}"
        if self.lease is not None and self.lease.expires >= lease.expires:
            return None  # it was renewed while the command waited for its turn
        if lease.expires <= now_utc():
            return "lease_expired"
        self.hold(lease)
        return None

    def _refuse(self, command: OutgoingCommand, reason: str) -> None:
        """Reject for good: a copy of it may come when there is a lease again, and nobody would know that it was obeyed."""
        self._ledger.refuse(self._device_id, command.command_id, command.name, reason)
        self._voice.reject(command.command_id, reason)

    def _begin(self, command: OutgoingCommand) -> None:
        """Write it down, then do it: this order is what makes `at most once` true."""
        begun = self._ledger.begin(self._device_id, command.command_id, command.name)
        self._voice.answer(command.command_id, begun)
        self._ledger.count_execution(self._device_id, command.command_id)

    def _end(self, command: OutgoingCommand, result: object, error: str | None) -> None:
        self._voice.answer(command.command_id, self._ledger.end(self._device_id, command.command_id, result, error))

    async def _execute(self, command: OutgoingCommand) -> None:
        self._begin(command)
        start, begun = now_utc(), asyncio.get_running_loop().time()
        duration_s, share, reason = self._duration_s(command), 0.0, None
        try:
            reason = await self._move(duration_s)
            share = 1.0 if reason is None else 0.0
        finally:  # also when the power goes: what was dispensed by then is gone from the reservoir
            lasted_s = asyncio.get_running_loop().time() - begun
            share = share or min(1.0, lasted_s / duration_s)
            done = self._body.model.finish(command.name, command.args, share)
            self._body.model = done.model
        await self._thawed.wait()
        self._body.changed.set()
        self._voice.tell(start, done.events)
        self._end(command, done.result, reason or done.error)
        if share > 0 and done.error is None:
            for watch in self._body.watchers:
                watch(command.name, command.args)

    def _duration_s(self, command: OutgoingCommand) -> float:
        fault_s = self._faults.execution
        return self._body.model.duration_s(command.name, command.args) if fault_s is None else fault_s

    async def _move(self, duration_s: float) -> str | None:
        """Take the time a command takes; return why it was stopped, if it was."""
        if duration_s <= 0:
            return None
        self._halt = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(self._halt, duration_s)
        except TimeoutError:
            return None
