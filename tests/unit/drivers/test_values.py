"""Which JSON values may travel."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from drivers.values import MAX_DEPTH, MAX_TEXT, value_fault
from tests.unit.drivers.payloads import VALUES, WILD_JSON


@given(VALUES)
def test_json_that_can_be_stored_travels(value: Any) -> None:
    assert value_fault(value) is None
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(value)) == value
    assert msgspec.json.decode(msgspec.json.encode(value)) == value


@given(WILD_JSON)
def test_what_passes_can_be_written_to_journal_and_table(document: bytes) -> None:
    value = json.loads(document)
    if value_fault(value) is None:
        msgspec.msgpack.encode(value)
        assert b"\\u0000" not in msgspec.json.encode(value).replace(b"\\\\", b"")


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (float("nan"), "not finite"),
        ({"a": [float("-inf")]}, "not finite"),
        (2**63, "64 bits"),
        (-(2**63) - 1, "64 bits"),
        ("a\0b", "U+0000"),
        ({"\0": 1}, "U+0000"),
        (["\ud800"], "surrogate"),
        ("é" * (MAX_TEXT + 1), "longer than"),
        ({1: 2}, "key is no text"),
        (b"bytes", "bytes is no JSON value"),
        ({"a": {1, 2}}, "set is no JSON value"),
        (object(), "object is no JSON value"),
        (nested(MAX_DEPTH), "deeper"),
        (nested(100_000), "deeper"),
    ],
)
def test_what_cannot_travel_is_named(value: object, fault: str) -> None:
    said = value_fault(value)
    assert said is not None and fault in said


@pytest.mark.parametrize("value", [None, True, 2**63 - 1, -(2**63), 1e308, "é", (1, 2), nested(MAX_DEPTH - 1), {"a": "😀"}])
def test_the_limits_themselves_travel(value: object) -> None:
    assert value_fault(value) is None
