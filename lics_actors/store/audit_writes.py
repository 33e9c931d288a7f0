"""How acts get into the audit: each once, at the end of the one chain, whichever recorder brings them.

One lock orders all writers, of all hosts. It is taken last in a transaction, so nobody who has it waits for another lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lics_actors.store.audit_chain import SAID, Link, chained
from lics_actors.store.json_text import storable_json, storable_text
from lics_actors.store.models import METRIC_LENGTH, WORD_LENGTH
from lics_actors.store.records import Audited

AUDIT_LOCK: Final = 0x6C696376  # advisory, until the transaction ends
HEAD: Final = "SELECT n, digest FROM audit ORDER BY n DESC LIMIT 1"
_KNOWN: Final = "SELECT act, outcome FROM audit WHERE act = ANY($1::uuid[])"
# jsonb keeps no text but makes one; the digest is of that, so it is asked for first
_TEXTS: Final = """SELECT b::jsonb::text AS before, a::jsonb::text AS after
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given(b, a, place) ORDER BY place"""
_COLUMNS: Final = ("laboratory_id" if name == "laboratory" else name for name in SAID)
_INSERT: Final = (
    f"INSERT INTO audit ({', '.join(_COLUMNS)}, n, digest) "  # noqa: S608 - our own names
    f"VALUES ({', '.join(f'${place}' for place in range(1, len(SAID) + 3))})"
)
_BEFORE, _AFTER = SAID.index("before"), SAID.index("after")

Said = tuple[Any, ...]


async def write_audit(connection: Any, records: Sequence[Audited]) -> None:
    """Append acts in order, inside the transaction of `connection`; those that are there already are passed over."""
    if not records:
        return
    await connection.execute("SELECT pg_advisory_xact_lock($1)", AUDIT_LOCK)
    there = {(row["act"], row["outcome"]) for row in await connection.fetch(_KNOWN, [record.act for record in records])}
    fresh: dict[tuple[Any, str], Said] = {}
    for record in records:
        said = _said(record)
        if (key := (record.act, said[SAID.index("outcome")])) not in there:
            fresh.setdefault(key, said)
    if not fresh:
        return
    rows = await _as_kept(connection, list(fresh.values()))
    links = chained(await head(connection), rows)
    values = [(*said, link.n, link.digest) for said, link in zip(rows, links, strict=True)]
    await connection.executemany(_INSERT, values)


async def head(connection: Any) -> Link | None:
    """Return the last place of the chain, None where the audit is empty."""
    row = await connection.fetchrow(HEAD)
    return None if row is None else Link(row["n"], bytes(row["digest"]))


async def _as_kept(connection: Any, rows: list[Said]) -> list[Said]:
    texts = await connection.fetch(_TEXTS, [said[_BEFORE] for said in rows], [said[_AFTER] for said in rows])
    return [(*said[:_BEFORE], text["before"], text["after"], *said[_AFTER + 1 :]) for said, text in zip(rows, texts, strict=True)]


def _said(record: Audited) -> Said:
    """Return what a record says as the table takes it, in the order of SAID."""
    return (
        record.act,
        record.time,
        storable_text(record.principal),
        storable_text(record.action)[:METRIC_LENGTH],
        storable_text(record.target),
        storable_text(record.outcome)[:WORD_LENGTH],
        storable_text(record.origin)[:WORD_LENGTH],
        _maybe(record.reason),
        _maybe(record.remote),
        _maybe(record.request_id),
        _maybe(record.error),
        None if record.before is None else storable_json(record.before),
        None if record.after is None else storable_json(record.after),
        record.laboratory,
    )


def _maybe(text: str | None) -> str | None:
    return None if text is None else storable_text(text)
