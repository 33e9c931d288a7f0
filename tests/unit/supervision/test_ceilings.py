"""Who holds too much, judged."""

from __future__ import annotations

import pytest

from lics_actors.supervision.hangs import USAGE_EVERY
from lics_actors.supervision.messages import (
    KillChild,
    LookAtUsages,
    OperatorClear,
    RaiseAlarm,
    StartChild,
    StopChild,
    TimerKind,
    Usage,
    UsagesSeen,
)
from lics_actors.supervision.specs import ChildSpec, Phase, Strategy
from tests.unit.supervision.story import OPERATOR, Story

MIB = 2**20
SPEC = ChildSpec("a", memory_bytes=100 * MIB, files=50)
FAT, MANY, FINE = Usage(101 * MIB, 10), Usage(MIB, 51), Usage(100 * MIB, 50)


def running(*more: str, **policy: object) -> Story:
    story = Story(SPEC, *more, **policy)
    story.begin("a", *more)
    return story


def see(story: Story, usage: Usage, after: float = 15.0) -> None:
    story.now += after
    story.tell(UsagesSeen({"a": usage, "nobody": usage}, story.now))


def test_usages_are_looked_at_now_and_then() -> None:
    story = running(look_every_s=1.0)
    looked = 0
    for _ in range(3 * USAGE_EVERY):
        looked += LookAtUsages() in story.fire(TimerKind.LOOK, after=1.0)
    assert looked == 3


@pytest.mark.parametrize(
    ("usage", "said"), [(FAT, "101 MiB of its own, and may hold 100"), (MANY, "51 files open, and may hold 50")]
)
def test_who_is_over_a_ceiling_is_stopped_in_order_and_started_anew_at_once(usage: Usage, said: str) -> None:
    story = running()
    see(story, usage)
    assert story.asked(StopChild) == ["a"] and story.recorded() == ["recycled"]
    assert said in (story.state.children["a"].last_error or "")
    see(story, usage)
    assert story.effects == []
    story.exit("a", normal=True)
    assert story.asked(StartChild) == ["a"]
    assert story.state.children["a"].restarts == 0 and story.state.children["a"].setbacks == 0


def test_who_is_at_a_ceiling_or_has_none_is_left_alone() -> None:
    story = running()
    see(story, FINE)
    assert story.effects == []
    story = Story("a")
    story.begin("a")
    see(story, Usage(10**15, 10**6))
    assert story.effects == []


def recycle(story: Story, after: float) -> None:
    see(story, FAT, after)
    story.exit("a", normal=True)
    story.begin("a") if story.phase("a") is Phase.STARTING else None


def test_who_is_over_it_again_and_again_at_once_is_given_up() -> None:
    story = running()
    for _ in range(3):
        recycle(story, 15.0)
        assert story.phase("a") is Phase.RUNNING
    see(story, FAT)
    assert story.recorded() == ["recycled", "quarantined"] and story.asked(RaiseAlarm) == ["a"]
    story.exit("a", normal=True)
    assert story.phase("a") is Phase.QUARANTINED and story.asked(StartChild) == []
    story.tell(OperatorClear("a", OPERATOR, None, story.now))
    story.begin("a")
    recycle(story, 15.0)
    assert story.phase("a") is Phase.RUNNING


def test_who_leaks_slowly_is_recycled_for_ever() -> None:
    story = running()
    for _ in range(50):
        recycle(story, 601.0)
    assert story.phase("a") is Phase.RUNNING


def test_one_that_does_not_stop_in_time_is_killed_and_comes_back() -> None:
    story = running()
    see(story, FAT)
    story.fire(TimerKind.STOP, "a", after=5.0)
    assert story.asked(KillChild) == ["a"]
    story.exit("a")
    assert story.asked(StartChild) == ["a"]


def test_rest_for_one_dependents_go_first_and_once() -> None:
    story = running("b", strategy=Strategy.REST_FOR_ONE)
    see(story, FAT)
    assert story.asked(StopChild) == ["b"]
    see(story, FAT)
    assert story.effects == []
    story.exit("b", normal=True)
    assert story.asked(StopChild) == ["a"]
