"""Waiting for a condition with a deadline; tests never sleep and hope.

Who names no deadline waits as long as a slow, stalled machine may take: that costs nothing where the condition comes true. A
deadline of the test's own is a claim, that something is sooner than what else would bring it about, and says what that is.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

Value = TypeVar("Value")
STEP_S = 0.02
PATIENCE_S = 40.0  # several starts of a process that imports everything, on a machine that is busy with other things


class _Watch:
    """What was last seen, for the message when the time is over."""

    def __init__(self, timeout_s: float, what: str) -> None:
        self.until = time.monotonic() + timeout_s
        self.timeout_s, self.what = timeout_s, what
        self.last: object = None

    def check_time(self) -> None:
        if time.monotonic() >= self.until:
            error = self.last if isinstance(self.last, BaseException) else None
            raise AssertionError(f"not within {self.timeout_s} s: {self.what}; last seen {self.last!r}") from error


def _name(predicate: object) -> str:
    code = getattr(predicate, "__code__", None)
    return f"{getattr(predicate, '__name__', predicate)} (line {code.co_firstlineno})" if code else repr(predicate)


def wait_until(predicate: Callable[[], Value], timeout_s: float = PATIENCE_S, what: str = "") -> Value:
    """Return the first true value of `predicate`; an exception counts as not yet.

    Raises:
        AssertionError: it did not become true within `timeout_s`; says what was last seen.
    """
    watch = _Watch(timeout_s, what or _name(predicate))
    while True:
        try:
            value = predicate()
            if value:
                return value
            watch.last = value
        except Exception as error:  # noqa: BLE001 - kept for the message
            watch.last = error
        watch.check_time()
        time.sleep(STEP_S)


async def eventually(predicate: Callable[[], Awaitable[Value] | Value], timeout_s: float = PATIENCE_S, what: str = "") -> Value:
    """As `wait_until`, for plain and async predicates, without blocking the loop."""
    watch = _Watch(timeout_s, what or _name(predicate))
    while True:
        try:
            value = predicate()
            if inspect.isawaitable(value):
                value = await asyncio.wait_for(value, max(0.1, watch.until - time.monotonic()))
            if value:
                return cast(Value, value)
            watch.last = value
        except Exception as error:  # noqa: BLE001 - kept for the message
            watch.last = error
        watch.check_time()
        await asyncio.sleep(STEP_S)
