"""Waiting no longer than it is worth for somebody who may never answer, without waiting for him to be let go of either."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def within(seconds: float, work: Awaitable[Result]) -> Result:
    """Return what `work` returns.

    It is not cancelled when the time is over, but ends behind this, bounded by itself: taking back a question to a hung
    database waits for the database again.

    Raises:
        TimeoutError: it did not answer in time.
    """
    task: asyncio.Future[Result] = asyncio.ensure_future(work)
    task.add_done_callback(_heard)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        raise TimeoutError
    return task.result()


def _heard(task: asyncio.Future[Any]) -> None:
    """Take an answer for which nobody waits any more, so that asyncio need not complain."""
    if not task.cancelled():
        task.exception()


class Patience:
    """Whether to ask again somebody who gave no answer: for `rest_s` seconds not."""

    def __init__(self, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest_s, self._clock = rest_s, clock
        self._until = float("-inf")

    @property
    def lasts(self) -> bool:
        """Return whether it is worth asking."""
        return self._clock() >= self._until

    def was_tried(self) -> None:
        """Note that there was no answer."""
        self._until = self._clock() + self._rest_s
