"""What runs are granted of a day."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from lics_actors.run.orders import Allowance
from lics_actors.welfare.bank import Portion, Share, allowance, grantable, held, portions, reserved
from lics_actors.welfare.days import day_of
from lics_actors.welfare.messages import Grant, Limit, Limits, Override, Substance
from tests.unit.welfare.accounts import BERLIN, DAY, NOON, SUBJECT

FLUID = Substance.FLUID


def override(value: float, hours: float = 1, n: int = 1) -> Override:
    begin = NOON - timedelta(hours=1)
    return Override(UUID(int=n), SUBJECT, Limit.MAX_FLUID, value, begin, NOON + timedelta(hours=hours), "user:vet", "ill")


def test_an_open_run_holds_what_it_was_granted_and_one_that_is_over_what_it_gave() -> None:
    shares = [Share(100, 20, open=True), Share(100, 20, open=False), Share(10, 12, open=True)]
    assert held(shares, 3) == 3 + 100 + 20 + 12
    assert reserved(shares) == 80


def test_what_is_granted() -> None:
    assert grantable(None, 10, 4) == 6
    assert grantable(2, 10, 4) == 2
    assert grantable(7, 10, 4) == 6
    assert grantable(7, 10, 40) == 0
    assert grantable(-7, 10, 4) == 0
    assert portions(FLUID, 5, 0, limits=Limits(), overrides=[], day=DAY, now=NOON) is None, "nobody set a limit"


def test_a_run_is_told_the_sum_of_its_grants_until_the_first_of_them_ends() -> None:
    soon, tomorrow = NOON + timedelta(hours=1), day_of(DAY.end, BERLIN)
    run = UUID(int=50)
    usual = Grant(UUID(int=1), run, SUBJECT, FLUID, 70, DAY.begin, DAY.end)
    extra = Grant(UUID(int=2), run, SUBJECT, FLUID, 50, DAY.begin, soon, UUID(int=9))
    later = Grant(UUID(int=3), run, SUBJECT, FLUID, 100, tomorrow.begin, tomorrow.end)
    all_ = [usual, extra, later]
    assert allowance(all_, DAY, NOON) == Allowance(120, DAY.begin, soon)
    assert allowance(all_, DAY, soon) == Allowance(70, DAY.begin, DAY.end)
    assert allowance(all_, tomorrow, NOON) == Allowance(100, tomorrow.begin, tomorrow.end)
    assert allowance([], DAY, NOON) == Allowance(0, DAY.begin, DAY.end)


def test_an_override_adds_a_portion_that_ends_with_it() -> None:
    limits, words = Limits(max_fluid=100), [override(150)]
    until = words[0].until
    assert portions(FLUID, None, 30, limits=limits, overrides=[], day=DAY, now=NOON) == [Portion(70, DAY.end)]
    assert portions(FLUID, None, 30, limits=limits, overrides=words, day=DAY, now=NOON) == [
        Portion(70, DAY.end),
        Portion(50, until, UUID(int=1)),
    ]
    assert portions(FLUID, 80, 30, limits=limits, overrides=words, day=DAY, now=NOON) == [
        Portion(70, DAY.end),
        Portion(10, until, UUID(int=1)),
    ]
    assert portions(FLUID, 80, 130, limits=limits, overrides=words, day=DAY, now=NOON) == [
        Portion(0, DAY.end),
        Portion(20, until, UUID(int=1)),
    ]
    assert portions(FLUID, 80, 30, limits=limits, overrides=words, day=DAY, now=until) == [Portion(70, DAY.end)], "it is over"
    long = portions(FLUID, 80, 30, limits=limits, overrides=[override(150, hours=99)], day=DAY, now=NOON)
    assert long == [Portion(70, DAY.end), Portion(10, DAY.end, UUID(int=1))]


def test_an_override_that_lowers_is_all_there_is() -> None:
    lower = override(50)
    assert portions(FLUID, None, 30, limits=Limits(max_fluid=100), overrides=[lower], day=DAY, now=NOON) == [
        Portion(20, lower.until, lower.id)
    ]
    assert portions(FLUID, None, 30, limits=Limits(), overrides=[lower], day=DAY, now=NOON) == [
        Portion(20, lower.until, lower.id)
    ]
    assert portions(FLUID, None, 30, limits=Limits(), overrides=[lower, override(60, n=2)], day=DAY, now=NOON) == [
        Portion(30, lower.until, UUID(int=2))
    ]
