"""Topic filters (MQTT 3.1.1, section 4.7)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.topics import covers, matches, overlap


@st.composite
def filters(draw: st.DrawFn) -> str:
    levels = draw(st.lists(st.sampled_from(["a", "b", "+"]), max_size=4))
    return "/".join([*levels, "#"] if draw(st.booleans()) or not levels else levels)


TOPICS = ["/".join(levels) for n in range(1, 6) for levels in product("ab", repeat=n)]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("+/b", "a/+", True),
        ("a/b/#", "a", False),
        ("a", "b", False),
        ("+", "a/b", False),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/broker", True),
        ("a/b", "a/c", False),
        ("a//b", "a/+/b", True),
    ],
)
def test_overlap_follows_the_standard(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is both


@given(filters(), filters())
def test_two_filters_overlap_when_one_topic_satisfies_both(one: str, other: str) -> None:
    common = any(matches(one, topic) and matches(other, topic) for topic in TOPICS)
    assert overlap(one, other) is common


@given(filters())
def test_a_filter_overlaps_itself(one: str) -> None:
    assert overlap(one, one)


@given(filters(), filters())
def test_what_covers_another_has_every_topic_of_it(wide: str, narrow: str) -> None:
    if covers(wide, narrow):
        assert all(matches(wide, topic) for topic in TOPICS if matches(narrow, topic))


@given(filters(), st.sampled_from(TOPICS))
def test_a_topic_is_covered_where_it_is_matched(wide: str, topic: str) -> None:
    assert covers(wide, topic) is matches(wide, topic)


@pytest.mark.parametrize(
    ("wide", "narrow", "so"),
    [
        ("a/#", "a/#", True),
        ("a/#", "a/+/b", True),
        ("a/#", "a", True),
        ("a/+", "a/+", True),
        ("#", "+/#", True),
        ("a/+", "a/#", False),
        ("a/b", "a/+", False),
        ("a/b/#", "a/#", False),
        ("a/#", "#", False),
        ("a/#", "+/b", False),
        ("a/#", "$share/g/a/b", False),
        ("#", "$SYS/#", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/+/x", True),
        ("a/#/b", "a/x/b", False),
        ("a/+/b", "a/+", False),
    ],
)
def test_covering_is_strict(wide: str, narrow: str, so: bool) -> None:
    assert covers(wide, narrow) is so
