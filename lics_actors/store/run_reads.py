"""What happened in a run: trials, rewards, annotations, steps; and the whole record, from which it can be replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from lics_actors.errors import RunNotFoundError
from lics_actors.store.connection import ANSWER_S, READ_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.json_text import json_value
from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped

Item = TypeVar("Item")
MAX_PAGE: Final = 500
_TRIALS: Final = """SELECT * FROM trial WHERE run_id = $1 AND ($2::bigint IS NULL OR number > $2)
    AND ($3::text IS NULL OR outcome = $3) ORDER BY number LIMIT $4"""
_REWARDS: Final = """SELECT * FROM reward WHERE run_id = $1 AND ($2::bigint IS NULL OR (n, id) > ($2, $3::uuid))
    ORDER BY n, id LIMIT $4"""
_STEPS: Final = """SELECT n, record FROM run_event WHERE run_id = $1 AND ($2::bigint IS NULL OR n > $2)
    AND ($3::text IS NULL OR kind = $3) ORDER BY n LIMIT $4"""
_NOTES: Final = "SELECT * FROM annotation WHERE run_id = $1 AND ($2::bigint IS NULL OR n > $2) ORDER BY n LIMIT $3"
_OPENED: Final = "SELECT opened FROM run WHERE id = $1"
_WHOLE: Final = "SELECT record FROM run_event WHERE run_id = $1 ORDER BY n"
_REACTIONS: Final = "SELECT * FROM run_reaction WHERE run_id = $1 ORDER BY n, command_id"
_opened: Final = msgspec.msgpack.Decoder(RunOpened)
_stepped: Final = msgspec.msgpack.Decoder(RunStepped)


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial. `_s`: seconds on the run's axis; `outcome` None: it is open."""

    run_id: UUID
    number: int
    block: str
    drawn: Mapping[str, Any]
    began_at: datetime
    began_s: float
    outcome: str | None
    reason: str
    rewarded: float
    ended_at: datetime | None
    ended_s: float | None


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward by the id of its command. `principal` None: the protocol's; `barred`: why it was not sent."""

    id: UUID
    run_id: UUID
    trial: int
    n: int
    role: str
    amount: float
    principal: str | None
    barred: str | None
    time: datetime
    at_s: float
    outcome: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down."""

    run_id: UUID
    n: int
    time: datetime
    at_s: float
    principal: str
    text: str


@dataclass(frozen=True, slots=True)
class RunHistory:
    """A run's whole record, as its journal had it; `opened` None: it has not come yet."""

    opened: RunOpened | None
    steps: tuple[RunStepped, ...]
    reacted: tuple[RunReacted, ...]


class RunReads(Connected):
    """This part of the repository. Lists are in the order of the run, and empty where there is no such run."""

    async def run_trials(
        self, run_id: UUID, outcome: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Trial]:
        """Return trials, of one outcome or all.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        after = decode_cursor("trials", cursor, tuple[int]) or (None,)
        rows = await self._some(_TRIALS, limit, run_id, *after, outcome)
        return page("trials", rows, limit, lambda row: (row["number"],), _kept(Trial, "drawn"))

    async def run_rewards(self, run_id: UUID, limit: int = 100, cursor: str | None = None) -> Page[Reward]:
        """Return rewards, those that were barred as well.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        after = decode_cursor("rewards", cursor, tuple[int, UUID]) or (None, None)
        rows = await self._some(_REWARDS, limit, run_id, *after)
        return page("rewards", rows, limit, lambda row: (row["n"], row["id"]), _kept(Reward))

    async def run_notes(self, run_id: UUID, limit: int = 100, cursor: str | None = None) -> Page[Note]:
        """Return what people wrote down.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        after = decode_cursor("notes", cursor, tuple[int]) or (None,)
        rows = await self._some(_NOTES, limit, run_id, *after)
        return page("notes", rows, limit, lambda row: (row["n"],), _kept(Note))

    async def run_steps(
        self, run_id: UUID, kind: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[RunStepped]:
        """Return steps: what was heard, of one kind or all, and what was decided.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        after = decode_cursor("steps", cursor, tuple[int]) or (None,)
        rows = await self._some(_STEPS, limit, run_id, *after, kind)
        return page("steps", rows, limit, lambda row: (row["n"],), lambda row: _stepped.decode(row["record"]))

    async def run_history(self, run_id: UUID) -> RunHistory:
        """Return the whole record of a run, as of one moment.

        Raises:
            RunNotFoundError, DatabaseUnavailableError
        """
        async with self.snapshot(READ_S) as connection:
            row = await connection.fetchrow(_OPENED, run_id)
            if row is None:
                raise RunNotFoundError(f"no run {run_id}", run_id=str(run_id))
            steps = tuple(_stepped.decode(each["record"]) for each in await connection.fetch(_WHOLE, run_id))
            reacted = tuple(_reaction(each) for each in await connection.fetch(_REACTIONS, run_id))
        opened = None if row["opened"] is None else _opened.decode(row["opened"])
        return RunHistory(opened, steps, reacted)

    async def _some(self, query: str, limit: int, *values: Any) -> list[Any]:
        checked_limit(limit, MAX_PAGE)
        async with self.raw(ANSWER_S) as connection:
            rows: list[Any] = await connection.fetch(query, *values, limit + 1)
        return rows


def _kept(kind: type[Item], *json: str) -> Callable[[Any], Item]:
    """Return what makes a `kind` of a row, with some columns read as JSON."""
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]

    def made(row: Any) -> Item:
        return kind(
            **{name: json_value(row[name]) if name in json and isinstance(row[name], str) else row[name] for name in names}
        )

    return made


def _reaction(row: Mapping[str, Any]) -> RunReacted:
    return RunReacted(row["run_id"], row["n"], row["command_id"], row["heard"], row["decided"], row["left_at"])
