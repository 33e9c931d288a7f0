"""Reactions are told from what an outside client heard: each from its own event to the first command it caused."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from lics_actors.experiment.messages import DeviceSaid, Effect, Event, SendCommand, TimerFired
from lics_actors.store.run_records import RunStepped
from tests.benchmarks.run_observer import Observed, event_key
from tests.benchmarks.run_reactions import reactions_ms, share

RUN, PANEL = uuid4(), uuid4()
FIRST, SECOND = UUID(int=1), UUID(int=2)


def step(event: Event, *effects: Effect, barred: dict[UUID, str] | None = None) -> RunStepped:
    return RunStepped(RUN, 0, datetime.now(UTC), event, effects, barred=barred or {})


def touch(x: int) -> DeviceSaid:
    return DeviceSaid(1.0, "panel", "touch", {"x": x, "image": None})


def say(command_id: UUID) -> SendCommand:
    return SendCommand(command_id, "panel", "clear_screen", {}, 1)


def key(x: int) -> str:
    return event_key(str(PANEL), "touch", {"image": None, "x": x})


def test_a_reaction_lasts_from_the_latest_such_event_to_the_first_command() -> None:
    observed = Observed([(1_000, key(5)), (50_000, key(5)), (99_000, key(5))], {str(FIRST): 53_000, str(SECOND): 52_500})
    assert reactions_ms([step(touch(5), say(FIRST), say(SECOND))], {"panel": PANEL}, observed) == ([2.5], 0)


def test_what_is_no_reaction_to_a_device_does_not_count() -> None:
    observed = Observed([(1_000, key(5))], {str(FIRST): 2_000})
    steps = [
        step(TimerFired(1.0, "state.1"), say(FIRST)),
        step(touch(5)),
        step(touch(5), say(FIRST), barred={FIRST: "the limit of the day"}),
        step(DeviceSaid(1.0, "room", "touch", {}), say(FIRST)),
    ]
    assert reactions_ms(steps, {"panel": PANEL}, observed) == ([], 0)


def test_what_was_not_heard_is_told() -> None:
    observed = Observed([(5_000, key(5))], {str(FIRST): 2_000})
    steps = [step(touch(5), say(FIRST)), step(touch(6), say(FIRST)), step(touch(5), say(SECOND))]
    assert reactions_ms(steps, {"panel": PANEL}, observed) == ([], 3)


def test_shares_are_of_the_ordered_values() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert (share(values, 0.5), share(values, 0.99), share(values, 1.0), share([], 0.5)) == (51.0, 100.0, 100.0, 0.0)
