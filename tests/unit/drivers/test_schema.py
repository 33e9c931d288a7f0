"""Arguments against the schema a device described, which may be anything."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import schema
from drivers.native.spec import DEVICE_TYPES
from drivers.schema import argument_errors, schema_fault
from tests.unit.drivers.payloads import VALUES, WILD_JSON

DOSE = {
    "type": "object",
    "properties": {"volume_ul": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000}, "where": {"enum": ["left", "right"]}},
    "required": ["volume_ul"],
    "additionalProperties": False,
}


def test_good_arguments_have_no_errors() -> None:
    assert argument_errors(DOSE, {"volume_ul": 20, "where": "left"}) == ()


@pytest.mark.parametrize(
    ("args", "fields"),
    [
        ({}, {"args.volume_ul"}),
        ({"volume_ul": 0}, {"args.volume_ul"}),
        ({"volume_ul": "20"}, {"args.volume_ul"}),
        ({"volume_ul": True}, {"args.volume_ul"}),
        ({"volume_ul": 1, "speed": 3, "power": 1}, {"args.speed", "args.power"}),
        ({"where": "up"}, {"args.volume_ul", "args.where"}),
        ([], {"args"}),
        (None, {"args"}),
        ({"volume_ul": float("nan")}, {"args"}),
        ({"volume_ul": 10**400}, {"args"}),
        ({"volume_ul": "\0"}, {"args"}),
        ({"volume_ul": [1] * 1001}, {"args"}),
    ],
)
def test_each_error_names_its_field(args: Any, fields: set[str]) -> None:
    errors = argument_errors(DOSE, args)
    assert {error["field"] for error in errors} == fields
    assert all(error["message"] for error in errors)


def test_the_message_of_a_missing_field_comes_once_for_each() -> None:
    both = {"type": "object", "required": ["a", "b"]}
    assert argument_errors(both, {}) == (
        {"field": "args.a", "message": "is required"},
        {"field": "args.b", "message": "is required"},
    )


def test_additional_properties_may_have_a_schema_of_their_own() -> None:
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    assert argument_errors(numbers, {"a": 1}) == ()
    assert argument_errors(numbers, {"a": "x"})[0]["field"] == "args.a"


def deep(levels: int) -> Any:
    found: Any = {"type": "number"}
    for _ in range(levels):
        found = {"items": found}
    return found


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ({"$ref": "https://example.org/schema"}, "$ref is not supported"),
        ({"$ref": "#"}, "$ref is not supported"),
        ({"properties": {"a": {"$dynamicRef": "#x"}}}, "$dynamicRef is not supported"),
        ({"anyOf": [{"patternProperties": {"(a+)+$": {}}}]}, "patternProperties is not supported"),
        ({"$id": "file:///etc/passwd"}, "$id is not supported"),
        ({"type": "spoon"}, "no JSON Schema"),
        ({"minimum": "low"}, "no JSON Schema"),
        ({"properties": []}, "no JSON Schema"),
        (5, "no JSON Schema"),
        (None, "no JSON Schema"),
        ({"allOf": [{}] * 300}, "more than 200 subschemas"),
        (deep(schema.MAX_SCHEMA_DEPTH), "nested deeper"),
        (deep(5000), "nested deeper"),
        ({"enum": ["a" * 1000] * 40}, "larger than"),
        ({"maximum": float("inf")}, "not finite"),
        ({"a": object()}, "no JSON value"),
    ],
)
def test_a_schema_that_cannot_be_used_is_told(found: Any, fault: str) -> None:
    said = schema_fault(found)
    assert said is not None and fault in said
    (error,) = argument_errors(found, {})
    assert error["field"] == "args" and fault in error["message"]


@pytest.mark.parametrize("name", ["$ref", "patternProperties", "not", "items"])
def test_an_argument_may_be_called_like_a_keyword(name: str) -> None:
    found = {"type": "object", "properties": {name: {"type": "number"}}, "required": [name]}
    assert argument_errors(found, {name: 1}) == ()
    assert argument_errors(found, {name: "x"})[0]["field"] == f"args.{name}"


def test_patterns_are_left_to_the_device() -> None:
    slow = {"type": "string", "pattern": "(a+)+$"}
    assert argument_errors(slow, "a" * 60 + "!") == ()
    assert argument_errors({"pattern": "(" * 9000}, "a") == ()


def test_division_by_almost_nothing_is_no_crash() -> None:
    for step in (5e-324, 1e-300, 1e308):
        argument_errors({"multipleOf": step}, {"a": 1})
        argument_errors({"multipleOf": step}, 2**63 - 1)
        argument_errors({"multipleOf": step}, 1e308)


def test_an_evaluation_that_fails_refuses_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    validator = schema._checked(schema._document(DOSE))

    def broken(_: object) -> None:
        raise OverflowError

    monkeypatch.setattr(type(validator), "iter_errors", lambda self, args: broken(args))
    schema._plain_errors.cache_clear()
    assert "OverflowError" in argument_errors(DOSE, {"volume_ul": 1})[0]["message"]
    schema._plain_errors.cache_clear()  # what the broken one said


def test_what_is_remembered_is_of_those_very_values() -> None:
    whole = {"type": "object", "properties": {"v": {"type": "integer"}}}
    for _ in range(2):  # the second time from memory; 1, 1.0 and True are equal and hash alike
        for value in (True, 1, 1.5, "1", None, 1.0, True):
            fine = isinstance(value, int | float) and not isinstance(value, bool) and value == 1
            assert (argument_errors(whole, {"v": value}) == ()) is fine, value
    assert argument_errors(whole, {"v": float("nan")})[0]["message"] == "a number is not finite"
    assert argument_errors(whole, {1: 2})[0]["message"] == "a key is no text"
    assert argument_errors(whole, {"v": "x" * 1000}) != () and argument_errors(whole, {"v": [1]}) != ()
    assert argument_errors({}, {"v": 1}) == (), "of this schema, too"
    assert schema._plain_errors.cache_info().maxsize is not None


@pytest.mark.parametrize(
    "worst", [{"items": {"not": {"oneOf": [{"type": "number"}] * 190}}}, {"items": {"anyOf": [{"enum": ["x" * 9]}] * 190}}]
)
def test_the_worst_schema_is_bounded_in_time(worst: Any) -> None:
    started = time.perf_counter()
    errors = argument_errors(worst, [1.0] * 990)
    assert time.perf_counter() - started < 10  # some 0.5 s on an idle machine; without bounds it would be hours
    assert len(errors) <= schema.MAX_ERRORS


@given(WILD_JSON | st.sampled_from(list(map(json.dumps, (DOSE, True, {})))), VALUES)
def test_nothing_escapes(document: bytes, args: Any) -> None:
    found = json.loads(document)
    errors = argument_errors(found, args)
    assert (schema_fault(found) is None) or errors
    assert all(set(error) == {"field", "message"} and len(error["message"]) < 500 for error in errors)


@pytest.mark.parametrize("kind", DEVICE_TYPES)
def test_the_simulators_own_schemas_are_usable(kind: str) -> None:
    description = DEVICE_TYPES[kind]
    assert [schema_fault(each.args) for each in description.commands.values()] == [None] * len(description.commands)
    assert [schema_fault(each.data) for each in description.events.values()] == [None] * len(description.events)
