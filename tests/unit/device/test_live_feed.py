"""What a device's actor tells viewers: each command as far as it is journaled, the twin when it changes, at little cost."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from drivers.registry import driver
from lics_actors.device import live as feeds
from lics_actors.device.live import LiveFeed, moved
from lics_actors.device.messages import Admin, CommandState, DeviceSpec, Health, Link
from lics_actors.device.model import DeviceState
from lics_actors.device.twin import restored
from lics_actors.live.messages import CommandLive, DeviceLive, LiveMessage, command_topic, device_topic
from lics_actors.store.records import Command, CommandAccepted, CommandMoved, CommandStep, DeviceChanged

DEVICE = UUID(int=5)
SPEC = DeviceSpec(DEVICE, "pump", "pump", "native", {})
NOW = datetime(2026, 11, 23, tzinfo=UTC)
LIFE = (CommandState.DISPATCHED, CommandState.DELIVERED, CommandState.EXECUTING, CommandState.SUCCEEDED)


class Bus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.said: list[tuple[float, str, LiveMessage]] = []
        self.heard, self.broken = False, list[str]()
        self.now: Callable[[], float] = lambda: 0.0

    def publish(self, topic: str, message: LiveMessage, keep: bool) -> None:
        assert keep
        self.said.append((self.now(), topic, message))

    def lost(self, topic: str) -> None:
        self.broken.append(topic)


class Clock:
    """A loop whose time passes when told."""

    def __init__(self) -> None:
        self.now = 100.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, what: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._due, (when, self._serial, what))

    def call_later(self, delay_s: float, what: Callable[[], None]) -> None:
        self.call_at(self.now + delay_s, what)

    def passes(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            self.now, _, what = heapq.heappop(self._due)
            what()
        self.now = until


class Bench:
    """A feed over a bus and a clock of the test's."""

    def __init__(self) -> None:
        self.bus, self.clock, self.journal = Bus(), Clock(), dict[UUID, Command]()
        self.bus.now = self.clock.time
        bus: Any = self.bus
        loop: Any = lambda: self.clock  # noqa: E731
        self.feed = LiveFeed(bus, DEVICE, lambda what, *arguments: what(*arguments), self.journal.get, loop)

    def runs(self, command: Command, *states: CommandState) -> None:
        for state in states:
            n = len(command.steps)
            step = CommandStep(state, NOW)
            command = replaced(command, step)
            self.journal[command.command_id] = command
            self.feed.recorded(CommandMoved(command.command_id, DEVICE, n, step))

    def accepts(self) -> Command:
        step = CommandStep(CommandState.ACCEPTED, NOW)
        command = Command(uuid4(), DEVICE, "feed", {}, "user:1", False, True, NOW, (step,))
        self.journal[command.command_id] = command
        self.feed.recorded(CommandAccepted(command))
        return command

    def told(self, topic: str = device_topic(DEVICE)) -> list[LiveMessage]:
        return [message for _, where, message in self.bus.said if where == topic]

    def states(self) -> list[list[str]]:
        return [
            [step.state.value for step in message.command.steps] for message in self.told() if isinstance(message, CommandLive)
        ]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def replaced(command: Command, step: CommandStep) -> Command:
    found = moved(command, CommandMoved(command.command_id, DEVICE, len(command.steps), step))
    assert found is not None
    return found


def state(**changes: Any) -> DeviceState:
    first = restored(SPEC, driver("native").guarantees, 1, NOW, twin=None, unsettled=[])
    return structs.replace(first, **changes)


def test_a_quick_command_is_told_once_on_both_topics(bench: Bench) -> None:
    command = bench.accepts()
    bench.runs(command, *LIFE)
    bench.clock.passes(0.1)
    assert bench.states() == [["accepted", "dispatched", "delivered", "executing", "succeeded"]]
    assert bench.told() == bench.told(command_topic(command.command_id))


def test_a_slow_command_is_told_as_it_goes_where_somebody_listens(bench: Bench) -> None:
    bench.bus.heard = True
    command = bench.accepts()
    bench.runs(command, *LIFE[:3])
    bench.clock.passes(0.1)
    bench.runs(bench.journal[command.command_id], LIFE[3])
    bench.clock.passes(feeds.LINGER_S)
    assert [len(each) for each in bench.states()] == [4, 5]


def test_nobody_costs_little_and_misses_nothing(bench: Bench) -> None:
    for _ in range(100):
        bench.runs(bench.accepts(), *LIFE)
        bench.clock.passes(0.02)
    batches = {at for at, _, _ in bench.bus.said}
    assert len(batches) <= 2 / feeds.UNHEARD_S + 1
    bench.clock.passes(1)
    assert len(bench.states()) == 100
    bench.bus.said.clear()
    bench.runs(bench.accepts(), *LIFE)
    bench.clock.passes(feeds.LINGER_S)
    assert len(bench.states()) == 1, "after a pause nobody waits"


def test_a_burst_is_told_before_it_is_too_much(bench: Bench) -> None:
    bench.runs(bench.accepts(), *LIFE)
    bench.clock.passes(0.01)
    for _ in range(feeds.MAX_UNTOLD):
        bench.runs(bench.accepts(), *LIFE)
    bench.clock.passes(1)
    assert bench.states() == [["accepted", "dispatched", "delivered", "executing", "succeeded"]] * (feeds.MAX_UNTOLD + 1)


def test_a_command_of_an_earlier_incarnation_is_looked_up(bench: Bench) -> None:
    command = bench.accepts()
    bench.runs(command, CommandState.DISPATCHED, CommandState.INDETERMINATE)
    bench.clock.passes(1)
    bench.runs(bench.journal[command.command_id], CommandState.SUCCEEDED)  # the ledger settled it
    bench.clock.passes(1)
    assert [each[-1] for each in bench.states()] == ["indeterminate", "succeeded"]
    bench.feed.recorded(CommandMoved(uuid4(), DEVICE, 3, CommandStep(CommandState.FAILED, NOW)))
    bench.clock.passes(1)
    assert len(bench.states()) == 2, "one that no journal has is passed over"


def test_a_journal_that_fails_is_not_the_feeds_business(bench: Bench) -> None:
    bench.feed._journalled = lambda _: 1 / 0  # type: ignore[assignment, return-value]
    bench.feed.recorded(CommandMoved(uuid4(), DEVICE, 3, CommandStep(CommandState.FAILED, NOW)))
    bench.feed.recorded(DeviceChanged(DEVICE, NOW, "online", "ok", "safe"))
    bench.clock.passes(1)
    assert bench.bus.said == []


def test_open_commands_without_end_are_not_gathered(bench: Bench) -> None:
    commands = [bench.accepts() for _ in range(3 * feeds.MAX_OPEN)]
    bench.clock.passes(1)
    assert len(bench.feed._open) <= feeds.MAX_OPEN and len(bench.feed._told_of) <= feeds.MAX_OPEN
    bench.bus.said.clear()
    for command in commands:
        bench.runs(command, CommandState.EXPIRED)
    bench.clock.passes(1)
    assert bench.states() == [["accepted", "expired"]] * len(commands)


def test_the_twin_is_told_when_it_changes_and_not_too_often(bench: Bench) -> None:
    for changed in (state(), state(), state(last_seen=NOW), state(heard=NOW)):
        bench.feed.looked(changed)
    bench.clock.passes(1)
    assert len(bench.told()) == len(bench.told("fleet")) == 1
    for n in range(100):
        bench.feed.looked(state(link=(Link.ONLINE, Link.OFFLINE)[n % 2]))
        bench.clock.passes(0.01)
    bench.clock.passes(1)
    assert len(bench.told()) <= 1 + 1 / feeds.TWIN_EVERY_S + 2
    last = bench.told()[-1]
    assert isinstance(last, DeviceLive)
    assert (last.link, last.status) == (Link.OFFLINE, "offline")


@pytest.mark.parametrize(
    "change",
    [
        {"link": Link.ONLINE},
        {"health": Health.FAULT},
        {"epoch": 3},
        {"reason": "the broker is away"},
        {"spec": replace(SPEC, admin=Admin.MAINTENANCE)},
    ],
    ids=str,
)
def test_each_change_that_people_see_is_told(bench: Bench, change: dict[str, Any]) -> None:
    bench.feed.looked(state())
    bench.clock.passes(1)
    bench.feed.looked(state(**change))
    bench.clock.passes(1)
    assert len(bench.told()) == 2


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_step_is_taken_only_in_its_place(have: int, n: int) -> None:
    steps = tuple(CommandStep(CommandState.EXECUTING, NOW) for _ in range(have))
    command = Command(DEVICE, DEVICE, "feed", {}, "user:1", False, True, NOW, steps, epoch=1)
    found = moved(command, CommandMoved(DEVICE, DEVICE, n, CommandStep(CommandState.FAILED, NOW)))
    assert (found is None) == (have != n)
    assert found is None or (len(found.steps), found.epoch) == (n + 1, 1)
