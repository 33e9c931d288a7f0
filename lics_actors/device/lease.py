"""Leases: how long a device may hold its actuators without a further word of LICS. Pure.

What holds (tests/unit/device/test_lease_properties.py):

- An actuating command carries a lease, unless all it does is make safe. Renewals go on while one is in flight or something is
  held, the device is online and enabled and no interlock has tripped; they stop with the actor, whatever ends it.
- What ended does not begin again by itself: a lease that ran out, a reboot of the device, and losing the right to hold end the
  hold, since the device has let go by then, or is about to.
- Expiry is absolute, in UTC (contracts.md, section 1), so clocks matter: a device whose clock is ahead by more than a lease
  refuses (`lease_expired`), which is the safe side; one whose clock is behind believes no lease for longer than ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lics_actors.device.events import Effect, Keep, PublishCommand
from lics_actors.device.messages import CommandState
from lics_actors.store.records import Command, CommandMoved

# Long enough for an actor to be started again (1 s) and for two renewals to be lost; short enough for an open valve.
LEASE: Final = timedelta(seconds=5)
RENEW: Final = LEASE / 3
UNRENEWED: Final = LEASE - RENEW
HOLD_S: Final = "hold_s"  # the argument by which a holding command says for how many seconds
FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Leasing(Struct, frozen=True):
    """`expires`: of the last lease said, None where it is over; `held_until`: something is held, and is to be until then."""

    expires: datetime | None = None
    held_until: datetime | None = None

    @property
    def kept(self) -> Leasing | None:
        """Return what the next incarnation must know; None where nothing is held."""
        return None if self.held_until is None else self


NOTHING: Final = Leasing()


def passed(lease: Leasing, now: datetime, entitled: bool) -> tuple[Leasing, bool]:
    """Return the lease after time has passed, and whether it ran out, or was lost, under something that was to be held."""
    if lease.held_until is not None and not entitled:
        return replace(lease, held_until=None), True
    if lease.expires is not None and lease.expires <= now:
        return NOTHING, lease.held_until is not None and lease.held_until > lease.expires
    if lease.held_until is not None and lease.held_until <= now:
        return replace(lease, held_until=None), False
    return lease, False


def followed(lease: Leasing, effects: Sequence[Effect], before: Callable[[UUID], Command | None], now: datetime) -> Leasing:
    """Return the lease after what is said to the device and what it said; `before`: the unsettled commands as they were."""
    for effect in effects:
        match effect:
            case PublishCommand(safe=True):
                lease = replace(lease, held_until=None)
            case PublishCommand(lease=datetime() as expires):
                lease = replace(lease, expires=expires)
            case Keep(CommandMoved(command_id=command_id, step=step)) if step.state is CommandState.SUCCEEDED:
                command = before(command_id)
                if command is not None and command.holds and lease.expires is not None:
                    lease = replace(lease, held_until=max(lease.held_until or now, _until(command.args, now)))
            case _:
                pass
    return lease


def due(lease: Leasing, now: datetime) -> bool:
    """Return whether it is time to renew, where something is held or moves and the device can be told."""
    return lease.expires is not None and now >= lease.expires - UNRENEWED


def times(lease: Leasing, wanted: bool) -> list[datetime]:
    """Return when time next has something to do here."""
    found = [lease.expires - UNRENEWED] if wanted and lease.expires is not None else []
    if lease.held_until is not None and lease.expires is not None:
        found += [lease.expires, lease.held_until]
    return found


def said(holder: str, expires: datetime) -> dict[str, Any]:
    """Return a lease as a command carries it."""
    return {"holder": holder, "expires": expires.isoformat(timespec="microseconds")}


def _until(args: Mapping[str, Any], now: datetime) -> datetime:
    seconds = args.get(HOLD_S)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < (FOREVER - now).total_seconds():
        return FOREVER
    return now + timedelta(seconds=seconds)
