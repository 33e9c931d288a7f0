"""The audit of a chaos run sees every loss, every double, every illegal step and every untrue answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.system.chaos.devices import by_epoch, ranges
from tests.system.chaos.house import grown
from tests.system.chaos.verdict import (
    ENDS,
    NEXT,
    Answered,
    Asked,
    Noted,
    Recorded,
    answers,
    executions,
    in_doubt,
    journal_faults,
    journals,
    streams,
    together,
)

ID, DEVICE = uuid4(), uuid4()
DONE = ("accepted", "dispatched", "delivered", "executing", "succeeded")


def command(*states: str, id_: UUID = ID, idempotent: bool = False, reason: str = "t-1") -> Recorded:
    return Recorded(id_, DEVICE, "dispense", idempotent, reason, states[-1], tuple(enumerate(states)))


@given(st.data())
def test_every_legal_life_that_has_ended_is_legal(data: st.DataObject) -> None:
    states = ["accepted"]
    while states[-1] in NEXT:
        states.append(data.draw(st.sampled_from(sorted(NEXT[states[-1]]))))  # type: ignore[index]
    assert journal_faults(command(*states)) == []
    assert states[-1] in ENDS
    for cut in range(1, len(states)):
        assert bool(journal_faults(command(*states[:cut]))) == (states[cut - 1] != "indeterminate")


@pytest.mark.parametrize(
    "states",
    [
        ("accepted", "succeeded"),
        ("accepted", "dispatched", "delivered", "dispatched", "succeeded"),
        ("accepted", "dispatched", "succeeded", "failed"),
        ("accepted", "dispatched", "expired", "expired"),
        ("dispatched", "succeeded"),
        ("accepted", "dispatched", "indeterminate", "executing"),
        ("accepted", "dispatched", "cancelled"),
        ("accepted", "dispatched"),
    ],
)
def test_an_illegal_life_is_seen(states: tuple[str, ...]) -> None:
    found = journals([command(*states), command(*DONE, id_=uuid4())])
    assert (found.expected, found.lost) == (2, 1)
    assert states[-1] in found.differences[0]


def test_a_missing_state_and_a_wrong_summary_are_seen() -> None:
    whole = command(*DONE)
    assert journal_faults(replace(whole, steps=whole.steps[:2] + whole.steps[3:]))
    assert journal_faults(replace(whole, state="failed"))
    assert journal_faults(replace(whole, steps=()))


def test_what_ledger_and_record_do_not_agree_on_is_seen() -> None:
    ran = {ID: Noted("succeeded", 1)}
    assert executions({ID: command(*DONE)}, ran).audit().clean
    assert executions({ID: command(*DONE)}, {ID: Noted("succeeded", 2)}).doubled == 1
    assert executions({}, ran).lost == 1
    assert executions({ID: command(*DONE)}, {}).lost == 1
    assert executions({ID: command(*DONE)}, {ID: Noted("failed", 1)}).lost == 1
    assert executions({ID: command("accepted", "dispatched", "rejected")}, ran).lost == 1
    expired = ("accepted", "dispatched", "expired")
    assert executions({ID: command(*expired)}, ran).lost == 1
    assert executions({ID: command(*expired, idempotent=True)}, ran).audit().clean
    doubtful = {ID: command("accepted", "dispatched", "indeterminate")}
    assert executions(doubtful, ran).audit().clean and in_doubt(doubtful.values()) == 1


def test_untrue_answers_are_seen() -> None:
    record = {ID: command("accepted", "dispatched", "indeterminate", "succeeded")}

    def verdict(*given_: Answered) -> tuple[int, int]:
        found = answers([Asked("t-1", given_)], record)
        return found.lost, found.doubled

    assert verdict(Answered(0), Answered(503), Answered(200, ID, "indeterminate"), Answered(200, ID, "succeeded")) == (0, 0)
    assert verdict(Answered(200, ID, "failed")) == (1, 0)
    assert verdict(Answered(202, uuid4(), "accepted")) == (1, 0)
    assert verdict(Answered(409)) == (1, 0)
    assert answers([Asked("t-2", (Answered(409),))], record).audit().clean
    twin = uuid4()
    assert answers([Asked("t-1", ())], {**record, twin: command(*DONE, id_=twin)}).doubled == 1


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 30))), st.data())
def test_every_missing_and_every_doubled_message_is_seen(acknowledged: set[tuple[int, int]], data: st.DataObject) -> None:
    missing = data.draw(st.sets(st.sampled_from(sorted(acknowledged)))) if acknowledged else set()
    doubled = data.draw(st.sets(st.sampled_from(sorted(acknowledged - missing)))) if acknowledged - missing else set()
    rows = {key: 2 if key in doubled else 1 for key in acknowledged - missing}
    found = streams("x", by_epoch(acknowledged), rows | {(9, 1): 1})  # what was recorded unacknowledged is no fault
    assert (found.expected, found.lost, found.doubled) == (len(acknowledged), len(missing), len(doubled))
    assert together("y", [found, found]).lost == 2 * len(missing)


@given(st.sets(st.integers(0, 50)))
def test_ranges_are_the_numbers(numbers: set[int]) -> None:
    found = ranges(numbers)
    assert {number for first, last in found for number in range(first, last + 1)} == numbers
    assert all(later > last + 1 for (_, last), (later, _) in pairwise(found))


def test_growth_and_absence_are_seen() -> None:
    assert grown({"web": 60.0, "fleet": 3.0}, {"web": 80.0, "fleet": 6.0}).audit().clean
    assert grown({"web": 60.0, "fleet": 3.0}, {"web": 90.0}).lost == 2
    assert grown({"recorder:0": 30.0}, {"recorder:0": 50.0}).lost == 1
    assert grown({"recorder:0": 30.0}, {"recorder:0": 50.0}, runs=200).audit().clean, "it may have journals of runs open"
    assert grown({"recorder:0": 30.0}, {"recorder:0": 70.0}, runs=2000).lost == 1, "but never more than some"
