"""The life of a device's commands: accepted, sent one at a time, followed, settled. Pure.

What holds, whatever happens (tests/unit/device/test_command_properties.py):

- A command is journaled as accepted and dispatched before it is published, and as settled before anybody is told.
- A new command is published only while none is in flight and no repeat waits for its answer, in the order of acceptance.
- A command is published again only under its own id, and only where the device keeps a ledger of ids, or where the
  command is idempotent and its deadline has not come. Repeats of several commands may be under way at once (after a
  reconnect); of these at most the one in flight can still be executed, the others' deadlines have passed.
- While the book is barred (an interlock has tripped), of actuating commands only those that make safe are published.
- An idempotent command that ran out of time is `expired` for good: a late acknowledgement is counted and changes nothing.
  Any other is `indeterminate` until an acknowledgement, late or from the ledger, settles it once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from drivers.protocol import AckState, CommandAcked, Guarantees, OutgoingCommand
from lics_actors.device.events import Answer, Effect, Keep, PublishCommand
from lics_actors.device.lease import LEASE
from lics_actors.device.messages import CommandState
from lics_actors.store.records import Command, CommandAccepted, CommandMoved, CommandStep

MAX_WAITING = 100  # commands; at the default deadline of 5 s no device works off more
MAX_DOUBTFUL = 50  # indeterminate commands a reconnect asks for; older ones stay indeterminate
MAX_WAITERS = 20  # peers waiting for one command; further ones are answered at once with how it stands
RECONCILE_S = 2.0  # how long new commands wait for the answers to repeats; a ledger answers in milliseconds

# What a device says of a repeat that it will not execute any more (drivers/native)
NEVER_EXECUTED = {"expired": CommandState.EXPIRED, "stale_epoch": CommandState.REJECTED}

_ACKED = {
    AckState.DELIVERED: CommandState.DELIVERED,
    AckState.EXECUTING: CommandState.EXECUTING,
    AckState.SUCCEEDED: CommandState.SUCCEEDED,
    AckState.FAILED: CommandState.FAILED,
    AckState.REJECTED: CommandState.REJECTED,
}
_ORDER = [CommandState.ACCEPTED, CommandState.DISPATCHED, CommandState.DELIVERED, CommandState.EXECUTING]


class Waiter(Struct, frozen=True):
    """Somebody to answer when the command is settled, or `until` then with how it stands."""

    reply: str
    until: datetime


class Tracked(Struct, frozen=True):
    """An unsettled command and who waits for it. `slip`: by how much the clock was set since it was accepted."""

    command: Command
    waiters: tuple[Waiter, ...] = ()
    slip: timedelta = timedelta()

    @property
    def id(self) -> UUID:
        """Return the command's id."""
        return self.command.command_id

    @property
    def deadline(self) -> datetime:
        """Return the command's deadline by the clock as it goes now."""
        return self.command.deadline + self.slip


class CommandBook(Struct, frozen=True):
    """A device's unsettled commands. `asked`: repeats the device has not answered yet; until `asked_until` they hold
    back new commands. `counts`: outcomes and oddities since the actor began."""

    device_id: UUID
    guarantees: Guarantees
    waiting: tuple[Tracked, ...] = ()  # accepted
    flying: tuple[Tracked, ...] = ()  # dispatched, delivered or executing: at most one, but for a journal that says more
    doubtful: tuple[Tracked, ...] = ()  # indeterminate
    asked: frozenset[UUID] = frozenset()
    asked_until: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    barred: str | None = None  # why nothing may move

    def find(self, command_id: UUID) -> Tracked | None:
        """Return an unsettled command."""
        return next((t for t in (*self.flying, *self.waiting, *self.doubtful) if t.id == command_id), None)

    def counted(self, what: str) -> CommandBook:
        """Return the book with one more of `what`."""
        return replace(self, counts={**self.counts, what: self.counts.get(what, 0) + 1})


Outcome = tuple[CommandBook, list[Effect]]


def restored(device_id: UUID, guarantees: Guarantees, unsettled: list[Command], now: datetime) -> CommandBook:
    """Return the book as the journal left it; nobody waits for an answer any more.

    A command that was accepted after `now` says that the clock was set back meanwhile.
    """
    by_state = {each.command_id: Tracked(each, slip=min(timedelta(), now - each.accepted_at)) for each in unsettled}
    tracked = list(by_state.values())
    return CommandBook(
        device_id,
        guarantees,
        waiting=tuple(t for t in tracked if t.command.state is CommandState.ACCEPTED),
        flying=tuple(t for t in tracked if t.command.state in _ORDER[1:]),
        doubtful=tuple(t for t in tracked if t.command.state is CommandState.INDETERMINATE)[-MAX_DOUBTFUL:],
    )


def accept(book: CommandBook, command: Command, waiter: Waiter) -> Outcome:
    """Take a new command (its first step is `accepted`) behind the others."""
    book = replace(book, waiting=(*book.waiting, Tracked(command)))
    watched, answers = watch(book, command.command_id, waiter, command.accepted_at)
    return watched, [Keep(CommandAccepted(command), durable=True), *answers]


def adopt(book: CommandBook, adopted: Iterable[Command], now: datetime) -> Outcome:
    """Take commands that another host left unsettled, as `restored` takes one's own; what time has made of them follows."""
    effects: list[Effect] = []
    for command in adopted:
        if book.find(command.command_id) is not None:
            continue
        left = restored(book.device_id, book.guarantees, [command], now)
        book = replace(
            book,
            waiting=(*book.waiting, *left.waiting),
            flying=(*book.flying, *left.flying),
            doubtful=(*book.doubtful, *left.doubtful)[-MAX_DOUBTFUL:],
        )
        effects.append(Keep(CommandAccepted(command), durable=True))
    book, more = elapse(book, now)  # before anything is sent: their deadlines are over
    return book, [*effects, *more]


def watch(book: CommandBook, command_id: UUID, waiter: Waiter, now: datetime) -> Outcome:
    """Let somebody wait for an unsettled command, or answer at once where waiting makes no sense."""
    tracked = book.find(command_id)
    assert tracked is not None
    if waiter.until <= now or tracked in book.doubtful or len(tracked.waiters) >= MAX_WAITERS:
        return book, [Answer(waiter.reply, tracked.command)]
    return _put(book, replace(tracked, waiters=(*tracked.waiters, waiter))), []


def cancel(book: CommandBook, command_id: UUID, now: datetime, why: str) -> tuple[CommandBook, Command, list[Effect]]:
    """Settle a waiting command as cancelled; returns it too."""
    tracked = next(t for t in book.waiting if t.id == command_id)
    step = CommandStep(CommandState.CANCELLED, now, error=why)
    book, effects = _settle(book, tracked, step)
    return book, _stepped(tracked.command, step), effects


def cancel_waiting(book: CommandBook, now: datetime, why: str) -> Outcome:
    """Settle every waiting command as cancelled."""
    return _each(book, book.waiting, lambda b, t: _settle(b, t, CommandStep(CommandState.CANCELLED, now, error=why)))


def bar(book: CommandBook, now: datetime, why: str) -> Outcome:
    """Let nothing move from now on: cancel what waits to."""
    moving = [t for t in book.waiting if t.command.actuates and not t.command.safe]
    book = replace(book, barred=book.barred or why)
    return _each(book, moving, lambda b, t: _settle(b, t, CommandStep(CommandState.CANCELLED, now, error=why)))


def unbar(book: CommandBook) -> CommandBook:
    """Let things move again."""
    return replace(book, barred=None)


def dispatch_first(book: CommandBook, command: Command, now: datetime, epoch: int | None) -> Outcome:
    """Accept a command and send it at once, ahead of what waits and beside what is in flight."""
    moved, keep = _step(Tracked(command), CommandStep(CommandState.DISPATCHED, now), epoch)
    accepted = Keep(CommandAccepted(command), durable=True)
    return replace(book, flying=(moved, *book.flying)), [accepted, keep, _said(book, moved, now)]


def unsayable(book: CommandBook, command_id: UUID, now: datetime, why: str) -> Outcome:
    """Settle a dispatched command that never left as rejected."""
    tracked = next((t for t in book.flying if t.id == command_id), None)
    if tracked is None:
        return book, []
    return _settle(book, tracked, CommandStep(CommandState.REJECTED, now, error=why))


def acked(book: CommandBook, ack: CommandAcked, now: datetime) -> Outcome:
    """Follow what the device says of a command: forward only, late for a doubtful one, otherwise counted.

    Steps carry LICS's own time: devices' clocks are their own.
    """
    tracked = None if ack.command_id is None else book.find(ack.command_id)
    if tracked is None or tracked in book.waiting:
        return book.counted("acks_unknown"), []
    book = _answered(book, tracked.id)
    state = _ACKED[ack.state]
    if state is CommandState.REJECTED and ack.error is not None:
        state = NEVER_EXECUTED.get(ack.error, state)
    step = CommandStep(state, now, ack.result, ack.error, ack.ledger_seq)
    if state.terminal:
        return _settle(book, tracked, step, durable=not (state is CommandState.SUCCEEDED and book.guarantees.executes_once))
    if tracked in book.doubtful or _ORDER.index(state) <= _ORDER.index(tracked.command.state):
        return book.counted("acks_repeated"), []
    moved, keep = _step(tracked, step)
    return _put(book, moved), [keep]


def elapse(book: CommandBook, now: datetime) -> Outcome:
    """Let time pass: waits end, deadlines come, unanswered repeats stop holding back."""
    if not (book.waiting or book.flying or book.asked):
        return book, []
    if book.asked_until is not None and book.asked_until <= now:
        book = replace(book, asked=frozenset(), asked_until=None)
    overdue = [t for t in (*book.flying, *book.waiting) if t.deadline <= now]
    book, effects = _each(book, overdue, lambda b, t: _run_out(b, t, now))
    for tracked in (*book.flying, *book.waiting):
        over = [w for w in tracked.waiters if w.until <= now]
        if over:
            book = _put(book, replace(tracked, waiters=tuple(w for w in tracked.waiters if w not in over)))
            effects += [Answer(w.reply, tracked.command) for w in over]
    return book, effects


def dispatch(book: CommandBook, now: datetime, epoch: int | None) -> Outcome:
    """Send the next command, where the device may be sent one."""
    if not book.waiting or book.flying or book.asked:
        return book, []
    first, *others = book.waiting
    moved, keep = _step(first, CommandStep(CommandState.DISPATCHED, now), epoch, durable=True)
    return replace(book, waiting=tuple(others), flying=(moved,)), [keep, _said(book, moved, now)]


def reconcile(book: CommandBook, now: datetime, just_said: Container[UUID] = ()) -> Outcome:
    """Ask the device for every command whose fate it knows better, by repeating it."""
    repeated = [t for t in (*book.flying, *book.doubtful) if t.id not in just_said and _repeatable(book, t, now)]
    return ask(replace(book, asked=frozenset(), asked_until=None), repeated, now)


def ask(book: CommandBook, repeated: list[Tracked], now: datetime) -> Outcome:
    """Repeat commands, and hold back new ones until they are answered or `RECONCILE_S` are over."""
    if not repeated:
        return book, []
    asked = book.asked.union(t.id for t in repeated)
    book = replace(book, asked=asked, asked_until=now + timedelta(seconds=RECONCILE_S))
    return book, [_said(book, t, now, repeat=True) for t in repeated]


def newly_doubtful(before: CommandBook, after: CommandBook) -> list[Tracked]:
    """Return what became indeterminate and can be asked for."""
    known = {t.id for t in before.doubtful}
    fresh = [t for t in after.doubtful if t.id not in known]
    if after.barred is not None:
        fresh = [t for t in fresh if t.command.safe or not t.command.actuates]
    return fresh if after.guarantees.executes_once else []


def answer_everybody(book: CommandBook) -> Outcome:
    """Answer all who wait with how their commands stand."""
    waiting = [(w, t) for t in (*book.flying, *book.waiting) for w in t.waiters]
    for tracked in (*book.flying, *book.waiting):
        book = _put(book, replace(tracked, waiters=()))
    return book, [Answer(w.reply, t.command) for w, t in waiting]


def deadlines(book: CommandBook) -> list[datetime]:
    """Return every time at which `elapse` has something to do."""
    tracked = (*book.flying, *book.waiting)
    times = [t.deadline for t in tracked] + [w.until for t in tracked for w in t.waiters]
    return times if book.asked_until is None else [*times, book.asked_until]


def outgoing(command: Command) -> OutgoingCommand:
    """Return a command as it is said to the device, the same however often."""
    return OutgoingCommand(command.command_id, command.name, command.args, command.deadline, command.epoch)


def _said(book: CommandBook, tracked: Tracked, now: datetime, repeat: bool = False) -> PublishCommand:
    command = tracked.command
    leased = command.actuates and not command.safe and book.guarantees.honours_leases
    expires = now + LEASE if leased and tracked.deadline > now else None
    return PublishCommand(outgoing(command), repeat, expires, command.safe)


def _repeatable(book: CommandBook, tracked: Tracked, now: datetime) -> bool:
    if book.barred is not None and tracked.command.actuates and not tracked.command.safe:
        return False
    if book.guarantees.executes_once:
        return True
    return tracked.command.idempotent and tracked in book.flying and tracked.deadline > now


def _run_out(book: CommandBook, tracked: Tracked, now: datetime) -> Outcome:
    if tracked in book.waiting:
        return _settle(book, tracked, CommandStep(CommandState.EXPIRED, now, error="not sent before its deadline"))
    if tracked.command.idempotent:
        return _settle(book, tracked, CommandStep(CommandState.EXPIRED, now, error="not answered before its deadline"))
    step = CommandStep(CommandState.INDETERMINATE, now, error="not answered before its deadline; it may have been executed")
    book, effects = _settle(book, tracked, step)
    doubtful = Tracked(_stepped(tracked.command, step))
    return replace(book, doubtful=(*book.doubtful, doubtful)[-MAX_DOUBTFUL:]), effects


def _settle(book: CommandBook, tracked: Tracked, step: CommandStep, *, durable: bool = True) -> Outcome:
    """Take a command out of the book; journal its end, then tell those who wait.

    `durable` False: the device's ledger has the outcome, and says it again should a power loss take it from the journal.
    """
    moved, keep = _step(tracked, step, durable=durable)
    book = _answered(_without(book, tracked.id), tracked.id).counted(f"commands_{step.state.value}")
    return book, [keep, *(Answer(w.reply, moved.command) for w in tracked.waiters)]


def _step(tracked: Tracked, step: CommandStep, epoch: int | None = None, *, durable: bool = False) -> tuple[Tracked, Keep]:
    command = tracked.command
    record = CommandMoved(command.command_id, command.device_id, len(command.steps), step, epoch)
    return replace(tracked, command=_stepped(command, step, epoch)), Keep(record, durable)


def _stepped(command: Command, step: CommandStep, epoch: int | None = None) -> Command:
    return replace(command, steps=(*command.steps, step), epoch=command.epoch if epoch is None else epoch)


def _answered(book: CommandBook, command_id: UUID) -> CommandBook:
    if command_id not in book.asked:
        return book
    asked = book.asked - {command_id}
    return replace(book, asked=asked, asked_until=book.asked_until if asked else None)


def _put(book: CommandBook, tracked: Tracked) -> CommandBook:
    def swap(those: tuple[Tracked, ...]) -> tuple[Tracked, ...]:
        return tuple(tracked if t.id == tracked.id else t for t in those)

    return replace(book, waiting=swap(book.waiting), flying=swap(book.flying), doubtful=swap(book.doubtful))


def _without(book: CommandBook, command_id: UUID) -> CommandBook:
    def drop(those: tuple[Tracked, ...]) -> tuple[Tracked, ...]:
        return tuple(t for t in those if t.id != command_id)

    return replace(book, waiting=drop(book.waiting), flying=drop(book.flying), doubtful=drop(book.doubtful))


def _each(book: CommandBook, those: Iterable[Tracked], do: Callable[[CommandBook, Tracked], Outcome]) -> Outcome:
    effects: list[Effect] = []
    for tracked in those:
        book, more = do(book, tracked)
        effects += more
    return book, effects
