"""What a bench says of its figures: medians, ratios, bars, audits, and the one document."""

from __future__ import annotations

import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.figures import Audit, Case, Options, Outcome, document, failures

FULL, SHORT = Options(), Options(rounds=1, short=True)
figures = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=7).map(tuple)


@given(figures, figures)
def test_the_ratio_is_that_of_the_medians_and_the_spread_that_of_the_rounds(
    lics: tuple[float, ...], other: tuple[float, ...]
) -> None:
    case = Case("x", "ms", lics, other)
    assert case.ratio == statistics.median(lics) / statistics.median(other)
    assert case.spread is not None and case.spread >= 0
    assert len(case.ratios) == min(len(lics), len(other))


@given(figures)
def test_rounds_that_are_alike_have_no_spread(lics: tuple[float, ...]) -> None:
    assert Case("x", "ms", lics, lics).spread == 0


@pytest.mark.parametrize(
    ("lics", "reference", "bar", "at_least", "absolute", "met"),
    [
        ((80.0,), (100.0,), 0.8, True, False, True),
        ((79.9,), (100.0,), 0.8, True, False, False),
        ((250.0,), (100.0,), 2.5, False, False, True),
        ((251.0,), (100.0,), 2.5, False, False, False),
        ((100_000.0,), (), 100_000.0, True, True, True),
        ((99_999.0,), (1.0,), 100_000.0, True, True, False),
        ((1.0, 90.0, 95.0), (100.0, 100.0, 100.0), 0.8, True, False, True),  # one round that went wrong decides nothing
        ((), (), 0.8, True, False, False),  # not measured is not reached
        ((50.0,), (), 0.8, True, False, False),
        ((50.0,), (0.0,), 0.8, True, False, False),  # against nothing there is no ratio
        ((0.0,), (100.0,), None, True, False, True),
    ],
)
def test_a_bar_is_held_against_the_ratio_or_the_figure_itself(
    lics: tuple[float, ...], reference: tuple[float, ...], bar: float | None, at_least: bool, absolute: bool, met: bool
) -> None:
    case = Case("x", "ms", lics, reference, bar, at_least, absolute)
    assert case.met is met
    outcome = Outcome((case,), "x")
    assert bool(failures(outcome, FULL)) is not met
    assert not failures(outcome, SHORT)


@pytest.mark.parametrize("audit", [Audit("x", 10, 9, 1, 0), Audit("x", 10, 11, 0, 1), Audit("x", 10, 9, 0, 0)])
def test_an_audit_that_is_not_clean_fails_also_a_short_run(audit: Audit) -> None:
    assert failures(Outcome((), "", (audit,)), SHORT)
    assert failures(Outcome((), "", (Audit("x", 10, 12, 0, 0),)), FULL) == ()  # more than was promised is no fault


def test_the_document_is_that_of_the_contract() -> None:
    cases = (
        Case("p50", "ms", (2.0, 3.0, 2.5), (1.0, 1.0, 1.0), 3.0, at_least=False),
        Case("rate", "/s", (math.pi * 1e4,), (), 1e4, absolute=True),
    )
    outcome = Outcome(cases, "p50", (Audit("all", 5, 5, 0, 0),), ("a note",), {"throughput_ratio": "rate"})
    said = json.loads(json.dumps(document("command", outcome, FULL, {"cores": 4})))
    assert {"name", "machine", "rounds", "results", "ratio"} <= said.keys()
    assert (said["name"], said["machine"], said["rounds"]) == ("command", {"cores": 4}, 3)
    assert (said["ratio"], said["throughput_ratio"], said["failures"]) == (2.5, None, [])
    first, second = said["results"]
    assert {key: first[key] for key in ("case", "lics", "reference", "ratio", "spread")} == {
        "case": "p50", "lics": 2.5, "reference": 1.0, "ratio": 2.5, "spread": 0.4,
    }  # fmt: skip
    assert (second["lics"], second["reference"], second["ratio"]) == (31420.0, None, None)


def test_a_headline_that_was_not_measured_is_a_mistake_of_the_bench() -> None:
    with pytest.raises(KeyError):
        document("x", Outcome((), "there is none"), FULL, {})
