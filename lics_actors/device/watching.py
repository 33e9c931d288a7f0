"""Peers who wait for a device to stand otherwise than they know: told when it does, or when their time is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lics_actors.device.messages import DeviceTwin

MAX_WATCHERS = 20  # a run has one, its next incarnation another

Reply = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class WatchOver:
    """A watcher has waited long enough."""

    serial: int


class Watchers:
    """One device's. A watcher too many is answered at once, the oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[str, Reply]] = {}
        self._serial = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, seen: str, reply: Reply, twin: DeviceTwin) -> WatchOver | None:
        """Have somebody told who knows the device to stand as `seen`; return what is to happen when they have waited long enough,
        None where they are told already."""
        if seen != twin.standing:
            reply(twin)
            return None
        if len(self._waiting) >= MAX_WATCHERS:
            self._waiting.pop(next(iter(self._waiting)))[1](twin)
        self._serial += 1
        self._waiting[self._serial] = (seen, reply)
        return WatchOver(self._serial)

    def looked(self, twin: DeviceTwin) -> None:
        """Tell everybody who knows otherwise."""
        now = twin.standing
        for serial in [serial for serial, (seen, _) in self._waiting.items() if seen != now]:
            self._waiting.pop(serial)[1](twin)

    def over(self, ended: WatchOver, twin: DeviceTwin) -> None:
        """Tell one who has waited long enough."""
        waiting = self._waiting.pop(ended.serial, None)
        if waiting is not None:
            waiting[1](twin)
