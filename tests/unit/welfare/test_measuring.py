"""What was commanded, what a device confirmed, and what came out."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.welfare.calibration import WATER_MG_UL, Curve
from lics_actors.welfare.measuring import Amounts, amounts
from lics_actors.welfare.messages import Fate

HALF = Curve(0.5, 1.0, 2.0, 50.0)
TOLD = {"volume_ul": 18.0}


@pytest.mark.parametrize(
    ("result", "fate", "curve", "known"),
    [
        ({"dispensed_ul": 18.0}, Fate.CONFIRMED, HALF, Amounts(18, 18, 10)),
        (None, Fate.CONFIRMED, HALF, Amounts(18, None, 10)),
        ({"dispensed_ul": 6.0}, Fate.FAILED, HALF, Amounts(18, 6, 4)),
        ({"dispensed_ul": 0.0}, Fate.FAILED, HALF, Amounts(18, 0, 0)),
        (None, Fate.FAILED, HALF, Amounts(18)),
        (None, Fate.COMMANDED, HALF, Amounts(18)),
        (None, Fate.INDETERMINATE, HALF, Amounts(18)),
        ({"dispensed_ul": 18.0}, Fate.REFUSED, HALF, Amounts()),
        ({"dispensed_ul": 18.0}, Fate.CONFIRMED, None, Amounts(18, 18)),
        ({"dispensed_ul": 18.0, "measured_ul": 9.7}, Fate.CONFIRMED, HALF, Amounts(18, 18, 9.7)),
        ({"measured_ml": 0.5}, Fate.CONFIRMED, None, Amounts(18, None, 500)),
        ({"weighed_mg": WATER_MG_UL * 9}, Fate.CONFIRMED, HALF, Amounts(18, None, 9)),
        ({"dispensed_ul": True, "seconds_s": 4}, Fate.CONFIRMED, None, Amounts(18)),
        ({"dispensed_ul": 1, "returned_ul": 2}, Fate.COMMANDED, HALF, Amounts(18)),
        ({"dispensed_ul": math.nan}, Fate.COMMANDED, HALF, Amounts(18)),
        ({"dispensed_ul": 10**400}, Fate.COMMANDED, HALF, Amounts(18)),
        (["18"], Fate.COMMANDED, HALF, Amounts(18)),
    ],
)
def test_fluid(result: object, fate: Fate, curve: Curve | None, known: Amounts) -> None:
    assert amounts("ul", TOLD, result, fate, curve) == known


def test_pellets_have_no_curve_and_a_sensor_counts_them() -> None:
    assert amounts("pellets", {"pellets": 3}, {"pellets": 2}, Fate.FAILED, HALF) == Amounts(3, 2)
    assert amounts("pellets", {"pellets": 3}, {"pellets": 3, "measured_pellets": 2}, Fate.CONFIRMED, None) == Amounts(3, 3, 2)
    assert amounts("pellets", {"pellets": 3}, {"weighed_mg": 60}, Fate.CONFIRMED, None) == Amounts(3)


def test_of_what_has_no_unit_nothing_is_known() -> None:
    assert amounts("", {"times": 3}, None, Fate.CONFIRMED, HALF) == Amounts()
    assert amounts("ul", None, None, Fate.CONFIRMED, HALF) == Amounts()


values: st.SearchStrategy[Any] = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4)
names = st.sampled_from(
    ["volume_ul", "dispensed_ul", "measured_ul", "measured_ml", "weighed_mg", "pellets", "measured_pellets", "x"]
)


@given(
    st.sampled_from(["ul", "pellets", ""]), st.dictionaries(names, values), st.dictionaries(names, values), st.sampled_from(Fate)
)
def test_whatever_a_device_answers_amounts_are_amounts(
    unit: str, args: dict[str, Any], result: dict[str, Any], fate: Fate
) -> None:
    known = amounts(unit, args, result, fate, HALF)
    for each in (known.commanded, known.confirmed, known.measured):
        assert each is None or each >= 0.0
