"""What a scheduler knows, hears and does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID, uuid5

from lics_actors.schedule.windows import Window

Policy = Literal["skip", "late", "ask"]
LATE: Final = timedelta(hours=1)
BY_ITSELF: Final = "system:schedule"


@dataclass(frozen=True, slots=True)
class Plan:
    """A subject's sessions of an experiment at a rig. `order`: its turn where several are due; `a_day`: not more in a day.

    `since`: when somebody made it so; what was over before then was nobody's. `policy`: what becomes of a session that did not
    begin in its window: skipped, begun `late` after its end, or asked about.
    `reader`: the RFID reader (a device) at which the subject begins its sessions by itself, with its tag; None: the clock does.
    """

    experiment: UUID
    subject: UUID
    rig: UUID
    laboratory: UUID
    zone: tzinfo
    since: datetime
    windows: tuple[Window, ...]
    order: int = 0
    a_day: int = 1
    policy: Policy = "ask"
    late: timedelta = LATE
    reader: UUID | None = None
    tag: str | None = None


class Status(StrEnum):
    """Where a slot stands."""

    WAITING = "waiting"
    LOOKING = "looking"  # pre-flight checks are being made
    STARTING = "starting"  # it was decided; the run is asked for until it is there
    STARTED = "started"
    ASKED = "asked"  # it was missed; a person is to decide
    MISSED = "missed"
    SKIPPED = "skipped"


CLOSED: Final = frozenset({Status.STARTED, Status.MISSED, Status.SKIPPED})


@dataclass(frozen=True, slots=True)
class Slot:
    """A session to be, once. `id` is its run's id; `ordinal` counts the plan's sessions of a date. `again`: when to look anew;
    `until`: so long its run is asked for."""

    id: UUID
    plan: Plan
    date: date
    ordinal: int
    begin: datetime
    end: datetime
    status: Status = Status.WAITING
    why: tuple[str, ...] = ()
    by: str = BY_ITSELF
    again: datetime | None = None
    until: datetime | None = None

    @property
    def last(self) -> datetime:
        """Return until when it may begin by itself."""
        return self.end + self.plan.late if self.plan.policy == "late" else self.end


def run_id(experiment: UUID, subject: UUID, day: date, ordinal: int) -> UUID:
    """Return the id of a slot's run: whoever starts it, and however often, it is the same run."""
    return uuid5(experiment, f"{subject}/{day.isoformat()}/{ordinal}")


@dataclass(frozen=True, slots=True)
class PlansRead:
    """The laboratory's plans, and the slots that have a word said of them already."""

    now: datetime
    plans: tuple[Plan, ...]
    known: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class RunsSeen:
    """The runs that are not over: rig and subject by run."""

    now: datetime
    runs: Mapping[UUID, tuple[UUID, UUID | None]]


@dataclass(frozen=True, slots=True)
class TimeCame:
    """Time goes on."""

    now: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """The pre-flight checks of a slot: what speaks against it, empty where nothing does. `needless`: the day's sessions were
    begun without it, by hand."""

    now: datetime
    slot: UUID
    problems: tuple[str, ...] = ()
    needless: bool = False


@dataclass(frozen=True, slots=True)
class Began:
    """The run is there."""

    now: datetime
    slot: UUID


@dataclass(frozen=True, slots=True)
class BeginFailed:
    """The run is not known to be there. `final`: it was refused, and never will be; `turned_away`: it surely is not there, and
    may be another time: its rig was taken in between, say."""

    now: datetime
    slot: UUID
    why: str
    final: bool = False
    turned_away: bool = False


@dataclass(frozen=True, slots=True)
class TagRead:
    """A reader saw a tag."""

    now: datetime
    reader: UUID
    tag: str


@dataclass(frozen=True, slots=True)
class SkipAsked:
    """A person wants a session left out."""

    now: datetime
    slot: UUID
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class StartAsked:
    """A person wants a session begun now, also outside its window; checks are made all the same."""

    now: datetime
    slot: UUID
    by: str


Event = PlansRead | RunsSeen | TimeCame | Looked | Began | BeginFailed | TagRead | SkipAsked | StartAsked


@dataclass(frozen=True, slots=True)
class Look:
    """Make the pre-flight checks of a slot, and tell `Looked`."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Keep:
    """Write down how a slot stands: durably, before what follows in the same list."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin the run of a slot, whose id says which; the same again does no harm. Tell `Began` or `BeginFailed`."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Tell:
    """A person must know: a session did not begin. `over`: no longer."""

    slot: Slot
    message: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class NoteTag:
    """A tag was seen that begins nothing here."""

    now: datetime
    reader: UUID
    tag: str
    why: str


Effect = Look | Keep | Begin | Tell | NoteTag


@dataclass(frozen=True, slots=True)
class State:
    """What a scheduler knows. `slots`: by id; `runs`: those not over; `tags`: when which was last seen at a reader."""

    plans: tuple[Plan, ...] = ()
    slots: Mapping[UUID, Slot] = field(default_factory=dict)
    runs: Mapping[UUID, tuple[UUID, UUID | None]] = field(default_factory=dict)
    tags: Mapping[tuple[UUID, str], datetime] = field(default_factory=dict)
    seen: bool = False  # whether anybody has told of the runs: nothing is begun before
