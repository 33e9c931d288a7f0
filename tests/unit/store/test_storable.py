"""What devices say becomes what PostgreSQL takes, and a rejected payload has one name."""

from __future__ import annotations

import json
import math
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lics_actors.store.json_text import json_text, json_value, storable_int, storable_json, storable_text
from lics_actors.store.rejections import rejected_id, rejected_values
from tests.contract.store_rows import DEVICE, at, rejection

ANY_TEXT = st.text(st.characters())  # with NUL and lone surrogates
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), ANY_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(ANY_TEXT, inner, max_size=4)),
    max_leaves=20,
)


@given(ANY_TEXT)
def test_text_keeps_its_length_and_loses_only_what_is_refused(text: str) -> None:
    made = storable_text(text)
    assert "\0" not in made and made.encode() is not None
    assert len(made) == len(text)
    assert all(old == new or old == "\0" or "\ud800" <= old <= "\udfff" for old, new in zip(text, made, strict=True))


def _refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@example({"NaN": None})  # a name, and no number
@example([math.nan, math.inf])
@given(JSON)
def test_json_is_always_storable(value: Any) -> None:
    made = storable_json(value)
    assert "\\u0000" not in made.replace("\\\\", "")
    json.loads(made, parse_constant=_refused)
    assert storable_json(json_value(made)) == made


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8")), st.lists))
def test_json_goes_through(value: Any) -> None:
    assert json_value(json_text(value)) == value


@pytest.mark.parametrize(("bits", "least", "most"), [(32, -(2**31), 2**31 - 1), (64, -(2**63), 2**63 - 1)])
def test_integers_at_the_border(bits: int, least: int, most: int) -> None:
    assert [storable_int(value, bits) for value in (least, most, least - 1, most + 1, None)] == [least, most, None, None, None]


def test_a_rejected_payload_has_one_name_whoever_looks_at_it() -> None:
    one = rejection(1, b"abc")
    assert rejected_id(one) == rejected_id(rejection(1, b"abc", reason="other", suppressed=9, size=77))
    others = [
        rejection(2, b"abc"),
        rejection(1, b"abd"),
        rejection(1, b"abc", topic="t"),
        rejection(1, b"abc", device=UUID(int=5)),
        rejection(1, b"bc", topic=one.topic + "a"),
    ]
    assert len({rejected_id(row) for row in [one, *others]}) == 6


@given(ANY_TEXT, ANY_TEXT, st.binary(max_size=5000), st.integers(), st.integers())
def test_garbage_can_always_be_kept(topic: str, reason: str, payload: bytes, size: int, suppressed: int) -> None:
    row = rejection(1, payload, topic=topic, reason=reason, size=size, suppressed=suppressed)
    made = rejected_values(row)
    assert made[1:3] == (DEVICE, at(1)) and made[5] == payload[:4096]
    assert "\0" not in made[3] + made[4] and all(-(2**63) <= number < 2**63 for number in made[6:])
