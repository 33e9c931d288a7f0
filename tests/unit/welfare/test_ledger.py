"""The ledger: repeats count once, order does not matter, the unknown counts as given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.welfare.ledger import Ledger, joined, least, most, noted
from lics_actors.welfare.messages import FATES, RANK, Entry, Fate, Substance
from tests.unit.welfare.accounts import entries, entry


@given(st.lists(entries(), max_size=12), st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(words: list[Entry], chance: object) -> None:
    told = noted(Ledger(), words)
    again = [*words, *words[::2]]
    chance.shuffle(again)  # type: ignore[attr-defined]
    assert noted(Ledger(), again) == told
    half = noted(noted(Ledger(), again[::2]), again[1::2])
    assert half == told


@given(entries(1), entries(1), entries(1))
def test_words_about_an_entry_join_in_any_order(one: Entry, two: Entry, three: Entry) -> None:
    assert joined(one, one) == one
    assert joined(one, two) == joined(two, one)
    assert joined(joined(one, two), three) == joined(one, joined(two, three))


@given(entries())
def test_the_unknown_counts_as_given_and_not_as_surely_given(word: Entry) -> None:
    assert 0 <= least(word) <= most(word)
    if word.fate in {Fate.COMMANDED, Fate.INDETERMINATE} and word.measured is None:
        assert (least(word), most(word)) == (0, word.amount)


@pytest.mark.parametrize(
    ("fate", "measured", "surely", "at_most"),
    [
        (Fate.COMMANDED, None, 0, 10),
        (Fate.INDETERMINATE, None, 0, 10),
        (Fate.REFUSED, None, 0, 0),
        (Fate.FAILED, None, 0, 10),
        (Fate.FAILED, 4.0, 4, 4),
        (Fate.CONFIRMED, None, 10, 10),
        (Fate.CONFIRMED, 11.5, 11.5, 11.5),
    ],
)
def test_what_each_fate_counts(fate: Fate, measured: float | None, surely: float, at_most: float) -> None:
    word = entry(1, 10, fate, measured)
    ledger = noted(Ledger(reserved={Substance.FLUID: 3.0}), [word, word])
    assert (ledger.least(Substance.FLUID), ledger.most(Substance.FLUID)) == (surely, at_most + 3)
    assert (ledger.least(Substance.FOOD), ledger.most(Substance.FOOD)) == (0, 0)


def test_every_outcome_of_a_command_means_a_fate() -> None:
    assert set(FATES) == {"succeeded", "failed", "rejected", "expired", "cancelled", "indeterminate"}
    assert set(RANK) == set(Fate)
