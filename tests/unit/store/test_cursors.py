"""Cursors go out and come back, and what is none is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from lics_actors.store.cursors import checked_limit, decode_cursor, encode_cursor, page

KEY = tuple[datetime, UUID, str, int]
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
TEXT = st.text(st.characters(codec="utf-8"), max_size=100)


@given(st.tuples(TIMES, st.uuids(), TEXT, st.integers(-(2**63), 2**63 - 1)))
def test_a_key_comes_back_as_it_was(key: tuple[Any, ...]) -> None:
    cursor = encode_cursor("list", key)
    assert decode_cursor("list", cursor, KEY) == key
    assert cursor.replace("-", "").replace("_", "").isalnum()
    with pytest.raises(InvalidError):
        decode_cursor("other", cursor, KEY)


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.text("Wy0=_-", max_size=9)))
def test_garbage_is_refused_and_nothing_worse(cursor: str) -> None:
    with pytest.raises(InvalidError) as caught:
        decode_cursor("list", cursor, KEY)
    assert caught.value.fields[0]["field"] == "cursor"


@given(st.lists(st.one_of(st.none(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False)), max_size=6))
def test_keys_of_another_shape_are_refused(values: list[Any]) -> None:
    with pytest.raises(InvalidError):
        decode_cursor("list", encode_cursor("list", tuple(values)), KEY)


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor("list", None, KEY) is None


@given(st.lists(st.integers(), max_size=20, unique=True), st.integers(1, 25))
def test_a_page_has_a_next_only_if_there_is_more(rows: list[int], limit: int) -> None:
    made = page("list", rows[: limit + 1], limit, lambda row: (row,), str)
    assert made.items == [str(row) for row in rows[:limit]]
    assert (made.next is None) == (len(rows) <= limit)
    if made.next is not None:
        assert decode_cursor("list", made.next, tuple[int]) == (rows[limit - 1],)


@pytest.mark.parametrize(("limit", "good"), [(0, False), (1, True), (10, True), (11, False), (-1, False)])
def test_limits(limit: int, good: bool) -> None:
    if good:
        assert checked_limit(limit, 10) == limit
    else:
        with pytest.raises(InvalidError):
            checked_limit(limit, 10)
