"""Conditions and values of a protocol: a bounded language without side effects, read and checked once. Pure.

Words are Python's (`and or not if else`, comparisons, `+ - * / %`, abs min max round floor); numbers may carry units (`500 ms`).
There are no loops, no powers, no attributes, no calls of anything else, so that an expression costs some microseconds at most.
`simpleeval` evaluates; what it is given was reduced to the few kinds of nodes below before. See docs/decisions/0022.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import floor, isfinite
from typing import Any, Final

from simpleeval import InvalidExpression, SimpleEval

from lics_actors.experiment.quantities import NUMBER, TEXT, TRUTH, UNKNOWN, is_quantity, unit_in_name, unit_of

Scope = Mapping[str, Any]

MAX_LENGTH: Final = 500  # characters
MAX_NODES: Final = 80  # some 80 µs at the very worst
MAX_NUMBER: Final = 1e15  # beyond, a float no longer counts by ones; nothing in a laboratory is so many
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {"abs": abs, "min": min, "max": max, "round": round, "floor": floor}
_OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_TEXTS = re.compile(r"('[^']*'|\"[^\"]*\")")
_WITH_UNIT = re.compile(
    r"(?<![\w.])([0-9]+(?:\.[0-9]*)?)\s*(?!and\b|or\b|if\b|else\b|not\b|e[0-9])(%(?!\s*[\w(])|[A-Za-zµμ°][\w/°]*)"
)


class ExpressionError(ValueError):
    """An expression cannot be used: it is malformed, mixes kinds, or names what is not there."""


class EvaluationError(ValueError):
    """An expression could not be evaluated with these values."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was checked. `names`: what it reads of the scope; `constant`: its value where it reads nothing."""

    text: str
    kind: str
    names: frozenset[str]
    constant: Any = None
    plain: str | None = None
    node: ast.AST | None = None
    evaluator: SimpleEval | None = field(default=None, compare=False, repr=False)

    def value(self, scope: Scope) -> Any:
        """Return its value.

        Raises:
            EvaluationError: a division by zero, a name without a value, a number too large.
        """
        if self.node is None:
            return self.constant
        try:
            if self.plain is not None:
                return scope[self.plain]
            return bounded(_evaluated(self, scope))
        except (ArithmeticError, LookupError, TypeError, ValueError, InvalidExpression) as error:
            raise EvaluationError(f"`{self.text}` has no value now: {error or type(error).__name__}") from None


def _evaluated(expression: Expression, scope: Scope) -> Any:
    evaluator = expression.evaluator
    assert evaluator is not None
    evaluator.names = scope
    return evaluator.eval(expression.text, previously_parsed=expression.node)


def bounded(value: Any) -> Any:
    """Return a value that is no number, or a finite one of a laboratory's size.

    Raises:
        ValueError: it is another number.
    """
    if isinstance(value, int | float) and not (isfinite(value) and abs(value) <= MAX_NUMBER):
        raise ValueError(f"{value!r} is too large")
    return value


def compiled(given: float | str | bool, kinds: Mapping[str, str]) -> Expression:
    """Return an expression over the names in `kinds` (name → kind of value).

    Raises:
        ExpressionError: why it cannot be used, in a sentence.
    """
    if not isinstance(given, str):
        return Expression(str(given), TRUTH if isinstance(given, bool) else NUMBER, frozenset(), given)
    if len(given) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(_marked(given).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"`{given}` is no expression: {getattr(error, 'msg', 'it is too deep')}") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES * 3:
        raise ExpressionError(f"`{given}` has too many parts; split it with variables")
    reader = _Reader(kinds)
    node, kind = reader.read(tree)
    return _finished(given, node, kind, frozenset(reader.names))


def _finished(text: str, node: ast.AST, kind: str, names: frozenset[str]) -> Expression:
    evaluator = SimpleEval(operators=_OPERATORS, functions=dict(FUNCTIONS), names={})
    made = Expression(text, kind, names, node=node, evaluator=evaluator, plain=node.id if isinstance(node, ast.Name) else None)
    if names:
        return made
    try:
        return Expression(text, kind, names, made.value({}))
    except EvaluationError as fault:
        raise ExpressionError(str(fault)) from None


def _marked(text: str) -> str:
    """Return the text with `500 ms` written as a call, which Python's grammar can read."""
    parts = _TEXTS.split(text)
    return "".join(part if n % 2 else _WITH_UNIT.sub(r"unit(\1,'\2')", part) for n, part in enumerate(parts))


def _dotted(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
        case _:
            return None


class _Reader:
    """Reduces a parsed expression to what is allowed, flat names and base units, and finds its kind."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self.names: set[str] = set()

    def read(self, node: ast.AST) -> tuple[ast.expr, str]:
        match node:
            case ast.Constant(value=bool()):
                return ast.Constant(node.value), TRUTH
            case ast.Constant(value=int() | float() as number):
                return self._number(number), NUMBER
            case ast.Constant(value=str()):
                return ast.Constant(node.value), TEXT
            case ast.Name() | ast.Attribute():
                return self._name(node)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, args)
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                return self._unary(node, operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._arithmetic(left, op, right)
            case ast.BoolOp(values=values):
                read = [self._of(TRUTH, each) for each in values]
                return ast.BoolOp(node.op, read), TRUTH
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                first, second = self.read(body), self.read(orelse)
                kind = self._same(first[1], second[1], "both sides of `else`")
                return ast.IfExp(self._of(TRUTH, test), first[0], second[0]), kind
            case _:
                raise ExpressionError(f"`{ast.unparse(node)}` is not in the language of protocols")

    def _number(self, number: float) -> ast.expr:
        if not abs(number) <= MAX_NUMBER:
            raise ExpressionError(f"the number {number:g} is too large")
        return ast.Constant(number)

    def _name(self, node: ast.AST) -> tuple[ast.expr, str]:
        name = _dotted(node)
        if name is None or name not in self._kinds:
            near = ", ".join(sorted(each for each in self._kinds if each[0] == (name or "?")[0])[:8])
            raise ExpressionError(f"nothing is called `{ast.unparse(node)}`" + (f"; there are: {near}" if near else ""))
        self.names.add(name)
        kind = self._kinds[name]
        if name.startswith("event.") and kind != UNKNOWN:
            _, factor = unit_in_name(name)
            if factor != 1.0:
                return ast.BinOp(ast.Name(name), ast.Mult(), ast.Constant(factor)), kind
        return ast.Name(name), kind

    def _call(self, name: str, args: list[ast.expr]) -> tuple[ast.expr, str]:
        match name, args:
            case "unit", [ast.Constant(value=number), ast.Constant(value=str(unit))]:
                try:
                    kind, factor = unit_of(unit)
                except ValueError as error:
                    raise ExpressionError(str(error)) from None
                return self._number(float(number) * factor), kind  # type: ignore[arg-type]
            case (("abs" | "round" | "floor"), [only]):
                node, kind = self.read(only)
                return ast.Call(ast.Name(name), [node], []), self._countable(kind, name)
            case (("min" | "max"), [_, _, *_]):
                read = [self.read(each) for each in args]
                kind = self._countable(read[0][1], name)
                for _, other in read[1:]:
                    kind = self._same(kind, other, f"what `{name}` compares")
                return ast.Call(ast.Name(name), [each for each, _ in read], []), kind
        raise ExpressionError(f"`{name}` with {len(args)} arguments is no function; there are: {', '.join(FUNCTIONS)}")

    def _unary(self, node: ast.UnaryOp, operand: ast.expr) -> tuple[ast.expr, str]:
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, self._of(TRUTH, operand)), TRUTH
        inner, kind = self.read(operand)
        return ast.UnaryOp(node.op, inner), self._countable(kind, "-")

    def _arithmetic(self, left: ast.expr, op: ast.operator, right: ast.expr) -> tuple[ast.expr, str]:
        (first, one), (second, two) = self.read(left), self.read(right)
        self._countable(one, "arithmetic")
        self._countable(two, "arithmetic")
        return ast.BinOp(first, op, second), self._result(op, one, two)

    def _result(self, op: ast.operator, one: str, two: str) -> str:
        if isinstance(op, ast.Mult):
            if NUMBER not in {one, two} and UNKNOWN not in {one, two}:
                raise ExpressionError(f"{one} times {two} has no unit here")
            return UNKNOWN if UNKNOWN in {one, two} else two if one == NUMBER else one
        if isinstance(op, ast.Div):
            return UNKNOWN if UNKNOWN in {one, two} else one if two == NUMBER else self._ratio(one, two)
        return self._same(one, two, "both sides of + or -")

    def _ratio(self, one: str, two: str) -> str:
        self._same(one, two, "both sides of /")
        return NUMBER

    def _comparison(self, node: ast.Compare) -> tuple[ast.expr, str]:
        read = [self.read(each) for each in (node.left, *node.comparators)]
        for op, (_, one), (_, two) in zip(node.ops, read, read[1:], strict=False):
            if type(op) not in _OPERATORS:
                raise ExpressionError("`in` and `is` are not in the language of protocols; compare with == and `or`")
            self._same(one, two, "both sides of a comparison")
            if not isinstance(op, ast.Eq | ast.NotEq):
                self._countable(one, "an order")
        return ast.Compare(read[0][0], node.ops, [each for each, _ in read[1:]]), TRUTH

    def _of(self, wanted: str, node: ast.AST) -> ast.expr:
        read, kind = self.read(node)
        if kind not in {wanted, UNKNOWN}:
            raise ExpressionError(f"`{ast.unparse(node)}` is a {kind} where a {wanted} is needed")
        return read

    def _same(self, one: str, two: str, what: str) -> str:
        if one != two and UNKNOWN not in {one, two}:
            raise ExpressionError(f"{what} must be of one kind, here are {one} and {two}" + _hint(one, two))
        return two if one == UNKNOWN else one

    def _countable(self, kind: str, what: str) -> str:
        if not is_quantity(kind):
            raise ExpressionError(f"{what} needs numbers, not {kind}")
        return kind


def _hint(one: str, two: str) -> str:
    return "; give the number its unit, as in `500 ms`" if NUMBER in {one, two} else ""
