"""Checks a command's arguments against the JSON Schema a device described them with. Pure.

The schema comes from the device, so it is bounded before it is used: no references (they can point outside, or to
themselves), no keyword whose evaluation a device could make slow, a few hundred subschemas at most. `pattern` is not
evaluated here (a regular expression can be made to take for ever) but left to the device, and `format` is an annotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError, validators
from referencing import Registry

from drivers.values import value_fault

FieldError = dict[str, str]
Plain = tuple[tuple[str, type, Any], ...]

MAX_SUBSCHEMAS = 200
MAX_SCHEMA_DEPTH = 16
MAX_SCHEMA_BYTES = 32_768
MAX_ARGUMENT_NODES = 1_000  # times MAX_SUBSCHEMAS evaluations at most, some 0.5 s at the very worst
MAX_ERRORS = 20
REMEMBERED_VALUES = 16
REMEMBERED_TEXT = 100
MAX_MESSAGE = 300

_SCALARS = (bool, int, float, str, type(None))
_ONE = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "dependentSchemas")
_UNSUPPORTED = frozenset(
    {
        "$ref",
        "$dynamicRef",
        "$recursiveRef",
        "$id",
        "$anchor",
        "$dynamicAnchor",
        "$vocabulary",
        "patternProperties",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)


def _left_to_the_device(*_: object) -> None:
    """Evaluate nothing."""


_Arguments = validators.extend(Draft202012Validator, {"pattern": _left_to_the_device})  # type: ignore[no-untyped-call]
_NO_FORMATS = FormatChecker(formats=())
_NOWHERE: Registry[Any] = Registry()  # resolves nothing: neither file nor network


def schema_fault(schema: object) -> str | None:
    """Return why LICS does not evaluate `schema`, or None. Accepts what `argument_errors` accepts."""
    fault = value_fault(schema)
    if fault is not None:
        return fault
    usable = _checked(_document(schema))
    return usable if isinstance(usable, str) else None


def argument_errors(schema: object, args: object) -> tuple[FieldError, ...]:
    """Return where `args` break `schema`: `{"field": "args.volume_ul", "message": "…"}` each, at most `MAX_ERRORS`.

    A schema that cannot be evaluated is one error about `args`, so that the command is refused. Whatever the device
    described and whatever the arguments are, this neither raises nor takes longer than its bounds.
    """
    fault = value_fault(schema)
    if fault is not None:
        return (_unusable(fault),)
    document, plain = _document(schema), _plain(args)
    return _errors(document, args) if plain is None else _plain_errors(document, plain)


def _plain(args: object) -> Plain | None:
    """Return arguments that are a few short values as a key that tells 1, 1.0 and True apart, others as None."""
    if type(args) is not dict or len(args) > REMEMBERED_VALUES:
        return None
    plain = tuple((name, type(value), value) for name, value in args.items())
    short = all(
        type(name) is str and kind in _SCALARS and (kind is not str or len(value) <= REMEMBERED_TEXT)
        for name, kind, value in plain
    )
    return plain if short else None


@lru_cache(maxsize=256)
def _plain_errors(document: bytes, plain: Plain) -> tuple[FieldError, ...]:
    """Remembered, because devices are told the same again and again: 40 µs a command."""
    return _errors(document, {name: value for name, _, value in plain})


def _errors(document: bytes, args: object) -> tuple[FieldError, ...]:
    validator = _checked(document)
    if isinstance(validator, str):
        return (_unusable(validator),)
    fault = value_fault(args)
    if fault is None and _nodes(args) > MAX_ARGUMENT_NODES:
        fault = f"more than {MAX_ARGUMENT_NODES} values"
    if fault is not None:
        return ({"field": "args", "message": fault},)
    try:
        found = [_field_errors(error) for error in islice(validator.iter_errors(args), MAX_ERRORS)]
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        return (_unusable(f"{type(error).__name__} while evaluating it"),)
    unique = {(field, message): None for errors in found for field, message in errors}
    return tuple({"field": field, "message": message} for field, message in islice(unique, MAX_ERRORS))


def _document(schema: object) -> bytes:
    return msgspec.json.encode(schema, order="deterministic")


@lru_cache(maxsize=512)
def _checked(document: bytes) -> Draft202012Validator | str:
    """Return a validator of the schema, or why there is none. Kept, because checking a schema takes a millisecond."""
    if len(document) > MAX_SCHEMA_BYTES:
        return f"it is larger than {MAX_SCHEMA_BYTES} bytes"
    schema = msgspec.json.decode(document)
    fault = _structure_fault(schema)
    if fault is not None:
        return fault
    try:
        Draft202012Validator.check_schema(schema, format_checker=_NO_FORMATS)
    except SchemaError as error:
        return f"it is no JSON Schema: {error.message}"[:MAX_MESSAGE]
    validator: Draft202012Validator = _Arguments(schema, registry=_NOWHERE)
    return validator


def _structure_fault(schema: object) -> str | None:
    level, count = [schema], 0
    for _ in range(MAX_SCHEMA_DEPTH):
        count += len(level)
        if count > MAX_SUBSCHEMAS:
            return f"it has more than {MAX_SUBSCHEMAS} subschemas"
        for found in level:
            if isinstance(found, Mapping) and not _UNSUPPORTED.isdisjoint(found):
                return f"{min(_UNSUPPORTED.intersection(found))} is not supported"
        level = [below for found in level for below in _subschemas(found)]
        if not level:
            return None
    return f"it is nested deeper than {MAX_SCHEMA_DEPTH}"


def _subschemas(schema: object) -> Iterator[object]:
    if not isinstance(schema, Mapping):
        return
    for keyword in _ONE:
        if keyword in schema:
            yield schema[keyword]
    for keyword in _MANY:
        if isinstance(schema.get(keyword), list):
            yield from schema[keyword]
    for keyword in _NAMED:
        if isinstance(schema.get(keyword), Mapping):
            yield from schema[keyword].values()


def _nodes(value: object) -> int:
    count, level = 0, [value]
    while level:
        count += len(level)
        level = [below for item in level for below in _children(item)]
    return count


def _children(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _field_errors(error: ValidationError) -> list[tuple[str, str]]:
    """Return field and message: for a missing or an unknown argument its own name, not that of the object around it."""
    place = ".".join(["args", *map(str, error.absolute_path)])[:MAX_MESSAGE]
    instance: Any = error.instance
    rule: Any = error.validator_value
    if error.validator == "required":
        return [(f"{place}.{name}", "is required") for name in rule if name not in instance]
    if error.validator == "additionalProperties" and rule is False:
        schema: Any = error.schema
        return [
            (f"{place}.{name}"[:MAX_MESSAGE], "is not known") for name in instance if name not in schema.get("properties", {})
        ]
    return [(place, error.message[:MAX_MESSAGE])]


def _unusable(reason: str) -> FieldError:
    return {"field": "args", "message": f"the device describes its arguments with a schema that cannot be used: {reason}"}
