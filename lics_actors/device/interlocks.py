"""Interlocks: what trips a device, what makes it safe, and what lets it go on. Pure.

What holds, whatever happens (tests/unit/device/test_interlock_properties.py):

- Conditions are judged first thing on every event, by what that event says. What trips is journaled before anything leaves, and
  the safe commands leave before anything else that the event causes.
- While an interlock has tripped, no actuating command is published but those that make safe: the waiting ones are cancelled,
  new ones refused, and those in flight, which nobody can call back, are not said again.
- The safe commands are said at once, ahead of the queue and beside what is in flight; again each time the device comes back;
  and again, ever less often, until the device has confirmed them.
- Nothing but a person's reset, with a reason, ends it: no restart, no changed rig, no lost journal. One exception is a person's
  too: an interlock that no rig declares any more is forgotten when the device is set to maintenance.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from drivers.protocol import Description
from lics_actors.device import commands
from lics_actors.device.commands import CommandBook
from lics_actors.device.declarations import Interlock
from lics_actors.device.events import Answer, Effect, Keep, ResetRequested
from lics_actors.device.guard import Guard, judged
from lics_actors.device.messages import CommandState, DeviceSpec, InterlocksReset, ResetInterlocks
from lics_actors.errors import InterlockTrippedError, InvalidError
from lics_actors.store.records import (
    AlarmCleared,
    AlarmRaised,
    Command,
    CommandMoved,
    CommandStep,
    InterlockReset,
    InterlockTripped,
)

SAFE_S: Final = 2.0  # a device that is there executes in milliseconds, or a movement later
LONGEST_AGAIN_S: Final = 60.0  # a device that is online and confirms nothing for minutes fills a journal to no use
ALARM: Final = "interlock"


class Latch(Struct, frozen=True):
    """An interlock that has tripped. `unsaid`: safe commands the device has not confirmed, of round `rounds`; `again`: when they
    are said again."""

    record: InterlockTripped
    unsaid: tuple[UUID, ...] = ()
    again: datetime | None = None
    rounds: int = 0

    @property
    def key(self) -> str:
        """Return its interlock's key."""
        return f"{self.record.rig_id}/{self.record.interlock}"


Latches = tuple[Latch, ...]


def tripped(
    guard: Guard, latches: Latches, book: CommandBook, spec: DeviceSpec, now: datetime
) -> tuple[Guard, Latches, CommandBook, list[Effect]]:
    """Judge the conditions; latch what trips that is not latched yet, and cancel what waits to move something."""
    guard, tripping = judged(guard, now)
    known = {each.key for each in latches}
    records = [_record(spec.device_id, now, each.interlock, each.why) for each in tripping if each.interlock.key not in known]
    book, effects = latched(book, spec, records, now)
    return guard, (*latches, *map(Latch, records)), book, effects


def latched(
    book: CommandBook, spec: DeviceSpec, records: Sequence[InterlockTripped], now: datetime
) -> tuple[CommandBook, list[Effect]]:
    """Bar the book for interlocks that have just tripped."""
    effects: list[Effect] = []
    for record in records:
        book, cancelled = commands.bar(book, now, f"interlock {record.interlock!r} of rig {record.rig!r} has tripped")
        message = f"{spec.name}: interlock {record.interlock!r} of rig {record.rig!r} has tripped: {record.why}"
        alarm = AlarmRaised(now, f"device:{spec.device_id}", ALARM, message)
        effects += [Keep(record, durable=True), *cancelled, Keep(alarm)]
        book = book.counted("interlocks_tripped")
    return book, effects


def forgotten(guard: Guard | None, latches: Latches, spec: DeviceSpec, now: datetime) -> list[InterlockTripped]:
    """Return all interlocks that are not latched anyway as tripped, for an actor that does not know which were."""
    why = "what its actor knew is lost, or on another host, so whether it had tripped is not known"
    known = {each.key for each in latches}
    return [_record(spec.device_id, now, each, why) for each in (guard.interlocks if guard else ()) if each.key not in known]


def made_safe(
    latches: Latches,
    book: CommandBook,
    now: datetime,
    epoch: int | None,
    description: Description | None,
    *,
    again: bool,
    incarnation: int,
) -> tuple[Latches, CommandBook, list[Effect]]:
    """Say the safe commands of latches that are new, whose device has come back (`again`), or whose time has come."""
    effects: list[Effect] = []
    kept: list[Latch] = []
    trips = book.counts.get("interlocks_tripped", 0)
    for latch in latches:
        if not (again or latch.rounds == 0 or (latch.again is not None and latch.again <= now)):
            kept.append(latch)
            continue
        rounds = latch.rounds + 1
        said: list[UUID] = []
        for n, (name, args) in enumerate(latch.record.actions):
            idempotent = _is_idempotent(name, description)
            command = _safe_command(
                latch.record, name, args, f"{incarnation}/{trips}/{rounds}/{n}|{now.isoformat()}", now, idempotent=idempotent
            )
            book, more = commands.dispatch_first(book, command, now, epoch)
            effects += more
            said.append(command.command_id)
        wait = timedelta(seconds=min(LONGEST_AGAIN_S, SAFE_S * 2 ** min(rounds, 8)))
        kept.append(replace(latch, unsaid=tuple(said), again=now + wait if said else None, rounds=rounds))
    return tuple(kept), book, effects


def confirmed(latches: Latches, effects: Sequence[Effect]) -> Latches:
    """Return the latches after what devices have confirmed: a round that is all done is not said again."""
    done = {
        effect.record.command_id
        for effect in effects
        if isinstance(effect, Keep)
        and isinstance(effect.record, CommandMoved)
        and effect.record.step.state is CommandState.SUCCEEDED
    }
    if not done:
        return latches
    left = [replace(latch, unsaid=tuple(each for each in latch.unsaid if each not in done)) for latch in latches]
    return tuple(latch if latch.unsaid else replace(latch, again=None) for latch in left)


def reset(
    guard: Guard | None, latches: Latches, book: CommandBook, asked: ResetRequested
) -> tuple[Latches, CommandBook, list[Effect]]:
    """Forget what a person has seen to, unless a condition still is so."""
    wish, now = asked.request, asked.now
    if not wish.reason.strip():
        fault = InvalidError("resetting an interlock needs a reason", ({"field": "reason", "message": "is empty"},))
        return latches, book, [Answer(asked.reply, fault)]
    meant = [each for each in latches if _is_meant(each, wish)]
    _, still = judged(guard, now) if guard is not None else (None, [])
    why = {each.interlock.key: each.why for each in still}
    if so := [each for each in meant if each.key in why]:
        record = so[0].record
        fault_ = InterlockTrippedError(
            f"interlock {record.interlock!r} of rig {record.rig!r} still is so: {why[so[0].key]}",
            interlock=record.interlock,
            rig_id=str(record.rig_id),
        )
        return latches, book, [Answer(asked.reply, fault_)]
    left = tuple(each for each in latches if each not in meant)
    effects: list[Effect] = [
        Keep(InterlockReset(wish.device_id, now, wish.rig_id, each.record.interlock, wish.principal, wish.reason), durable=True)
        for each in meant
    ]
    if meant and not left:
        book = commands.unbar(book)
        effects.append(Keep(AlarmCleared(now, f"device:{wish.device_id}", ALARM)))
    names = tuple(each.record.interlock for each in meant)
    return left, book, [*effects, Answer(asked.reply, InterlocksReset(wish.device_id, names))]


def declared(guard: Guard | None, latches: Latches) -> Latches:
    """Return the latches whose interlock a rig still declares."""
    keys = {each.key for each in guard.interlocks} if guard is not None else set()
    return tuple(each for each in latches if each.key in keys)


def times(guard: Guard | None, latches: Latches) -> list[datetime]:
    """Return when time next has something to do here."""
    due = [] if guard is None or guard.due is None else [guard.due]
    return due + [each.again for each in latches if each.again is not None]


def _is_meant(latch: Latch, wish: ResetInterlocks) -> bool:
    return latch.record.rig_id == wish.rig_id and wish.interlock in {None, latch.record.interlock}


def _record(device_id: UUID, now: datetime, interlock: Interlock, why: str) -> InterlockTripped:
    actions = tuple((each.command, dict(each.args)) for each in interlock.actions)
    return InterlockTripped(device_id, now, interlock.rig_id, interlock.rig, interlock.name, why[:1000], actions)


def _is_idempotent(name: str, description: Description | None) -> bool:
    spec = description.commands.get(name) if description is not None else None
    return spec is None or spec.idempotent


def _safe_command(
    record: InterlockTripped, name: str, args: dict[str, Any], number: str, now: datetime, *, idempotent: bool
) -> Command:
    return Command(
        command_id=uuid5(record.device_id, f"{record.rig_id}/{record.interlock}|{record.time.isoformat()}|{number}"),
        device_id=record.device_id,
        name=name,
        args=args,
        principal=f"system:interlock:{record.interlock}",
        idempotent=idempotent,
        actuates=True,
        deadline=now + timedelta(seconds=SAFE_S),
        steps=(CommandStep(CommandState.ACCEPTED, now),),
        reason=f"rig {record.rig}: {record.why}"[:1000],
        safe=True,
    )
