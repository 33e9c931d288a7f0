"""What people type, and what it means."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.cli.words import age, pairs, span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("500ms", 0.5), ("1.5h", 5400), ("1w", 604_800)],
)
def test_a_length_of_time(text: str, seconds: float) -> None:
    assert span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "5m!", "1e3s", "0s", "five", "99999999999999999d", "½h", "５"])
def test_no_length_of_time(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        span(text)


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with contextlib.suppress(typer.BadParameter):
        assert span(text) > timedelta()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=1", 1),
        ("x=1.5", 1.5),
        ("x=true", True),
        ("x=null", None),
        ("x=left", "left"),
        ('x="1"', "1"),
        ("x=[1,2]", [1, 2]),
        ('x={"a":1}', {"a": 1}),
        ("x=", ""),
        ("x=a=b", "a=b"),
        ("x=NaN", "NaN"),
        ("x=-Infinity", "-Infinity"),
        ("x=" + "[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_json_or_else_text(word: str, value: Any) -> None:
    assert pairs([word]) == {"x": value}


@pytest.mark.parametrize("words", [["x"], ["=1"], [""], ["x=1", "x=2"]])
def test_what_is_no_pair_is_refused(words: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        pairs(words)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"), (90_000, "1d01h")],
)
def test_an_age_in_two_units(seconds: float, text: str) -> None:
    assert age(seconds) == text
