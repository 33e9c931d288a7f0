"""Calibration: the line is the least-squares one, what is wanted comes out, and what is no line is refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from lics_actors.welfare.calibration import Calibration, Curve, Fit, Point, Standing, fitted, standing, weighed
from tests.unit.welfare.accounts import NOON

told = st.lists(st.floats(1, 500), min_size=2, max_size=20).filter(lambda those: max(those) > 1.5 * min(those))


@given(told, st.floats(0.7, 1.3), st.floats(-0.05, 0.05), st.lists(st.floats(-0.03, 0.03), min_size=20, max_size=20))
def test_it_is_the_least_squares_line(amounts: list[float], slope: float, offset: float, noise: list[float]) -> None:
    points = [Point(each, each * slope + offset + each * off) for each, off in zip(amounts, noise, strict=False)]
    points = [each for each in points if each.measured >= 0]
    try:
        fit = fitted(points)
    except InvalidError:
        return  # noise of a few points may be no rising line
    told_, came = np.array([each.commanded for each in points]), np.array([each.measured for each in points])
    reference = np.polynomial.polynomial.polyfit(told_, came, 1)
    assert fit.curve.slope == pytest.approx(reference[1], rel=1e-6, abs=1e-9)
    assert fit.curve.offset == pytest.approx(reference[0], rel=1e-4, abs=1e-6)
    assert sum(fit.residuals) == pytest.approx(0, abs=1e-6)
    assert fit.r2 == pytest.approx(np.corrcoef(told_, came)[0, 1] ** 2, abs=1e-9)
    assert (fit.curve.low, fit.curve.high) == (min(told_), max(told_))


@given(st.floats(0.5, 2), st.floats(-2, 2), st.floats(5, 500))
def test_what_is_wanted_comes_out(slope: float, offset: float, wanted: float) -> None:
    curve = Curve(slope, offset, 1, 100)
    assert curve.measured(curve.commanded(wanted)) == pytest.approx(wanted)
    assert Curve(slope, 10, 1, 100).commanded(5) == 0, "less than what comes out anyway"


def test_a_weight_is_a_volume() -> None:
    assert weighed(10, 998.2, 100) == Point(10, pytest.approx(10))
    for repeats, density in ((0, 1.0), (1, 0.0), (1, float("nan"))):
        with pytest.raises(InvalidError):
            weighed(10, 100, repeats, density)


@pytest.mark.parametrize(
    ("points", "field"),
    [
        ([(10, 10)], "points"),
        ([(10, 10), (10, 11)], "points"),
        ([(10, 10), (20, 5)], "points"),
        ([(10, 10), (20, 10)], "points"),
        ([(0, 0), (20, 20)], "points"),
        ([(10, -1), (20, 20)], "points"),
        ([(10, 10), (20, float("inf"))], "points"),
        ([(10, 10), (20, 20), (30, 30), (40, 55), (50, 50)], "points[3]"),
        ([(n + 1, n + 1) for n in range(101)], "points"),
    ],
)
def test_what_is_no_line_is_refused(points: list[tuple[float, float]], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        fitted([Point(*each) for each in points])
    assert refused.value.fields[0]["field"] == field


def test_a_calibration_is_good_for_a_while() -> None:
    fit = Fit(Curve(1, 0, 1, 10), (0.0, 0.0), 1.0)
    made = Calibration(UUID(int=1), UUID(int=2), 1, (), fit, NOON, NOON + timedelta(days=30))
    assert standing(None, NOON) is Standing.NONE
    assert standing(made, NOON) is Standing.VALID
    assert standing(made, NOON + timedelta(days=27)) is Standing.DUE
    assert standing(made, NOON + timedelta(days=30)) is Standing.EXPIRED
