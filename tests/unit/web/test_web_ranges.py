"""Parts of files, as `Range` asks for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.ranges import asked_span


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=50-5000", (50, 100)),
        (" bytes=3-3 ", (3, 4)),
        ("bytes=100-", None),
        ("bytes=9-3", None),
        ("bytes=-0", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=" + "9" * 19 + "-", None),
        ("bytes=٣-٤", None),
    ],
)
def test_one_part_is_read_and_all_else_ignored(header: str | None, span: tuple[int, int] | None) -> None:
    assert asked_span(header, 100) == span


@given(st.text() | st.from_regex(r"bytes=\d{0,20}-\d{0,20}", fullmatch=True), st.integers(0, 2**60))
def test_whatever_is_asked_lies_within_the_file(header: str, size: int) -> None:
    span = asked_span(header, size)
    assert span is None or 0 <= span[0] < span[1] <= size
