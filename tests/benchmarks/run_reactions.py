"""How long runs took from a device's event to what they said to a device, as an outside client heard both. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from lics_actors.experiment.messages import DeviceSaid, SendCommand
from lics_actors.store.run_records import RunStepped
from tests.benchmarks.run_observer import Observed, event_key


def reactions_ms(steps: Iterable[RunStepped], roles: Mapping[str, UUID], observed: Observed) -> tuple[list[float], int]:
    """Return the milliseconds of each reaction, and how many could not be measured since one end was not heard.

    A reaction: a step whose event a device said and that had commands sent; its time ends with the first of these.
    """
    heard: dict[str, list[int]] = {}
    for at, key in observed.events:
        heard.setdefault(key, []).append(at)
    found, unknown = [], 0
    for step in steps:
        sent = [effect for effect in step.effects if isinstance(effect, SendCommand) and effect.id not in step.barred]
        if not sent or not isinstance(step.event, DeviceSaid) or step.event.role not in roles:
            continue
        left = min((at for each in sent if (at := observed.commands.get(str(each.id))) is not None), default=None)
        key = event_key(str(roles[step.event.role]), step.event.event, step.event.data)
        began = None if left is None else _last_before(heard.get(key, ()), left)
        if left is None or began is None:
            unknown += 1
        else:
            found.append((left - began) / 1000)
    return found, unknown


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which `part` of them lie (nearest rank); 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def _last_before(times: Sequence[int], moment: int) -> int | None:
    place = bisect_right(times, moment)
    return times[place - 1] if place else None
