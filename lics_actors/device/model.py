"""What LICS holds to be true of a device. Pure.

Structs, because a command makes a dozen of these: copying one with a change costs 0.5 µs, of a frozen dataclass 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from drivers.protocol import Description, Guarantees
from lics_actors.device.commands import CommandBook
from lics_actors.device.guard import Guard
from lics_actors.device.interlocks import Latch
from lics_actors.device.lease import NOTHING, Leasing
from lics_actors.device.messages import Admin, DeviceSpec, Health, Link, MetricReading, Safety
from lics_actors.device.reserving import Reservation
from lics_actors.store.records import Command

LONGEST_SILENCE_S = 10 * 365 * 86_400.0  # what a larger `silent_s`, or none that is a number, means


class Share(Struct, frozen=True):
    """How much of what broke the contract on one topic was kept since `since`, and only counted since the last kept one."""

    since: datetime
    kept: int = 0
    suppressed: int = 0


class Rejects(Struct, frozen=True):
    """Payloads that broke the contract: all counted, of each topic a few a minute kept."""

    total: int = 0
    topics: Mapping[str, Share] = field(default_factory=dict)


class DeviceState(Struct, frozen=True):
    """What is true of a device now.

    `since` and `reason` belong to the link; `deciding`: when connecting is given up; `heard`: the last message of this
    session; `timer`: the SetTimer under way; `recorded`: the time of the last DeviceChanged.
    """

    spec: DeviceSpec
    guarantees: Guarantees
    incarnation: int
    book: CommandBook
    since: datetime
    link: Link = Link.CONNECTING
    health: Health = Health.OK
    safety: Safety = Safety.SAFE
    reason: str | None = None
    session: bool = False
    epoch: int | None = None
    deciding: datetime | None = None
    heard: datetime | None = None
    last_seen: datetime | None = None
    description: Description | None = None
    metrics: Mapping[str, MetricReading] = field(default_factory=dict)
    rejects: Rejects = field(default_factory=Rejects)
    timer: datetime | None = None
    recorded: datetime | None = None
    lease: Leasing = NOTHING
    guard: Guard | None = None
    latches: tuple[Latch, ...] = ()
    reserved: Reservation | None = None

    @property
    def reachable(self) -> bool:
        """Return whether commands may be published."""
        return self.link is Link.ONLINE and self.spec.admin is Admin.ENABLED

    @property
    def axes(self) -> tuple[Link, Health, Safety, int | None]:
        """Return that of which a change is worth a record."""
        return self.link, self.health, self.safety, self.epoch

    @property
    def leases(self) -> bool:
        """Return whether something is held or moves that a lease lets move, and the device can be told."""
        moves = self.lease.held_until is not None or any(t.command.actuates and not t.command.safe for t in self.book.flying)
        return moves and self.reachable and not self.latches

    @property
    def silent_s(self) -> float:
        """Return after how many seconds without a message the device is stale."""
        silent_s = self.spec.silent_s
        return silent_s if 0 < silent_s < LONGEST_SILENCE_S else LONGEST_SILENCE_S

    @property
    def stale_from(self) -> datetime | None:
        """Return when the device will be stale unless it says something."""
        if self.link is not Link.ONLINE or self.heard is None:
            return None
        return self.heard + timedelta(seconds=self.silent_s)

    def command(self, command_id: UUID) -> Command | None:
        """Return an unsettled command."""
        tracked = self.book.find(command_id)
        return None if tracked is None else tracked.command

    def with_book(self, book: CommandBook) -> DeviceState:
        """Return the state with another book; most messages change none."""
        return self if book is self.book else replace(self, book=book)

    def linked(self, link: Link, now: datetime, reason: str | None = None) -> DeviceState:
        """Return the state with another link."""
        since = self.since if link is self.link else now
        return replace(self, link=link, since=since, reason=reason, deciding=None)

    def counted(self, what: str) -> DeviceState:
        """Return the state with one more of `what` in `book.counts`."""
        return replace(self, book=self.book.counted(what))
