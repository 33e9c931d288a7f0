"""A device after the wall clock was set: what is waited for comes when it would have come. Pure.

Deadlines, silences, interlocks' windows and leases are spans of real time that are kept as times of day. When the clock is set
by so much, they move with it: nothing runs out by it, and no interlock is put off. What was recorded stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields, replace

from lics_actors.device.commands import CommandBook, Tracked
from lics_actors.device.interlocks import Latch
from lics_actors.device.lease import FOREVER
from lics_actors.device.model import DeviceState

Value = TypeVar("Value")


def stepped(state: DeviceState, by: timedelta) -> DeviceState:
    """Return the device as of after the step."""
    return replace(
        state,
        book=_book(state.book, by),
        deciding=moved(state.deciding, by),
        heard=moved(state.heard, by),
        timer=moved(state.timer, by),
        lease=moved(state.lease, by),
        guard=moved(state.guard, by),
        latches=tuple(_latch(latch, by) for latch in state.latches),
        reserved=moved(state.reserved, by),
    )


def moved(value: Value, by: timedelta) -> Value:
    """Return a value with every time in it moved; FOREVER stays."""
    result: Any = value
    match value:
        case datetime():
            result = value if value == FOREVER else value + by
        case Struct():
            result = replace(value, **{each.name: moved(getattr(value, each.name), by) for each in fields(value)})
        case Mapping():
            result = {name: moved(each, by) for name, each in value.items()}
        case tuple():
            result = tuple(moved(each, by) for each in value)
        case _:
            pass
    return result  # type: ignore[no-any-return]


def _latch(latch: Latch, by: timedelta) -> Latch:
    return replace(latch, again=moved(latch.again, by))


def _book(book: CommandBook, by: timedelta) -> CommandBook:
    def waits(those: tuple[Tracked, ...]) -> tuple[Tracked, ...]:
        return tuple(replace(t, slip=t.slip + by, waiters=moved(t.waiters, by)) for t in those)

    return replace(book, waiting=waits(book.waiting), flying=waits(book.flying), asked_until=moved(book.asked_until, by))
