"""What becomes of a peer's wish: a command accepted, answered again, or refused for a reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from drivers.protocol import CommandSpec, Description
from drivers.schema import argument_errors
from drivers.values import value_fault
from lics_actors.device import commands
from lics_actors.device.commands import CommandBook, Outcome, Waiter
from lics_actors.device.events import Answer, CancelRequested, CommandAwaited, CommandRequested
from lics_actors.device.messages import Admin, CommandState, Link, RequestCommand
from lics_actors.device.reserving import Reservation, taken
from lics_actors.errors import (
    CommandNotFoundError,
    ConflictError,
    DeviceNotEnabledError,
    DeviceNotFoundError,
    DeviceUnavailableError,
    GuaranteeTooWeakError,
    IdempotencyKeyReusedError,
    InterlockTrippedError,
    InvalidError,
    LicsError,
    QueueFullError,
    UnknownCommandError,
)
from lics_actors.store.records import Command, CommandStep, InterlockTripped

LONGEST_S = 86_400.0  # of timeout_s and wait_s: a command is a matter of seconds, a day is a mistake


@dataclass(frozen=True, slots=True)
class Offer:
    """What a request is judged by."""

    link: Link
    admin: Admin
    reason: str | None
    description: Description | None
    tripped: tuple[InterlockTripped, ...] = ()
    reserved: Reservation | None = None


def request(offer: Offer, book: CommandBook, asked: CommandRequested) -> Outcome:
    """Accept a wish, answer it like its twin of the same id, or refuse it."""
    wish, now = asked.request, asked.now
    tracked = book.find(wish.command_id)
    known = tracked.command if tracked else asked.known
    if known is not None:
        return _again(book, asked, known)
    fault = _fault(offer, book, wish)
    spec = _spec(offer, wish)
    if fault is not None or spec is None:
        return book.counted("commands_refused"), [Answer(asked.reply, fault or _unknown(offer, wish))]
    command = Command(
        command_id=wish.command_id,
        device_id=wish.device_id,
        name=wish.name,
        args=dict(wish.args),
        principal=wish.principal,
        idempotent=spec.idempotent,
        actuates=spec.actuates,
        deadline=now + timedelta(seconds=wish.timeout_s),
        steps=(CommandStep(CommandState.ACCEPTED, now),),
        reason=wish.reason,
        run_id=wish.run_id,
        trial_id=wish.trial_id,
        holds=spec.holds,
        safe=_is_safe(offer, wish, spec),
    )
    return commands.accept(book, command, _waiter(asked))


def cancel(book: CommandBook, asked: CancelRequested) -> Outcome:
    """Cancel a command that was not sent yet; a cancelled one is answered as it stands."""
    wish, reply = asked.request, asked.reply
    tracked = book.find(wish.command_id)
    command = tracked.command if tracked else asked.known
    if command is None:
        return book, [Answer(reply, CommandNotFoundError("no such command", command_id=str(wish.command_id)))]
    if command.state is CommandState.CANCELLED:
        return book, [Answer(reply, command)]
    if command.state is not CommandState.ACCEPTED or tracked is None:
        refusal = ConflictError(f"the command is {command.state.value}; only a waiting one can be cancelled")
        return book, [Answer(reply, refusal)]
    why = f"cancelled by {wish.principal}" + (f": {wish.reason}" if wish.reason else "")
    book, cancelled, effects = commands.cancel(book, wish.command_id, asked.now, why)
    return book, [*effects, Answer(reply, cancelled)]


def awaited(book: CommandBook, asked: CommandAwaited) -> Outcome:
    """Let somebody wait for a command; who asks for one that is settled is told how it stood, and asks again."""
    wish = asked.request
    if book.find(wish.command_id) is None:
        return book, [Answer(asked.reply, asked.known)]
    until = asked.now + timedelta(seconds=min(wish.wait_s, LONGEST_S))
    return commands.watch(book, wish.command_id, Waiter(asked.reply, until), asked.now)


def _again(book: CommandBook, asked: CommandRequested, command: Command) -> Outcome:
    wish = asked.request
    if (wish.device_id, wish.name, wish.args) != (command.device_id, command.name, command.args):
        message = f"the command id {wish.command_id} was used for another request"
        return book, [Answer(asked.reply, IdempotencyKeyReusedError(message, command_id=str(wish.command_id)))]
    if book.find(wish.command_id) is None:
        return book, [Answer(asked.reply, command)]
    return commands.watch(book, wish.command_id, _waiter(asked), asked.now)


def _waiter(asked: CommandRequested) -> Waiter:
    wait_s = asked.request.wait_s if asked.request.wait_s > 0 else 0.0  # also where it is no number
    return Waiter(asked.reply, asked.now + timedelta(seconds=min(wait_s, LONGEST_S)))


def _spec(offer: Offer, wish: RequestCommand) -> CommandSpec | None:
    return None if offer.description is None else offer.description.commands.get(wish.name)


def _unknown(offer: Offer, wish: RequestCommand) -> LicsError:
    names = sorted(offer.description.commands) if offer.description else []
    fields = ({"field": "name", "message": f"the device knows: {', '.join(names) or 'no command'}"},)
    return UnknownCommandError(f"the device has no command {wish.name!r}", fields)


def _fault(offer: Offer, book: CommandBook, wish: RequestCommand) -> LicsError | None:
    """Return why a new wish is refused; what its sender can mend comes before what only the device can."""
    if wish.device_id != book.device_id:
        return DeviceNotFoundError("this is another device's actor", device_id=str(wish.device_id))
    if offer.admin is not Admin.ENABLED:
        return DeviceNotEnabledError(f"the device is {_ADMIN_WORDS[offer.admin]}", admin=offer.admin.value)
    malformed = _malformed(wish)
    if malformed:
        return InvalidError("the command is malformed", malformed)
    spec = _spec(offer, wish)
    if spec is None:
        return _unknown(offer, wish) if offer.description else _unavailable(offer, "has not yet said what it can do")
    fields = argument_errors(spec.args, wish.args)
    if fields:
        return InvalidError(f"the arguments do not fit {wish.name!r}", fields)
    if spec.actuates and not spec.idempotent and not book.guarantees.executes_once:
        message = "the device's convention cannot promise that this command runs at most once"
        return GuaranteeTooWeakError(message, command=wish.name)
    if spec.holds and not book.guarantees.honours_leases:
        message = "the device's convention knows no leases, so nobody would end what this command begins if LICS died"
        return GuaranteeTooWeakError(message, command=wish.name)
    safe = _is_safe(offer, wish, spec)
    if offer.reserved is not None and wish.principal != offer.reserved.holder and not safe:
        return taken(offer.reserved)
    if offer.tripped and spec.actuates and not safe:
        return _is_tripped(offer.tripped[0])
    if offer.link in {Link.OFFLINE, Link.STALE}:
        return _unavailable(offer, f"is {offer.link.value}")
    if len(book.waiting) >= commands.MAX_WAITING:
        return QueueFullError(f"{commands.MAX_WAITING} commands wait for the device already")
    return None


def _is_safe(offer: Offer, wish: RequestCommand, spec: CommandSpec) -> bool:
    """Return whether a command makes safe: the device says so, or an interlock that has tripped."""
    return spec.releases or any((wish.name, wish.args) == action for each in offer.tripped for action in each.actions)


def _is_tripped(record: InterlockTripped) -> InterlockTrippedError:
    message = f"interlock {record.interlock!r} of rig {record.rig!r} has tripped: {record.why}; reset it first"
    return InterlockTrippedError(message, interlock=record.interlock, rig=record.rig, rig_id=str(record.rig_id))


def _unavailable(offer: Offer, what: str) -> DeviceUnavailableError:
    why = f" ({offer.reason})" if offer.reason else ""
    return DeviceUnavailableError(f"the device {what}{why}; nothing was sent", link=offer.link.value)


def _malformed(wish: RequestCommand) -> tuple[dict[str, str], ...]:
    faults: list[dict[str, str]] = []
    if not isinstance(wish.args, Mapping):
        faults.append({"field": "args", "message": "is no object"})
    if not 0 < wish.timeout_s <= LONGEST_S:
        faults.append({"field": "timeout_s", "message": f"is not between 0 and {LONGEST_S:g} s"})
    for name in ("name", "principal", "reason"):
        fault = value_fault(getattr(wish, name))
        if fault is not None:
            faults.append({"field": name, "message": fault})
    return tuple(faults)


_ADMIN_WORDS = {Admin.MAINTENANCE: "in maintenance", Admin.QUARANTINED: "quarantined", Admin.RETIRED: "retired"}
