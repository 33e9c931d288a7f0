"""Which words about alarms viewers hear: the source's first or the table's first, the table's stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.live.messages import AlarmLive
from web.live.alarm_words import LATE_US, REMEMBERED, AlarmWords

N = 1_769_860_800_000_000  # µs, as numbers on the bus are
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
AT = [NOON + timedelta(minutes=n) for n in range(10)]


def by_source(raised: int, over: int | None = None, source: str = "device:1") -> AlarmLive:
    return AlarmLive(source, "quarantined", "high", "it leaks", AT[raised], returned_at=None if over is None else AT[over])


def by_table(raised: int, over: int | None = None, again: int | None = None) -> AlarmLive:
    last_at = AT[raised if again is None else again]
    return msgspec.structs.replace(by_source(raised, over), id=7, count=1, last_at=last_at)


def test_a_source_that_is_heard_late_hides_nothing() -> None:
    words = AlarmWords()
    assert words.news(N, by_table(1))
    assert not words.news(N, by_source(1)), "the table has told of that"
    assert words.news(N, by_source(1, source="device:2")), "another one's"
    assert words.news(N, by_source(1, over=3)), "it is over now"
    assert words.news(N, by_source(2)), "it was raised again"
    assert words.news(N, by_table(1, over=3))
    assert not words.news(N, by_source(1, over=3))
    assert words.news(N, msgspec.structs.replace(by_table(1), comment="seen")), "what the table says is always news"
    assert not words.news(N, by_source(2)), "and forgets no later moment"


def test_a_clock_that_was_set_back_hides_no_alarm_for_long() -> None:
    words = AlarmWords()
    assert words.news(N, by_table(5, over=6))
    assert not words.news(N + LATE_US, by_source(5, over=6)), "the same word, late"
    assert words.news(N + LATE_US + 1, by_source(1)), "raised anew, by a clock that was set back; no table may answer"


def test_what_is_remembered_is_bounded() -> None:
    words = AlarmWords()
    for n in range(REMEMBERED + 1):
        assert words.news(N, msgspec.structs.replace(by_table(1), source=str(n)))
    assert words.news(N, by_source(1, source="0")), "forgotten: told once too often"
    assert not words.news(N, by_source(1, source="1"))


@dataclass
class Said:
    """What a source and the table say of one alarm, each in its own order."""

    source: list[AlarmLive] = field(default_factory=list)
    table: list[AlarmLive] = field(default_factory=list)


@given(st.lists(st.booleans(), max_size=12))
def test_in_whatever_order_they_come_the_last_heard_is_the_tables(order: list[bool]) -> None:
    said = Said([by_source(1), by_source(1, over=4)], [by_table(1), by_table(1, over=4)])
    words, heard = AlarmWords(), []
    for first in [*order, *[True] * 2, *[False] * 2]:
        waiting = said.source if first else said.table
        if waiting and words.news(N, message := waiting.pop(0)):
            heard.append(message)
    assert heard[-1] == by_table(1, over=4)
