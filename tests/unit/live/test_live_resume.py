"""Coming to a complete picture: nothing is told twice, nothing is left out without a word."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from web.live.posts import Post, post
from web.live.protocol import EventTold, Gap, Happening
from web.live.resume import Meanwhile, missed, unseen, wanted_after

EPOCH = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOPIC = "device:a"
numbers = st.integers(1, 60)


def event(n: int) -> Post:
    return post(EventTold(TOPIC, n, Happening(EPOCH, "lick", None)))


def spans(told: list[Post | Gap]) -> list[tuple[int, int]]:
    return [(each.first, each.last) if isinstance(each, Gap) else (each.n, each.n) for each in told]


@given(
    history=st.sets(numbers, min_size=1),
    after=st.none() | st.integers(0, 70),
    n=st.integers(0, 60),
    reaches=st.booleans(),
    limit=st.integers(1, 20),
    repeated=st.lists(numbers, max_size=5),
)
def test_after_a_subscription_nothing_is_missing_and_nothing_comes_twice(
    history: set[int], after: int | None, n: int, reaches: bool, limit: int, repeated: list[int]
) -> None:
    """`n`: the snapshot's. What came later arrived meanwhile, possibly after some of what the snapshot holds."""
    kept = [event(each) for each in sorted(history) if after is not None and each > after] if reaches else None
    meanwhile = Meanwhile(limit)
    for each in sorted(history | {again for again in repeated if again in history}):
        if each > n - 5:
            meanwhile.put(event(each))
    before, since = missed(TOPIC, after, n, kept), meanwhile.take(n)
    told = spans(before) + spans(since)
    assert all(last < first for (_, last), (first, _) in pairwise(told)), "in order"
    assert all(last <= n for _, last in spans(before))
    assert all(first > n for first, _ in spans(since))
    accounted = {each for first, last in told for each in range(first, last + 1)}
    assert {each for each in history if each > n} <= accounted, "all that follows the snapshot"
    if after is not None:
        assert {each for each in history if after < each <= n} <= accounted, "all that was missed"
        assert not any(first <= after for first, _ in spans(before)), "nothing that the client has"
    assert meanwhile.take(0) == [], "nothing is kept of it"


def test_a_client_ahead_of_the_bus_is_told_only_how_things_are() -> None:
    assert missed(TOPIC, 10, 5, None) == []
    assert missed(TOPIC, 5, 5, None) == []
    assert missed(TOPIC, 4, 5, None) == [Gap(TOPIC, 5, 5)]


def test_the_same_number_twice_is_the_same_message() -> None:
    assert [each.n for each in unseen([event(1), event(2), event(2), event(1), event(3)], 1)] == [2, 3]


def test_after_is_one_number_for_all_topics_or_one_each() -> None:
    assert wanted_after(None, TOPIC) is None
    assert wanted_after(7, TOPIC) == 7
    assert wanted_after({TOPIC: 8}, TOPIC) == 8
    assert wanted_after({"fleet": 8}, TOPIC) is None
