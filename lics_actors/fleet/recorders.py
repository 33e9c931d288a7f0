"""Several Recorders: their names and folders, and when one may give up what another has taken over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from lics_actors.fleet.messages import FleetSpec, RecorderSpec

RECORDER = "recorder"
SPOOL = "spool"


def recorder_name(number: int) -> str:
    """Return the name of a recorder: of its node, its alarms and its session. The first has the name it had when it was alone."""
    return RECORDER if number == 1 else f"{RECORDER}-{number}"


def spool_name(number: int) -> str:
    """Return the name of a recorder's folder in the data directory."""
    return SPOOL if number == 1 else f"{SPOOL}-{number}"


def recorder_number(name: str) -> int | None:
    """Return a recorder's number by the name of its node, None where it is not one's."""
    return _number(name, RECORDER)


def retired_numbers(folders: Iterable[str], recorders: int) -> list[int]:
    """Return the recorders that are no longer configured, by the folders of the data directory: they hold what was theirs."""
    found = {_number(name, SPOOL) for name in folders}
    return sorted(number for number in found if number is not None and number > recorders)


def recorder_spec(fleet: FleetSpec, number: int, journal_dir: str) -> RecorderSpec:
    """Return what a recorder is to be. The quota is a promise about the disk, so those that are configured share it."""
    return RecorderSpec(
        broker=fleet.broker,
        spool_dir=str(PurePath(fleet.data_dir) / spool_name(number)),
        journal_dir=journal_dir,
        database_url=fleet.database_url,
        spool_quota_bytes=fleet.spool_quota_bytes // fleet.recorders,
        name=recorder_name(number),
        part=number,
        parts=fleet.recorders,
        lag_alarm_s=fleet.lag_alarm_s,
        broker_queue=fleet.broker_queue,
        redis_url=fleet.redis_url,
    )


def _number(name: str, first: str) -> int | None:
    if name == first:
        return 1
    head, dash, number = name.rpartition("-")
    usable = head == first and dash and number.isascii() and number.isdigit() and number[0] != "0" and number != "1"
    return int(number) if usable else None


@dataclass(frozen=True, slots=True)
class Handover:
    """Who has taken up what is his since the fleet began.

    Every device's data is in somebody's subscription at any time: a recorder gives up what it no longer records only once all
    configured ones have subscribed to all that the laboratory's list (`since`: its serial) gives them. Until then some messages
    are recorded by two, and the tables' unique indexes keep one of them.
    """

    configured: tuple[str, ...]
    retiring: tuple[str, ...] = ()
    since: int | None = None  # the serial of the first list that was read from the database
    taken: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def among(recorders: int, folders: Iterable[str]) -> Handover:
        """Return the state at the start, for so many recorders and the folders of the data directory."""
        configured = tuple(recorder_name(number) for number in range(1, recorders + 1))
        return Handover(configured, tuple(recorder_name(number) for number in retired_numbers(folders, recorders)))

    @property
    def done(self) -> bool:
        """Return whether everybody may give up what is not his. Alone, there is nobody to wait for."""
        if len(self.configured) == 1 and not self.retiring:
            return True
        return self.since is not None and all(self.taken.get(name, -1) >= self.since for name in self.configured)

    def told(self, serial: int) -> Handover:
        """Return the state after the first complete list went out under `serial`; later ones change nothing."""
        return self if self.since is not None else replace(self, since=serial)

    def took(self, name: str, serial: int) -> Handover:
        """Return the state after a recorder said that it has subscribed to all of the list `serial`."""
        return replace(self, taken={**self.taken, name: max(serial, self.taken.get(name, -1))})
