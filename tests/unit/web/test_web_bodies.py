"""What may come in: nothing that a journal or a table could not keep, nothing converted behind the caller's back."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from lics_actors.errors import InvalidError, PreconditionFailedError
from web.etags import etag, expected_version, matches
from web.idempotency import id_for
from web.schemas.base import MAX_DEPTH, MAX_INTEGER, Body, MalformedJsonError, Query, UtcTime, duration_s, unstorable_parts

NOT_JSON = (b"", b"{", b"\xff\xfe", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": "\\ud800"}', b"[" * 100_000, b"{} {}")
DURATIONS = {"60s": 60, "1m": 60, "2h": 7200, "500ms": 0.5, "1d": 86400, "5": 5}
FOREIGN_TAGS = ("", "x", '"x"', '"1"', '"1-0123456789"', '"-1-00000000"', '"9999999999-00000000"', "W/*", "\xff")


class Example(Body):
    count: int = 0
    args: dict[str, Any] = Field(default_factory=dict)


class Filter(Query):
    q: str | None = None
    since: UtcTime | None = None
    on: bool = False


def field_of(data: bytes) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        Example.read(data)
    return [entry["field"] for entry in caught.value.fields]


@pytest.mark.parametrize("data", NOT_JSON)
def test_what_is_not_json_is_refused_as_that(data: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        Example.read(data)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"count": "1"}, "count"),
        ({"count": True}, "count"),
        ({"count": 1.5}, "count"),
        ({"cuont": 1}, "cuont"),
        ({"args": []}, "args"),
        ({"args": {"a": [1, "x\0y"]}}, "args.a[1]"),
        ({"args": {"a\0": 1}}, "args"),
        ({"args": {"a": MAX_INTEGER + 1}}, "args.a"),
        ({"args": {"a": -(10**400)}}, "args.a"),
        ([], "body"),
        (None, "body"),
        ("x\0", "body"),
    ],
)
def test_a_refusal_says_where(document: object, field: str) -> None:
    assert field_of(json.dumps(document).encode()) == [field]


def test_a_number_too_large_for_a_float_is_refused() -> None:
    assert field_of(b'{"args": {"a": 1e999}}') == ["args.a"]


def test_nesting_has_an_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(MAX_DEPTH + 1):
        deep = {"a": deep}
    assert len(field_of(json.dumps({"args": deep}).encode())) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_is_accepted_can_be_kept_and_is_kept_as_it_was(args: dict[str, Any]) -> None:
    try:
        data = json.dumps({"args": args}).encode()
        kept = Example.read(data).args
    except InvalidError:
        return
    assert kept == args
    assert not list(unstorable_parts(kept))
    assert "\\u0000" not in json.dumps(kept, allow_nan=False).replace("\\\\", "")  # a backslash itself is written as two


@given(st.binary())
def test_bytes_are_read_or_refused_never_anything_else(data: bytes) -> None:
    with suppress(InvalidError):
        Example.read(data)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"q": ["a", "b"]}, "q"),
        ({"p": ["a"]}, "p"),
        ({"q": ["a\0"]}, "body"),
        ({"since": ["2026-01-01T00:00:00"]}, "since"),
        ({"since": ["0.5"]}, "since"),
        ({"since": ["1767225600"]}, "since"),
        ({"since": ["0001-01-01T00:00:00+14:00"]}, "since"),
        ({"on": ["perhaps"]}, "on"),
    ],
)
def test_queries_are_refused_by_name(arguments: dict[str, list[str]], field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        Filter.read(arguments)
    assert [entry["field"] for entry in caught.value.fields] == [field]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items())
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@given(st.text())
def test_a_duration_is_finite_or_refused(text: str) -> None:
    try:
        assert 0 <= duration_s(text) < 1e15
    except ValueError as error:
        assert "5m" in str(error)


@given(st.integers(1, 10**8), st.binary(), st.binary())
def test_a_tag_tells_its_version_and_its_representation_apart(version: int, one: bytes, other: bytes) -> None:
    tag = etag(version, one)
    assert expected_version(tag) == version
    assert matches(tag, tag)
    assert matches(f'"0-00000000", W/{tag}', tag)
    assert matches(etag(version, other), tag) == (etag(version, other) == tag)


@pytest.mark.parametrize("given_tag", FOREIGN_TAGS)
def test_a_foreign_tag_matches_nothing(given_tag: str) -> None:
    with pytest.raises(PreconditionFailedError):
        expected_version(given_tag)


def test_any_version_will_do_for_a_star_or_without_a_tag() -> None:
    assert expected_version("*") is None
    assert expected_version(None) is None


def test_a_key_names_the_same_thing_only_for_the_same_asker_and_address() -> None:
    assert id_for("user:a", "/x", "k") == id_for("user:a", "/x", "k")
    assert len({id_for(who, where, key) for who in ("user:a", "user:b") for where in ("/x", "/y") for key in ("k", "l")}) == 8
    assert id_for("user:a", "/x", None) != id_for("user:a", "/x", None)


@pytest.mark.parametrize("key", ["", " ", "a b", "\n", "ä", "x" * 256])
def test_an_unusable_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidError):
        id_for("user:a", "/x", key)
