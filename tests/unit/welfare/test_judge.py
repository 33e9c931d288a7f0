"""What may be given, and what of a day needs a person."""

from __future__ import annotations

import math
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.welfare.judge import Concern, Request, alarms, concerns, in_force, judge, may_begin, room, session_end
from lics_actors.welfare.ledger import Ledger, noted
from lics_actors.welfare.messages import TOLERANCE, Fate, Granted, Limit, Limits, Override, Refused, Substance
from tests.unit.welfare.accounts import DAY, NOON, SUBJECT, amounts, entry

LIMITS = Limits(max_fluid=100, min_fluid=50, max_food=20, session_s=3600, between_s=7200)


def override(limit: Limit, value: float, n: int = 1, hours: float = 1) -> Override:
    return Override(UUID(int=n), SUBJECT, limit, value, NOON, NOON + timedelta(hours=hours), "user:vet", "dehydrated")


@given(st.lists(st.tuples(amounts, st.sampled_from(Fate)), max_size=8), amounts, st.none() | amounts)
def test_what_is_granted_keeps_within_the_limit(given_: list[tuple[float, Fate]], amount: float, limit: float | None) -> None:
    ledger = noted(Ledger(), [entry(n, each, fate) for n, (each, fate) in enumerate(given_)])
    answer = judge(ledger, Request(UUID(int=99), Substance.FLUID, amount, NOON), Limits(max_fluid=limit))
    fits = limit is None or ledger.most(Substance.FLUID) + amount <= limit + TOLERANCE * 2
    if isinstance(answer, Granted):
        assert fits
    else:
        assert limit is not None
        assert ledger.most(Substance.FLUID) + amount > limit
        assert answer.limit == "max_fluid"
        assert answer.left <= amount


@pytest.mark.parametrize("amount", [0.0, -1.0, math.nan, math.inf])
def test_an_amount_that_is_none_is_refused(amount: float) -> None:
    answer = judge(Ledger(), Request(UUID(int=1), Substance.FLUID, amount, NOON), Limits())
    assert isinstance(answer, Refused)
    assert answer.limit == "amount"


def test_what_is_known_is_granted_again_and_counts_once() -> None:
    ledger = noted(Ledger(), [entry(1, 100)])
    assert judge(ledger, Request(UUID(int=1), Substance.FLUID, 100, NOON), LIMITS) == Granted(repeat=True)
    refused = judge(ledger, Request(UUID(int=2), Substance.FLUID, 1, NOON), LIMITS)
    assert isinstance(refused, Refused)
    assert refused.left == 0


def test_a_session_lasts_no_longer_than_it_may() -> None:
    began = NOON - timedelta(seconds=3600)
    late = Request(UUID(int=1), Substance.FOOD, 1, NOON, began)
    refused = judge(Ledger(), late, LIMITS)
    assert isinstance(refused, Refused)
    assert (refused.limit, refused.reason) == ("session_s", "the session lasts 1 h 0 min, and may last 1 h 0 min")
    assert judge(Ledger(), Request(UUID(int=1), Substance.FOOD, 1, NOON, began + timedelta(seconds=1)), LIMITS) == Granted()
    assert judge(Ledger(), late, LIMITS, [override(Limit.SESSION_S, 7200)]) == Granted()
    assert judge(Ledger(), late, Limits()) == Granted()


def test_an_override_holds_in_its_time_only() -> None:
    wish = Request(UUID(int=1), Substance.FLUID, 150, NOON)
    more = override(Limit.MAX_FLUID, 200)
    assert isinstance(judge(Ledger(), wish, LIMITS), Refused)
    assert judge(Ledger(), wish, LIMITS, [more]) == Granted()
    later = Request(UUID(int=1), Substance.FLUID, 150, more.until)
    assert isinstance(judge(Ledger(), later, LIMITS, [more]), Refused)
    assert in_force(LIMITS, [override(Limit.MAX_FLUID, 300, 2), more], NOON).max_fluid == 300, "the later word of two holds"


def test_sessions_lie_apart() -> None:
    assert may_begin(LIMITS, [], NOON, None) == Granted()
    assert may_begin(Limits(), [], NOON, NOON) == Granted()
    assert may_begin(LIMITS, [], NOON, NOON - timedelta(hours=2)) == Granted()
    refused = may_begin(LIMITS, [], NOON, NOON - timedelta(minutes=10))
    assert isinstance(refused, Refused)
    assert refused.reason == "the last session ended 10 min 0 s ago, and 2 h 0 min must lie between two"
    assert isinstance(may_begin(LIMITS, [], NOON, NOON + timedelta(minutes=1)), Refused), "a clock that was set"
    assert may_begin(LIMITS, [override(Limit.BETWEEN_S, 60)], NOON, NOON - timedelta(minutes=10)) == Granted()


def test_room_is_never_below_nothing() -> None:
    assert (room(None, 5), room(10, 4), room(10, 12)) == (math.inf, 6, 0)


def test_a_day_with_too_much_or_too_little_needs_a_person() -> None:
    given_ = noted(Ledger(), [entry(1, 30, Fate.CONFIRMED), entry(2, 30)])
    assert concerns(given_, LIMITS, DAY, NOON) == []
    (short,) = concerns(given_, LIMITS, DAY, DAY.end - timedelta(hours=2))
    assert (short.kind, short.severity) == ("fluid_shortfall", "high")
    assert short.message == "given 30 µl of fluid on 2026-11-23, at least 50 µl are due"
    (over,) = concerns(given_, LIMITS, DAY, DAY.end)
    assert over.severity == "critical"
    (excess,) = concerns(noted(given_, [entry(3, 41)]), LIMITS, DAY, NOON)
    assert (excess.kind, excess.severity) == ("fluid_excess", "high")
    reserved = Ledger(given_.entries, {Substance.FLUID: 1000.0})
    assert concerns(reserved, LIMITS, DAY, NOON) == [], "what may be given has not been given yet"


def test_a_concern_is_raised_once_and_a_shortfall_stays_until_the_subject_has_had_its_minimum() -> None:
    short, excess = Concern("fluid_shortfall", "high", "30 of 50"), Concern("fluid_excess", "high", "110 of 100")
    nothing, enough = Ledger(), noted(Ledger(), [entry(1, 50, Fate.CONFIRMED)])
    assert alarms({}, [short, excess], nothing, LIMITS) == ([short, excess], [])
    assert alarms({"fluid_shortfall": "high"}, [short], nothing, LIMITS) == ([], [])
    worse = Concern("fluid_shortfall", "critical", "30 of 50")
    assert alarms({"fluid_shortfall": "high"}, [worse], nothing, LIMITS) == ([worse], [])
    both = {"fluid_shortfall": "critical", "fluid_excess": "high"}
    assert alarms(both, [], nothing, LIMITS) == ([], ["fluid_excess"]), "the next day begins, and nothing is given yet"
    assert alarms(both, [], enough, LIMITS) == ([], ["fluid_shortfall", "fluid_excess"])


def test_when_a_session_is_to_end() -> None:
    began = NOON - timedelta(minutes=30)
    longer = Override(UUID(int=1), SUBJECT, Limit.SESSION_S, 7200, NOON, NOON + timedelta(hours=1), "user:vet", "slow")
    assert session_end(Limits(), [], began, NOON) is None
    assert session_end(Limits(session_s=3600), [], began, NOON) == began + timedelta(hours=1)
    assert session_end(Limits(session_s=3600), [longer], began, NOON) == began + timedelta(hours=2)
