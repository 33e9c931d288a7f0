"""Allowances, what keeps a run paused, how devices stand, how long reactions took."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.device.messages import Admin, DeviceTwin, Health, Link, Safety, TrippedInterlock
from lics_actors.experiment.messages import Annotated, PauseAsked, ResumeAsked
from lics_actors.run.limits import current, overdrawn, refusal, superseded
from lics_actors.run.orders import Allowance
from lics_actors.run.pausing import INTERLOCK, ITSELF, ends_by_itself
from lics_actors.run.reactions import KEPT, Reactions
from lics_actors.run.standing import BROKER, GRACE_S, Standings, Trouble, trouble_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TWIN = DeviceTwin(
    UUID(int=1), Link.ONLINE, Health.OK, Safety.ARMED, Admin.ENABLED, 1, 1, NOW, NOW, None, {}, {}, 0, 0
)  # fmt: skip


def test_a_reward_leaves_only_within_the_allowance_and_its_time() -> None:
    allowed = Allowance(100.0, NOW, until=NOW + timedelta(hours=1))
    assert refusal(None, 1e9, 1e9, NOW) is None
    assert refusal(allowed, 90.0, 10.0, NOW) is None
    assert refusal(allowed, 90.0, 10.1, NOW) == "the subject may get 10 more, not 10.1"
    assert "ended with its day" in str(refusal(allowed, 0.0, 1.0, NOW + timedelta(hours=1)))
    assert refusal(replace(allowed, override="user:vet"), 1e9, 1.0, NOW + timedelta(days=1)) is None


@given(st.floats(0, 1e4), st.lists(st.floats(0.01, 500.0), max_size=40))
def test_whatever_is_asked_for_no_more_than_the_allowance_leaves(amount: float, wanted: list[float]) -> None:
    given_so_far = 0.0
    for each in wanted:
        if refusal(Allowance(amount, NOW), given_so_far, each, NOW) is None:
            given_so_far += each
    assert given_so_far <= amount + 1e-6


def test_what_the_run_paused_by_itself_it_lets_go_on_by_itself_and_nothing_else() -> None:
    alone = ends_by_itself(False, "running", PauseAsked(1.0, ITSELF))
    assert alone
    assert ends_by_itself(alone, "paused", Annotated(2.0, "user:1", "x"))
    assert ends_by_itself(alone, "paused", PauseAsked(2.0, ITSELF))
    person = ends_by_itself(alone, "paused", PauseAsked(2.0, "user:1"))
    assert not person
    assert not ends_by_itself(person, "paused", PauseAsked(3.0, ITSELF)), "a person's pause is a person's to end"
    assert not ends_by_itself(alone, "paused", PauseAsked(2.0, INTERLOCK))
    assert not ends_by_itself(alone, "paused", ResumeAsked(2.0, ITSELF))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({}, None),
        ({"link": Link.OFFLINE}, Trouble("is offline")),
        ({"link": Link.CONNECTING}, Trouble("is connecting", lasting=True)),
        ({"admin": Admin.MAINTENANCE}, Trouble("is in maintenance")),
        ({"admin": Admin.QUARANTINED}, Trouble("is quarantined")),
        ({"safety": Safety.TRIPPED, "link": Link.OFFLINE}, Trouble("has tripped", tripped=True)),
        (
            {"safety": Safety.TRIPPED, "tripped": (TrippedInterlock(UUID(int=2), "cage", "door", NOW, "open"),)},
            Trouble("has tripped (door: open)", tripped=True),
        ),
    ],
)
def test_what_keeps_a_device_from_being_used(changes: dict[str, object], what: Trouble | None) -> None:
    assert trouble_of(replace(TWIN, **changes)) == what  # type: ignore[arg-type]


def test_what_may_pass_in_a_moment_counts_once_it_has_not() -> None:
    standings = Standings(frozenset({"pump"}), 0.0)
    assert not standings.ready()
    assert standings.missing(GRACE_S - 0.1) == ()
    assert standings.missing(GRACE_S) == ("pump has not answered yet", "broker has not answered yet")
    assert standings.stand("pump", None, 1.0) and standings.stand(BROKER, None, 1.0)
    assert standings.ready() and standings.missing(99.0) == standings.tripped() == standings.all_troubles() == ()
    assert not standings.stand("pump", None, 2.0), "no news"
    away = Trouble("has no actor just now", lasting=True)
    assert standings.stand("pump", away, 10.0)
    assert standings.stand("pump", Trouble("is connecting", lasting=True), 12.0)
    assert standings.missing(10.0 + GRACE_S) == ("pump is connecting",), "in one trouble after the other since the first"
    standings.stand("pump", Trouble("has tripped", tripped=True), 20.0)
    assert (standings.missing(99.0), standings.tripped()) == ((), ("pump has tripped",))
    assert standings.all_troubles() == ("pump has tripped",)
    standings.stand(BROKER, Trouble("is away"), 20.0)
    assert standings.missing(20.0) == ("broker is away",)


def test_of_what_plays_no_role_only_what_has_tripped_or_is_anothers_counts() -> None:
    standings = Standings(frozenset({"pump"}), 0.0, frozenset({"valve (rig)"}))
    standings.stand("pump", None, 0.0)
    standings.stand(BROKER, None, 0.0)
    assert standings.ready()
    assert not standings.stand("valve (rig)", Trouble("is offline"), 1.0)
    assert standings.stand("valve (rig)", Trouble("is reserved", taken=True), 2.0)
    assert standings.missing(2.0) == ("valve (rig) is reserved",)
    assert standings.stand("valve (rig)", Trouble("has tripped", tripped=True), 3.0)
    assert standings.tripped() == ("valve (rig) has tripped",)
    assert standings.stand("valve (rig)", None, 4.0) and standings.ready()
    assert standings.words == {"pump": "unknown"}


def test_reactions_are_told_of_the_newest() -> None:
    reactions = Reactions()
    assert reactions.figures() == {}
    for each in range(1, 101):
        reactions.took(float(each))
    assert reactions.figures() == {"p50": 51.0, "p99": 99.0, "max": 100.0, "count": 100.0}
    for _ in range(KEPT):
        reactions.took(1.0)
    assert reactions.figures()["max"] == 1.0


def test_a_run_goes_from_one_day_into_the_next_with_what_it_was_told_before() -> None:
    day = timedelta(days=1)
    last = Allowance(7.0, NOW + 2 * day, NOW + 3 * day)
    told = Allowance(100.0, NOW, NOW + day, then=Allowance(50.0, NOW + day, NOW + 2 * day, then=last))
    assert current(told, NOW - day) is told
    assert current(told, NOW + day) is told.then
    assert current(told, NOW + 5 * day) is last
    assert refusal(current(told, NOW + day), 0.0, 50.0, NOW + day) is None
    assert "0 more" in str(refusal(current(told, NOW + day), 50.0, 1.0, NOW + day))
    assert "ended with its day" in str(refusal(current(told, NOW + 3 * day), 0.0, 1.0, NOW + 3 * day))


def test_a_clock_that_was_set_back_gives_no_day_twice() -> None:
    assert "set back" in str(refusal(Allowance(100.0, NOW), 0.0, 1.0, NOW - timedelta(seconds=1)))


def test_no_limit_no_refusal_and_what_was_given_beyond_a_lowered_one() -> None:
    assert refusal(Allowance(None, NOW), 1e12, 1.0, NOW) is None
    assert overdrawn(None, 1.0) == overdrawn(Allowance(None, NOW), 1.0) == overdrawn(Allowance(1.0, NOW), 1.0) == 0.0
    assert overdrawn(Allowance(3.0, NOW), 5.0) == 2.0


def test_the_later_of_two_words_holds() -> None:
    early, late = Allowance(1.0, NOW, serial=4), Allowance(1.0, NOW, serial=5)
    assert early == late
    assert superseded(late, early)
    assert not superseded(early, late) and not superseded(early, early)
    assert not superseded(None, early) and not superseded(late, None)
