"""What a bench finds: figures of both sides, their ratio against the bar, audits, and the one JSON document. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """How a bench is run. `short`: the seeded version for CI, seconds not minutes, audits only.

    `seed`, `minutes`, `faults`, `runs`, `trials` (chaos) and `devices` (chaos, fleet, runs) are for the benches that know them;
    None leaves it to them.
    """

    rounds: int = 3
    seconds: float = 15.0
    short: bool = False
    seed: int | None = None
    minutes: float | None = None
    faults: int | None = None
    devices: int | None = None
    runs: int | None = None
    trials: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of work: a figure of each side a round, measured in turn.

    The bar holds for the ratio of medians, or with `absolute` for LICS's own median. Without a bar it only informs.
    """

    name: str
    unit: str
    lics: tuple[float, ...]
    reference: tuple[float, ...] = ()  # empty where the bar is absolute
    bar: float | None = None
    at_least: bool = True
    absolute: bool = False

    @property
    def ratios(self) -> tuple[float, ...]:
        """Return LICS's figure over the reference's, round by round."""
        return tuple(ours / theirs for ours, theirs in zip(self.lics, self.reference, strict=False) if theirs)

    @property
    def ratio(self) -> float | None:
        """Return median over median; None where there is no reference."""
        below = statistics.median(self.reference) if self.reference else 0.0
        return statistics.median(self.lics) / below if self.lics and below else None

    @property
    def spread(self) -> float | None:
        """Return how far the rounds lie apart, (max - min) / median: of their ratios, else of LICS's figures."""
        values = self.ratios or self.lics
        middle = statistics.median(values) if values else 0.0
        return (max(values) - min(values)) / middle if middle else None

    @property
    def judged(self) -> float | None:
        """Return what the bar is held against."""
        if self.absolute:
            return statistics.median(self.lics) if self.lics else None
        return self.ratio

    @property
    def met(self) -> bool:
        """Return whether the bar is reached; a case that has a bar and no figure has not reached it."""
        if self.bar is None:
            return True
        if self.judged is None:
            return False
        return self.judged >= self.bar if self.at_least else self.judged <= self.bar


@dataclass(frozen=True, slots=True)
class Audit:
    """What one run should have left behind, and what it did, row by row."""

    case: str
    expected: int
    found: int
    lost: int
    doubled: int

    @property
    def clean(self) -> bool:
        """Return whether nothing is missing and nothing is there twice."""
        return self.lost == 0 and self.doubled == 0 and self.found >= self.expected


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a bench found. `ratios` names further figures of the document: name → case, such as `p99_ratio`."""

    cases: tuple[Case, ...]
    headline: str
    audits: tuple[Audit, ...] = ()
    notes: tuple[str, ...] = ()
    ratios: Mapping[str, str] = field(default_factory=dict)

    def ratio_of(self, name: str) -> float | None:
        """Return a case's ratio.

        Raises:
            KeyError: there is no such case.
        """
        for case in self.cases:
            if case.name == name:
                return case.ratio
        raise KeyError(name)


def failures(outcome: Outcome, options: Options) -> tuple[str, ...]:
    """Return a sentence for each audit that is not clean and, in full runs, for each bar that is missed."""
    audits = tuple(
        f"{audit.case}: of {audit.expected} expected, {audit.lost} are lost and {audit.doubled} are there twice"
        for audit in outcome.audits
        if not audit.clean
    )
    if options.short:
        return audits
    return audits + tuple(
        f"{case.name}: {_figure(case.judged)} misses the bar of {'at least' if case.at_least else 'at most'} {case.bar:g}"
        for case in outcome.cases
        if not case.met and case.bar is not None
    )


def document(name: str, outcome: Outcome, options: Options, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of contracts.md, section 7."""
    return {
        "name": name,
        "machine": dict(machine),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "short": options.short,
        "results": [_result(case) for case in outcome.cases],
        "ratio": _rounded(outcome.ratio_of(outcome.headline)),
        **{key: _rounded(outcome.ratio_of(case)) for key, case in outcome.ratios.items()},
        "audits": [_audited(audit) for audit in outcome.audits],
        "notes": list(outcome.notes),
        "failures": list(failures(outcome, options)),
    }


def _result(case: Case) -> dict[str, Any]:
    return {
        "case": case.name,
        "unit": case.unit,
        "lics": _rounded(statistics.median(case.lics)) if case.lics else None,
        "reference": _rounded(statistics.median(case.reference)) if case.reference else None,
        "ratio": _rounded(case.ratio),
        "spread": _rounded(case.spread),
        "bar": case.bar,
        "bar_is": ("at least" if case.at_least else "at most") + (", absolute" if case.absolute else ""),
        "met": case.met,
        "lics_rounds": [_rounded(value) for value in case.lics],
        "reference_rounds": [_rounded(value) for value in case.reference],
    }


def _audited(audit: Audit) -> dict[str, Any]:
    names = ("case", "expected", "found", "lost", "doubled", "clean")
    return {name: getattr(audit, name) for name in names}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _figure(value: float | None) -> str:
    return "no figure" if value is None else f"{value:.3g}"
