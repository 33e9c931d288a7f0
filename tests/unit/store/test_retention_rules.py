"""Which rule of retention holds for a series, and which make sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from lics_actors.store.retention_rules import RetentionRule, checked_rule, rule_for

EVERY = RetentionRule("*", "", 30, 365)
TEMPERATURES = RetentionRule("*_c", "", 60, None)
PUMPS = RetentionRule("*", "pump", 10, None)
PLATES = RetentionRule("plate_c", "", 90, None)
PUMP_PLATES = RetentionRule("plate_c", "pump", 1, 2)
ALL = (EVERY, TEMPERATURES, PUMPS, PLATES, PUMP_PLATES)


@pytest.mark.parametrize(
    ("metric", "device_type", "wanted"),
    [
        ("weight_g", "rfid", EVERY),
        ("weight_g", "pump", PUMPS),
        ("room_c", "pump", TEMPERATURES),
        ("plate_c", "rfid", PLATES),
        ("plate_c", "pump", PUMP_PLATES),
    ],
)
def test_the_rule_that_says_most_holds(metric: str, device_type: str, wanted: RetentionRule) -> None:
    assert rule_for(ALL, metric, device_type) is wanted
    assert rule_for(ALL[::-1], metric, device_type) is wanted


def test_without_a_rule_all_is_kept() -> None:
    assert rule_for((), "a", "pump") is None
    assert rule_for((PLATES, PUMPS), "a", "rfid") is None


@given(st.text(max_size=20))
def test_patterns_mean_only_what_they_say(name: str) -> None:
    literal = name.replace("*", "").replace("?", "")
    assert RetentionRule(literal, "", 1, None).matches(literal, "any")
    assert not RetentionRule(literal, "", 1, None).matches(literal + "x", "any")
    assert RetentionRule(f"{literal}*", "", 1, None).matches(f"{literal}\nx", "any")
    assert RetentionRule(f"{literal}?", "", 1, None).matches(f"{literal}[", "any")
    assert not RetentionRule(f"{literal}?", "", 1, None).matches(literal, "any")


def test_a_rule_that_makes_sense_is_taken() -> None:
    for rule in (EVERY, TEMPERATURES, RetentionRule("a", "", None, None), RetentionRule("a", "", 5, 5)):
        assert checked_rule(rule) is rule


@pytest.mark.parametrize(
    "rule", [RetentionRule("a\0", "", 5, None), RetentionRule("a", "", 40_000, None), RetentionRule("a", "", 5, 4)]
)
def test_a_rule_that_makes_none_is_refused(rule: RetentionRule) -> None:
    with pytest.raises(InvalidError):
        checked_rule(rule)
