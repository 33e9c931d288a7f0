"""What ends a bench with a sentence instead of a figure."""

from __future__ import annotations


class BenchError(Exception):
    """A bench cannot go on; `next_step` says what to do about it."""

    def __init__(self, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message, self.next_step = message, next_step
