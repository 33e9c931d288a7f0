"""The expression language: bounded, typed, without side effects."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.experiment.expressions import EvaluationError, ExpressionError, bounded, compiled
from lics_actors.experiment.quantities import Literal, literal, told, unit_in_name, unit_of

KINDS = {
    "n": "number",
    "m": "number",
    "t": "time",
    "v": "volume",
    "yes": "truth",
    "word": "text",
    "any": "unknown",
    "event.x": "number",
    "event.duration_ms": "time",
    "event.loose": "unknown",
    "block.index": "number",
}
SCOPE = {
    "n": 3,
    "m": 4.5,
    "t": 2.0,
    "v": 10.0,
    "yes": True,
    "word": "a",
    "any": 7,
    "event.x": 5,
    "event.duration_ms": 80,
    "block.index": 2,
}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1", "number", 1),
        ("500 ms", "time", 0.5),
        ("2 min + 1 s", "time", 121),
        ("1.5 ml", "volume", 1500),
        ("5 % n", "number", 2),
        ("5 %", "percent", 5),
        ("t + 500 ms", "time", 2.5),
        ("2 * v", "volume", 20),
        ("v * 2", "volume", 20),
        ("v / 2", "volume", 5),
        ("t / 1 s", "number", 2),
        ("t > 1 s and not yes or n == 3", "truth", True),
        ("1 < n < 4", "truth", True),
        ("'left' if yes else 'right'", "text", "left"),
        ("word == '5 s'", "truth", False),
        ("-n", "number", -3),
        ("min(n, m, 1)", "number", 1),
        ("max(t, 3 s)", "time", 3),
        ("floor(m) + round(m) + abs(-1)", "number", 9),
        ("event.duration_ms > 50 ms", "truth", True),
        ("event.duration_ms", "time", 0.08),
        ("any + n", "number", 10),
        ("any * v", "unknown", 70),
        ("any == word", "truth", False),
        ("word", "text", "a"),
        ("block.index", "number", 2),
        ("not any == 1", "truth", True),
        ("yes == True", "truth", True),
    ],
)
def test_what_expressions_mean(text: str, kind: str, value: object) -> None:
    made = compiled(text, KINDS)
    assert made.kind == kind
    assert made.value(SCOPE) == value


def test_constants_are_evaluated_once() -> None:
    assert compiled(True, {}).kind == "truth"
    assert compiled(2.5, {}).value({}) == 2.5
    assert compiled("2 * 3", {}).node is None
    assert compiled("2 * 3", {}).constant == 6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no expression"),
        ("1 +", "no expression"),
        ("(" * 300, "no expression"),
        ("a" * 501, "longer than 500"),
        ("+".join("n" for _ in range(200)), "too many parts"),
        ("nothing", "nothing is called `nothing`"),
        ("event.y", "there are: event.duration_ms, event.loose, event.x"),
        ("block.index.real", "nothing is called"),
        ("n.real", "nothing is called"),
        ("__import__('os')", "no function"),
        ("n()", "no function"),
        ("min(n)", "no function"),
        ("max(*n)", "not in the language|is no function|nothing"),
        ("round(n, 2)", "no function"),
        ("unit(1, 'furlong')", "there is no unit"),
        ("5 furlong", "there is no unit 'furlong'"),
        ("2 ** 9", "not in the language"),
        ("1 << 9", "not in the language"),
        ("n // 2", "not in the language"),
        ("[1]", "not in the language"),
        ("{}", "not in the language"),
        ("lambda: 1", "not in the language"),
        ("[x for x in n]", "not in the language"),
        ("word[0]", "not in the language"),
        ("f'{n}'", "not in the language"),
        ("(n := 1)", "not in the language"),
        ("~n", "not in the language"),
        ("None", "not in the language"),
        ("1j", "no unit 'j'"),
        ("n in word", "`in` and `is`"),
        ("n is 3", "`in` and `is`"),
        ("word + word", "needs numbers, not text"),
        ("word < word", "needs numbers, not text"),
        ("-word", "needs numbers"),
        ("abs(yes)", "needs numbers"),
        ("n and yes", "a number where a truth is needed"),
        ("not n", "a number where a truth is needed"),
        ("1 if n else 2", "a number where a truth is needed"),
        ("t > 5", "give the number its unit"),
        ("t > v", "here are time and volume"),
        ("t + v", "here are time and volume"),
        ("t * v", "time times volume has no unit"),
        ("t / v", "both sides of /"),
        ("min(t, v)", "what `min` compares"),
        ("1 if yes else 'a'", "both sides of `else`"),
        ("1 / 0", "no value"),
        ("1e16", "too large"),
        ("1e999", "too large"),
        ("1e15 * 10", "no value now"),
    ],
)
def test_what_is_refused_and_why(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        compiled(text, KINDS)


@pytest.mark.parametrize(
    ("text", "scope"),
    [("n / m", {"n": 1, "m": 0}), ("n + 1", {}), ("n", {}), ("n + m", {"n": 1, "m": "x"}), ("any < n", {"any": None, "n": 1})],
)
def test_what_has_no_value_now_is_said(text: str, scope: dict[str, object]) -> None:
    with pytest.raises(EvaluationError, match="has no value now"):
        compiled(text, KINDS).value(scope)


def test_numbers_stay_of_a_laboratorys_size() -> None:
    square = compiled("n * n", {"n": "number"})
    n: object = 10
    with pytest.raises(EvaluationError):
        for _ in range(100):
            n = square.value({"n": n})
    assert bounded("text") == "text"


@given(st.text(max_size=600))
def test_any_text_is_read_or_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    try:
        made = compiled(text, KINDS)
        made.value(SCOPE)
    except (ExpressionError, EvaluationError):
        pass
    assert time.perf_counter() - began < 1.0


@given(
    st.recursive(
        st.sampled_from(["n", "t", "yes", "1", "2 s", "'a'", "any"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "<", "==", "and", "or"]), inner).map(
                lambda each: f"({each[0]} {each[1]} {each[2]})"
            ),
            inner.map(lambda each: f"not {each}"),
            inner.map(lambda each: f"-{each}"),
            st.tuples(inner, inner).map(lambda each: f"min({each[0]}, {each[1]})"),
        ),
        max_leaves=12,
    )
)
def test_what_was_accepted_has_the_kind_it_says(text: str) -> None:
    try:
        made = compiled(text, KINDS)
        value = made.value(SCOPE)
    except (ExpressionError, EvaluationError):
        return
    match made.kind:
        case "truth":
            assert isinstance(value, bool)
        case "text":
            assert isinstance(value, str)
        case "number" | "time":
            assert isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            assert made.kind == "unknown"


def test_literals() -> None:
    assert literal(True) == Literal(True, "truth")
    assert literal(3) == Literal(3, "number")
    assert literal("3.5") == Literal(3.5, "number")
    assert literal("10 ul") == Literal(10, "volume")
    assert literal("-2ms") == Literal(-0.002, "time")
    assert literal("5 %") == Literal(5, "percent")
    assert literal("star fish") == Literal("star fish", "text")
    with pytest.raises(ValueError, match="no unit 'galons'"):
        literal("10 galons")


def test_units_in_names() -> None:
    assert unit_in_name("volume_ul") == ("volume", 1.0)
    assert unit_in_name("rate_ul_s") == ("flow", 1.0)
    assert unit_in_name("duration_ms") == ("time", 1e-3)
    assert unit_in_name("pellets") == ("pellets", 1.0)
    assert unit_in_name("x") == ("number", 1.0)
    assert unit_in_name("s") == ("number", 1.0)
    assert unit_of("µl") == unit_of("ul")


def test_quantities_for_people() -> None:
    assert [told(*each) for each in ((90.0, "time"), (2.0, "time"), (1500.0, "volume"), (8.0, "volume"))] == [
        "1.5 min",
        "2 s",
        "1.5 ml",
        "8 ul",
    ]
    assert [told(*each) for each in ((2.5, "number"), (3, "number"), ("star", "text"), (True, "truth"), (None, "time"))] == [
        "2.5",
        "3",
        "star",
        "True",
        "None",
    ]
