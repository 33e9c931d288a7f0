"""A device as LICS knows it, and the rules by which that changes: `reduce(state, event) -> (state, effects)`. Pure.

Decisions beyond contracts.md:

- A stale or offline device is refused new commands at once; a connecting one keeps them waiting until their deadline.
- A device whose boots start again from a lower number (replaced hardware) is fenced off until somebody sets it to
  maintenance, which forgets the epoch.
- Leaving `enabled` cancels the commands that wait; those in flight stay followed.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from msgspec.structs import replace

from lics_actors.device import commands, hearing, requests, safety
from lics_actors.device.commands import Tracked
from lics_actors.device.events import (
    ActorStarted,
    ActorStopping,
    Answer,
    CancelRequested,
    CommandAwaited,
    CommandRequested,
    CommandsAdopted,
    CommandUnsayable,
    DescriptionKnown,
    DeviceEvent,
    Effect,
    Keep,
    ListeningResumed,
    MemoryLost,
    MessageDecoded,
    MessageRefused,
    PeerDecoded,
    PublishCommand,
    ReservationChanged,
    ResetRequested,
    SessionLost,
    SessionOpened,
    SetTimer,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.messages import Admin, DeviceSpec, Link
from lics_actors.device.model import DeviceState
from lics_actors.device.reserving import standing
from lics_actors.store.records import DeviceChanged

PRESENCE_S = 3.0  # a retained status follows the subscription within milliseconds; amqtt under load took 0.5 s


Outcome = tuple[DeviceState, list[Effect]]


def reduce(state: DeviceState, event: DeviceEvent) -> Outcome:
    """Return what the device is after `event`, and what is to be done, in this order.

    Never raises: whatever devices and peers say arrives here.
    """
    before, first = state, list[Effect]()
    if state.guard is not None or state.latches or isinstance(event, SpecChanged | MemoryLost):
        state, first = safety.watched(state, event)
    state, effects = _elapse(state, event.now)
    elapsed = state
    state, more = _heard_of(state, event)
    effects = [*first, *effects, *more]
    if state.reachable:
        again = not elapsed.reachable or state.epoch != elapsed.epoch
        if state.latches:
            state, more = safety.made_safe(state, event.now, again=again)
            effects += more
        again = again or bool(elapsed.latches and not state.latches)
        just_said = {e.command.command_id for e in effects if isinstance(e, PublishCommand)} if again else ()
        state, more = _sent(state, event.now, again, commands.newly_doubtful(before.book, state.book), just_said)
        effects += more
    state, effects = safety.followed(before, state, effects, event.now)
    if isinstance(event, CommandRequested) and event.request.once_said:
        effects = _answered_last(state, event, effects)
    if state.axes != before.axes or isinstance(event, ActorStarted):
        # A message's time is its arrival's, and its event may come behind a later one of the actor's own; the record of a
        # device never runs backwards, or its newest state would count as an old one.
        state = replace(state, recorded=max(event.now, state.recorded or event.now))
        effects.insert(0, Keep(_changed(state, state.recorded or event.now)))
    return _timed(state, effects)


def _heard_of(state: DeviceState, event: DeviceEvent) -> Outcome:
    match event:
        case ActorStarted(now):
            return state.linked(Link.CONNECTING, now, "the device's actor has started"), []
        case ActorStopping(now):
            book, effects = commands.answer_everybody(state.book)
            return replace(state, book=book, session=False).linked(Link.CONNECTING, now, "the fleet has stopped"), effects
        case SessionOpened(now):
            wait_s = PRESENCE_S if state.guarantees.reports_presence else state.silent_s
            state = replace(state, session=True, heard=None).linked(Link.CONNECTING, now, "waiting to hear of the device")
            return replace(state, deciding=now + timedelta(seconds=wait_s)), []
        case SessionLost(now, reason):
            return replace(state, session=False).linked(Link.CONNECTING, now, f"no connection to the broker: {reason}"), []
        case MessageDecoded(now, decoded, retained):
            return hearing.said(state, decoded, now, retained)
        case PeerDecoded() | MemoryLost():
            return state, []
        case ReservationChanged(reserved=reserved):
            return replace(state, reserved=reserved), []
        case CommandAwaited():
            book, effects = requests.awaited(state.book, event)
            return replace(state, book=book), effects
        case ResetRequested():
            return safety.reset(state, event)
        case ListeningResumed(now):
            return state if state.heard is None else replace(state, heard=max(now, state.heard)), []
        case MessageRefused():
            return hearing.refused(state, event)
        case DescriptionKnown(now, description):
            return hearing.described(state, description, now)
        case CommandRequested():
            book, effects = requests.request(_offer(state, event.now), state.book, event)
            return replace(state, book=book), effects
        case CancelRequested():
            book, effects = requests.cancel(state.book, event)
            return replace(state, book=book), effects
        case CommandsAdopted(now, adopted):
            book, effects = commands.adopt(state.book, adopted, now)
            return replace(state, book=book), effects
        case CommandUnsayable(now, command, reason):
            book, effects = commands.unsayable(state.book, command.command_id, now, reason)
            return replace(state, book=book), effects
        case SpecChanged(now, spec):
            return _specified(state, spec, now)
        case TimerFired():
            return replace(state, timer=None), []
        case _:
            assert_never(event)


def _elapse(state: DeviceState, now: datetime) -> Outcome:
    """Let time pass before anything else is heard."""
    if state.deciding is not None and state.deciding <= now:
        state = state.linked(Link.OFFLINE, now, "nothing was heard of the device since the broker was reached")
    silent = state.stale_from
    if silent is not None and silent <= now:
        state = state.linked(Link.STALE, now, f"silent for {state.silent_s:g} s")
    book, effects = commands.elapse(state.book, now)
    return state.with_book(book), effects


def _sent(state: DeviceState, now: datetime, again: bool, doubtful: list[Tracked], just_said: Container[UUID]) -> Outcome:
    """Say to the device what is to be said: first what it was told before, then what is new."""
    if again:
        book, effects = commands.reconcile(state.book, now, just_said)
    else:
        book, effects = commands.ask(state.book, doubtful, now)
    book, more = commands.dispatch(book, now, state.epoch)
    return state.with_book(book), [*effects, *more]


def _specified(state: DeviceState, spec: DeviceSpec, now: datetime) -> Outcome:
    effects: list[Effect] = []
    if spec.admin is not Admin.ENABLED and state.spec.admin is Admin.ENABLED:
        book, effects = commands.cancel_waiting(state.book, now, f"the device went to {spec.admin.value}")
        state = replace(state, book=book)
    if spec.admin is Admin.MAINTENANCE:
        state = replace(state, epoch=None)
    return replace(state, spec=spec), effects


def _offer(state: DeviceState, now: datetime) -> requests.Offer:
    return requests.Offer(
        state.link,
        state.spec.admin,
        state.reason,
        state.description,
        tuple(each.record for each in state.latches),
        standing(state.reserved, now),
    )


def _changed(state: DeviceState, now: datetime) -> DeviceChanged:
    link, health, word, epoch = state.axes
    return DeviceChanged(state.spec.device_id, now, link.value, health.value, word.value, epoch, state.reason)


def _answered_last(state: DeviceState, asked: CommandRequested, effects: list[Effect]) -> list[Effect]:
    """Return the effects with the answer to a request behind all else, and the command in it as it stands by then."""
    command = state.command(asked.request.command_id)
    answers = [each for each in effects if isinstance(each, Answer) and each.reply == asked.reply]
    if command is None or not answers:
        return effects
    return [*(each for each in effects if each not in answers), Answer(asked.reply, command)]


def _timed(state: DeviceState, effects: list[Effect]) -> Outcome:
    """Order one timer, only where it must ring earlier than the one under way: each message would move it else."""
    times = [*commands.deadlines(state.book), *(t for t in (state.deciding, state.stale_from) if t is not None)]
    times += safety.times(state)
    if times and (state.timer is None or min(times) < state.timer):
        state = replace(state, timer=min(times))
        effects = [*effects, SetTimer(min(times))]
    return state, effects
