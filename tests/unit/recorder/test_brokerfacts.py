"""What is made of the broker's own figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.recorder.brokerfacts import DROPPED, EPISODE_S, STORED, BrokerFacts


def after(*heard: tuple[int, float], total: int | None = None) -> BrokerFacts:
    facts = BrokerFacts(total=total)
    for dropped, now in heard:
        facts = facts.heard(DROPPED, str(dropped).encode(), now)
    return facts


def test_what_was_dropped_before_anybody_listened_is_no_news() -> None:
    assert after((5000, 1.0), (5000, 6.0)) == BrokerFacts(total=5000)


def test_what_was_dropped_while_the_recorder_was_away_is() -> None:
    facts = after((5200, 1.0), total=5000)
    assert (facts.lost, facts.lost_at) == (200, 1.0)


def test_an_episode_adds_up_and_ends() -> None:
    facts = after((0, 0.0), (10, 5.0), (30, 10.0), (30, 15.0))
    assert (facts.lost, facts.lost_at) == (30, 10.0)
    later = facts.heard(DROPPED, b"31", 10.0 + EPISODE_S)
    assert (later.lost, later.lost_at) == (1, 10.0 + EPISODE_S)


def test_a_broker_started_anew_counts_from_zero() -> None:
    assert after((900, 0.0), (0, 5.0)).lost == 0
    assert after((900, 0.0), (7, 5.0)).lost == 7


def test_it_says_how_much_it_holds() -> None:
    assert BrokerFacts().heard(STORED, b"1234", 0.0).stored == 1234


@given(st.text(max_size=30), st.binary(max_size=30))
def test_nothing_it_may_say_does_harm(topic: str, payload: bytes) -> None:
    for each in (topic, DROPPED, STORED):
        facts = BrokerFacts(total=3, stored=4).heard(each, payload, 1.0)
        assert facts.lost >= 0


@pytest.mark.parametrize("payload", [b"", b"-1", b"1.5", b"12 seconds", "١".encode(), b"9" * 19])
def test_what_is_no_count_is_passed_over(payload: bytes) -> None:
    assert after((3, 0.0)).heard(DROPPED, payload, 1.0) == after((3, 0.0))


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_no_loss_is_forgotten(growth: list[int]) -> None:
    facts, total = BrokerFacts(total=0), 0
    for n, more in enumerate(growth):
        total += more
        facts = facts.heard(DROPPED, str(total).encode(), float(n))
    assert (facts.lost, facts.total) == (total, total)
