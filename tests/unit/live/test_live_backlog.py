"""What waits for a slow client: bounded, in order, and whatever is lost is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.live.messages import TelemetryLive
from web.live.backlog import PATIENCE, Backlog, Bounds
from web.live.posts import Post, answer, post
from web.live.protocol import EventTold, Gap, Happening, Pong

EPOCH = datetime(2026, 1, 31, 12, tzinfo=UTC)
DEVICE = UUID(int=1)
TOPICS = ("device:a", "device:b", "fleet")
PATIENT = Bounds(messages=8, size=4000, stalled_s=10.0)
ROOMY = Bounds(messages=10_000, size=10_000_000)


def event(topic: str, n: int, size: int = 0) -> Post:
    return post(EventTold(topic, n, Happening(EPOCH, "lick", {"pad": "x" * size})))


def values(seq: int, **metrics: float) -> TelemetryLive:
    return TelemetryLive(DEVICE, EPOCH + timedelta(seconds=seq), 3, seq, metrics)


def said(posts: list[Post]) -> list[dict[str, Any]]:
    return [json.loads(each.text) for each in posts]


def everything(backlog: Backlog) -> list[dict[str, Any]]:
    found: list[Post] = []
    while backlog:
        found += backlog.take(1000, 0.0)
    return said(found)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(TOPICS), st.integers(0, 900)),
        st.tuples(st.just("take"), st.integers(1, 3000), st.just(0)),
        st.tuples(st.just("answer"), st.just(0), st.just(0)),
    ),
    max_size=80,
)


@given(steps)
def test_what_happened_arrives_once_in_order_or_lies_in_a_gap_that_is_told(plan: list[tuple[str, Any, int]]) -> None:
    backlog, n = Backlog(PATIENT, 0.0), 0
    put: dict[str, list[int]] = {topic: [] for topic in TOPICS}
    answers, heard = 0, []
    for what, first, size in plan:
        if what == "take":
            heard += said(backlog.take(first, 0.0))
        elif what == "answer":
            answers += 1
            backlog.put([answer(Pong(str(answers)))], 0.0)
        else:
            n += 1
            put[first].append(n)
            backlog.put([event(first, n, size)], 0.0)
        assert len(backlog) <= PATIENT.messages + 1 + answers + len(TOPICS)
    heard += everything(backlog)
    assert [message["ref"] for message in heard if message["kind"] == "pong"] == [str(k + 1) for k in range(answers)]
    for topic, numbers in put.items():
        accounted, last = set(), 0
        for message in heard:
            if message.get("topic") != topic:
                continue
            first, until = (message["from"], message["to"]) if message["kind"] == "gap" else (message["n"],) * 2
            assert last < first <= until, "in order, nothing twice"
            last = until
            accounted |= set(range(first, until + 1))
        assert set(numbers) <= accounted


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5).map(float), min_size=1), min_size=1, max_size=20))
def test_of_telemetry_the_newest_value_of_each_metric_arrives(history: list[dict[str, float]]) -> None:
    backlog, truth = Backlog(PATIENT, 0.0), {}
    for seq, metrics in enumerate(history):
        truth |= metrics
        backlog.put_telemetry("device:a", seq + 1, values(seq, **metrics), 0.0)
        assert len(backlog) == 1
    (told,) = everything(backlog)
    assert told["telemetry"]["metrics"] == truth
    assert (told["n"], told["telemetry"]["seq"]) == (len(history), len(history) - 1)


def test_what_happened_goes_before_what_was_measured() -> None:
    backlog = Backlog(ROOMY, 0.0)
    backlog.put_telemetry("device:a", 1, values(0, a=1.0), 0.0)
    backlog.put([event("device:a", 2)], 0.0)
    assert [message["kind"] for message in everything(backlog)] == ["event", "telemetry"]


def test_telemetry_of_a_topic_given_up_is_forgotten() -> None:
    backlog = Backlog(ROOMY, 0.0)
    backlog.put_telemetry("device:a", 1, values(0, a=1.0), 0.0)
    backlog.forget("device:a")
    backlog.forget("device:a")
    assert not backlog


def test_a_take_is_as_large_as_asked_for_but_never_empty() -> None:
    backlog = Backlog(ROOMY, 0.0)
    backlog.put([event("fleet", n, 500) for n in range(1, 11)], 0.0)
    assert len(backlog.take(1, 0.0)) == 1
    assert 1 < len(backlog.take(1500, 0.0)) < 5
    assert backlog.take(10**6, 0.0)
    assert backlog.take(10**6, 0.0) == []


def test_one_post_larger_than_the_bound_is_not_lost() -> None:
    backlog = Backlog(PATIENT, 0.0)
    backlog.put([event("fleet", 1, 10_000)], 0.0)
    assert [message["kind"] for message in everything(backlog)] == ["event"]


def test_a_client_that_takes_nothing_is_too_slow_after_a_while() -> None:
    backlog = Backlog(PATIENT, 0.0)
    assert not backlog.too_slow(1000.0), "nothing waits"
    backlog.put([event("fleet", 1), event("fleet", 2)], 1000.0)
    assert not backlog.too_slow(1000.0 + PATIENT.stalled_s)
    backlog.take(1, 1009.0)
    assert not backlog.too_slow(1009.0 + PATIENT.stalled_s)
    assert backlog.too_slow(1009.1 + PATIENT.stalled_s)
    backlog.take(10**6, 1030.0)
    backlog.put_telemetry("fleet", 1, values(0, a=1.0), 2000.0)
    assert not backlog.too_slow(2000.0)


def test_a_client_with_gap_after_gap_is_too_slow_but_one_that_catches_up_is_not() -> None:
    backlog, n = Backlog(PATIENT, 0.0), 0
    for turn in range(PATIENCE):
        assert not backlog.too_slow(0.0), turn
        for _ in range(PATIENT.messages + 1):
            n += 1
            backlog.put([event("fleet", n)], 0.0)
    assert backlog.too_slow(0.0)
    assert backlog.gaps == PATIENCE
    everything(backlog)
    assert not backlog.too_slow(0.0)


def test_a_client_that_does_not_even_take_its_answers_is_too_slow() -> None:
    backlog = Backlog(PATIENT, 0.0)
    backlog.put([answer(Pong()) for _ in range(PATIENT.messages + 1)], 0.0)
    assert backlog.too_slow(0.0)
    assert len(everything(backlog)) == PATIENT.messages + 1


def test_a_gap_that_waits_is_told_even_when_it_becomes_a_larger_one() -> None:
    backlog = Backlog(PATIENT, 0.0)
    backlog.put_gap(Gap("fleet", 3, 5))
    backlog.put([event("fleet", n) for n in range(6, 6 + PATIENT.messages + 1)], 0.0)
    told = everything(backlog)
    assert told[0] == {"kind": "gap", "topic": "fleet", "from": 3, "to": 5 + PATIENT.messages}
