"""The safety axis of a device: interlocks before anything else an event does, leases after all of it. Pure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from lics_actors.device import commands, interlocks, lease
from lics_actors.device.events import (
    ActorStarted,
    DeviceEvent,
    Effect,
    Keep,
    MemoryLost,
    MessageDecoded,
    PeerDecoded,
    PublishCommand,
    RenewLease,
    ResetRequested,
    SessionLost,
    SessionOpened,
    SpecChanged,
)
from lics_actors.device.guard import Guard, connected, guard_of, observed
from lics_actors.device.interlocks import Latch
from lics_actors.device.lease import LEASE
from lics_actors.device.messages import Admin, Safety
from lics_actors.device.model import DeviceState
from lics_actors.store.records import AlarmCleared, InterlockReset, LeaseLost

UNDECLARED = "no rig declares it any more, and the device went to maintenance"
Outcome = tuple[DeviceState, list[Effect]]


def watched(state: DeviceState, event: DeviceEvent) -> Outcome:
    """Return the device after its interlocks have judged an event, with the effects that go before all others."""
    now, effects = event.now, list[Effect]()
    if isinstance(event, SpecChanged):
        state, effects = _declared(state, event)
    guard, latches, book = state.guard, state.latches, state.book
    spec = event.spec if isinstance(event, SpecChanged) else state.spec
    if isinstance(event, MemoryLost):
        records = interlocks.forgotten(guard, latches, spec, now)
        book, more = interlocks.latched(book, spec, records, now)
        latches, effects = (*latches, *map(Latch, records)), [*effects, *more]
    if isinstance(event, ActorStarted) and latches:
        book, effects = commands.bar(book, now, f"interlock {latches[0].record.interlock!r} has tripped")
    if guard is not None:
        guard = _observed(guard, event, spec.device_id)
        guard, latches, book, more = interlocks.tripped(guard, latches, book, spec, now)
        effects += more
    fresh = len(latches) > len(state.latches)
    state = replace(state, guard=guard, latches=latches, book=book)
    if fresh and state.reachable:
        state, more = made_safe(state, now, again=False)
        effects += more
    return state, effects


def made_safe(state: DeviceState, now: datetime, *, again: bool) -> Outcome:
    """Say what makes a tripped device safe, where it is time. `again`: the device has come back."""
    latches, book, effects = interlocks.made_safe(
        state.latches,
        state.book,
        now,
        state.epoch,
        state.description,
        again=again,
        incarnation=state.incarnation,
    )
    return replace(state, latches=latches, book=book), effects


def reset(state: DeviceState, asked: ResetRequested) -> Outcome:
    """Take a person's word that a device may go on."""
    latches, book, effects = interlocks.reset(state.guard, state.latches, state.book, asked)
    return replace(state, latches=latches, book=book), effects


def followed(before: DeviceState, state: DeviceState, effects: list[Effect], now: datetime) -> Outcome:
    """Follow what is held and what was made safe, renew the lease, and say where the device stands."""
    if state.latches:
        state = replace(state, latches=interlocks.confirmed(state.latches, effects))
    if state.guarantees.honours_leases and not _at_rest(before, state, effects, now):
        state, effects = _leased(before, state, effects, now)
    word = Safety.TRIPPED if state.latches else Safety.ARMED if state.guard or state.lease.held_until else Safety.SAFE
    return (state if word is state.safety else replace(state, safety=word)), effects


def times(state: DeviceState) -> list[datetime]:
    """Return when time next has something to do here."""
    found: list[datetime] = []
    if state.lease.expires is not None and (state.book.flying or state.lease.held_until is not None):
        found = lease.times(state.lease, state.leases)
    if state.guard is not None or state.latches:
        found += interlocks.times(state.guard, state.latches if state.reachable else ())
    return found


def _leased(before: DeviceState, state: DeviceState, effects: list[Effect], now: datetime) -> Outcome:
    entitled = state.spec.admin is Admin.ENABLED and not state.latches and before.epoch in {None, state.epoch}
    kept, lost = lease.passed(state.lease, now, entitled)
    kept = lease.followed(kept, effects, before.command, now)
    kept = kept if entitled or kept.held_until is None else replace(kept, held_until=None)
    if lost:
        effects = [*effects, Keep(LeaseLost(state.spec.device_id, now, state.lease.expires or now))]
    state = replace(state, lease=kept)
    if lease.due(kept, now) and state.leases:
        state, effects = replace(state, lease=replace(kept, expires=now + LEASE)), [*effects, RenewLease(now + LEASE)]
    return state, effects


def _at_rest(before: DeviceState, state: DeviceState, effects: list[Effect], now: datetime) -> bool:
    """Return whether this event has nothing to do with leases, as nearly all have."""
    if state.lease.held_until is not None or lease.due(state.lease, now):
        return False
    if any(type(effect) is PublishCommand for effect in effects):
        return False
    return not any(tracked.command.holds for tracked in (*before.book.flying, *before.book.doubtful))


def _observed(guard: Guard, event: DeviceEvent, own: UUID) -> Guard:
    match event:
        case MessageDecoded(now, decoded, retained):
            return observed(guard, own, decoded, now, retained)
        case PeerDecoded(now, device_id, decoded, retained):
            return observed(guard, device_id, decoded, now, retained)
        case SessionOpened(now):
            return connected(guard, now)
        case SessionLost():
            return connected(guard, None)
        case _:
            return guard


def _declared(state: DeviceState, changed: SpecChanged) -> Outcome:
    """Take over what rigs declare now. What has tripped stays, but for what nobody declares of a device in maintenance."""
    spec, now = changed.spec, changed.now
    guard = state.guard if spec.rigs == state.spec.rigs else guard_of(spec, state.guard)
    latches = interlocks.declared(guard, state.latches) if spec.admin is Admin.MAINTENANCE else state.latches
    effects: list[Effect] = [
        Keep(InterlockReset(spec.device_id, now, each.record.rig_id, each.record.interlock, "system:device", UNDECLARED), True)
        for each in state.latches
        if each not in latches
    ]
    book = state.book
    if state.latches and not latches:
        book = commands.unbar(book)
        effects.append(Keep(AlarmCleared(now, f"device:{spec.device_id}", interlocks.ALARM)))
    return replace(state, guard=guard, latches=latches, book=book), effects
