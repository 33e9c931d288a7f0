"""What is wrong with a protocol: where, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lics_actors.errors import InvalidError


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where a protocol cannot be run as it stands, or (a `warning`) should be looked at."""

    path: str
    reason: str
    todo: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.reason}; {self.todo}"


class ProtocolError(InvalidError):
    """A protocol breaks the language, or cannot be run."""

    code = "PROTOCOL_INVALID"

    def __init__(self, problems: Sequence[Problem]) -> None:
        fields = tuple({"field": each.path or "(document)", "message": str(each)} for each in problems)
        super().__init__("the protocol cannot be used", fields)
        self.problems = tuple(problems)
