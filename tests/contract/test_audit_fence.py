"""The audit in a real database: added to and nothing else, one chain whoever writes, and every change found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from lics_actors.anchors import anchor_path, read_anchor
from lics_actors.audit_check import verify
from lics_actors.recorder.anchoring import Anchoring
from lics_actors.recorder.database import Database
from lics_actors.services.postgres import Postgres
from lics_actors.store.audit_chain import Link
from lics_actors.store.migrate import downgrade, upgrade
from lics_actors.store.records import Audited
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import ship_journal
from tests.contract.store_rows import at

AWKWARD = {"n": 1e300, "m": -0.0, "b": 2**70, "f": 0.1, "t": [1e-7, "\x00ä\u2028", None, True], "Z": {"b": 1, "a": 2}}


def act(n: int, outcome: str = "ok", **more: Any) -> Audited:
    return Audited(UUID(int=n), at(n), f"user:{n}", "fleet.drain", f"rack:{n}", outcome, "rest", **more)


async def shipped(repository: Repository, *acts: Audited) -> None:
    await ship_journal(repository, uuid4(), list(enumerate(acts, 1)))


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def unfenced(url: str, *statements: str) -> None:
    """Do as somebody who has got the server itself."""
    off, on = "ALTER TABLE audit DISABLE TRIGGER audit_stays", "ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_stays"
    await execute(url, off, *statements, on)


@dataclass
class House:
    """A database of two roles, on the session's server."""

    url: str
    owner_url: str
    role: str


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A database whose tables are the superuser's, and a role of LICS's own."""
    role = f"r_{uuid4().hex[:8]}"
    await execute(database_url, f"CREATE ROLE {role} LOGIN PASSWORD '{role}'")
    parts = urlsplit(database_url)
    own = urlunsplit(parts._replace(netloc=f"{role}:{role}@{parts.netloc.rpartition('@')[2]}"))
    assert await upgrade(database_url, application_url=own) == []
    yield House(own, database_url, role)
    await execute(database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.fixture
async def ours(house: House) -> AsyncIterator[Repository]:
    """The repository of LICS's own role."""
    repository = await Repository.connect(house.url)
    yield repository
    await repository.close()


CHANGES = (
    "UPDATE audit SET principal = 'nobody'",
    "UPDATE audit SET principal = 'nobody' WHERE false",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "INSERT INTO audit SELECT * FROM audit ON CONFLICT (act, outcome) DO UPDATE SET principal = 'nobody'",
)
POWERS = (
    "DROP TABLE audit",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "ALTER TABLE audit RENAME TO other",
    "DROP FUNCTION lics_audit_stays() CASCADE",
    "CREATE OR REPLACE FUNCTION lics_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    "CREATE RULE r AS ON INSERT TO audit DO INSTEAD NOTHING",
    "DROP SCHEMA public CASCADE",
    "CREATE TABLE public.audit2 (n int)",
    "SET session_replication_role = replica",
    "DELETE FROM aerich",
)


async def test_lics_may_add_and_read_and_nothing_else(house: House, ours: Repository) -> None:
    await shipped(ours, act(1, before=AWKWARD, laboratory=UUID(int=1)), act(2))
    for statement in (*CHANGES, *POWERS):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await execute(house.url, statement)
    fence = await ours.audit_fence()
    assert (fence.role, fence.powers, fence.trigger, fence.holds) == (house.role, (), True, True)
    found = await verify(ours, ())
    assert (found.whole, found.rows) == (True, 2)


async def test_the_trigger_refuses_the_owner_too(house: House, ours: Repository) -> None:
    await shipped(ours, act(1))
    for statement in CHANGES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added to"):
            await execute(house.owner_url, "SET session_replication_role = replica", statement)
    owner = await Repository.connect(house.owner_url)
    fence = await owner.audit_fence()
    await owner.close()
    assert not fence.holds
    assert {"it is a superuser", "it owns the table", "it may truncate"} <= set(fence.powers)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit SET reason = 'another' WHERE n = 3", [("changed", 3, 3)]),
        ("UPDATE audit SET after = '{\"a\": 2}' WHERE n = 4", [("changed", 4, 4)]),
        ("UPDATE audit SET time = time + interval '1 microsecond' WHERE n = 5", [("changed", 5, 5)]),
        ("DELETE FROM audit WHERE n IN (2, 3)", [("missing", 2, 3)]),
        ("DELETE FROM audit WHERE n > 7", [("truncated", 8, 9)]),
        ("DELETE FROM audit", [("truncated", 1, 9)]),
        ("UPDATE audit SET n = CASE n WHEN 4 THEN -5 ELSE -4 END WHERE n IN (4, 5)", [("changed", 4, 4), ("changed", 5, 5)]),
        ("DELETE FROM audit WHERE n = 1", [("missing", 1, 1)]),
    ],
)
async def test_whoever_has_the_server_changes_nothing_unseen(
    house: House, ours: Repository, data_dir: Path, statement: str, told: list[tuple[str, int, int]]
) -> None:
    await shipped(ours, *(act(n, after={"a": 1}) for n in range(1, 10)))
    database = Database(house.url)
    anchoring = Anchoring(anchor_path(data_dir), database)
    await anchoring.move()
    anchor = read_anchor(anchor_path(data_dir))
    assert anchor is not None
    assert (anchoring.broken, anchor.n) == (None, 9)
    await unfenced(house.owner_url, statement, "UPDATE audit SET n = -n WHERE n < 0")
    found = await verify(ours, [anchor])
    breaks = found.document()["broken"]
    assert [(each["what"], each["from"], each["to"]) for each in breaks[: len(told)]] == told
    assert not found.whole
    await anchoring.move()
    assert (anchoring.broken is not None) == ("truncated" in {each[0] for each in told})
    assert read_anchor(anchor_path(data_dir)) == anchor, "the anchor is not moved over what is broken"
    await database.close()


async def test_a_chain_made_anew_does_not_take_the_anchor_along(house: House, ours: Repository, data_dir: Path) -> None:
    await shipped(ours, act(1), act(2))
    database = Database(house.url)
    anchoring = Anchoring(anchor_path(data_dir), database)
    await anchoring.move()
    anchor = read_anchor(anchor_path(data_dir))
    await unfenced(house.owner_url, "DELETE FROM audit")
    await shipped(ours, act(1, reason="another"), act(2), act(3))
    await anchoring.move()
    assert anchoring.broken is not None
    assert "is another one" in anchoring.broken
    assert read_anchor(anchor_path(data_dir)) == anchor
    found = await verify(ours, [anchor] if anchor else [])
    assert [each["what"] for each in found.document()["broken"]] == ["rewritten"]
    await database.close()


async def test_all_recorders_write_one_chain(database_url: str) -> None:
    repositories = [await Repository.connect(database_url) for _ in range(4)]

    async def recorder(which: int) -> None:
        journal, repository = uuid4(), repositories[which]
        for batch in range(10):
            first = 1000 * which + 10 * batch
            entries = [(first + n + 1, act(first + n, before=AWKWARD)) for n in range(10)]
            await ship_journal(repository, journal, entries)
            await ship_journal(repository, uuid4(), entries)  # the same acts once more, as if it was another journal

    try:
        await asyncio.gather(*map(recorder, range(4)))
        found = await verify(repositories[0], ())
        assert (found.rows, found.head.n, found.broken) == (400, 400, ())
    finally:
        for repository in repositories:
            await repository.close()


async def test_what_was_there_before_the_chain_is_in_it(house: House) -> None:
    await downgrade(house.owner_url, to=7)
    insert = """INSERT INTO audit (act, time, principal, action, target, outcome, origin, before)
        SELECT gen_random_uuid(), now(), 'user:' || n, 'x.y', 't', 'ok', 'cli', '{"a": 1.50, "ü": [1e3]}'
        FROM generate_series(1, 2345) n"""
    await execute(house.owner_url, insert)
    await upgrade(house.owner_url, application_url=house.url)
    repository = await Repository.connect(house.url)
    await shipped(repository, act(1))
    found = await verify(repository, [Link(1, await repository.audit_digest(1) or b"")])
    fence = await repository.audit_fence()
    await repository.close()
    assert (found.rows, found.broken, fence.holds) == (2346, (), True)


async def test_a_cluster_whose_tables_were_licss_own_is_taken_over(data_dir: Path, free_port: Callable[[], int]) -> None:
    server = Postgres(data_dir / "pg", data_dir / "pg.log", free_port(), "a" * 32, "b" * 32, safe=False)
    await server.start()
    await execute(server.owner_url, "ALTER DATABASE lics OWNER TO lics")
    await upgrade(server.url)  # as before there were two roles
    await server.stop()
    await server.start()
    assert await upgrade(server.owner_url, application_url=server.url) == []
    repository = await Repository.connect(server.url)
    await shipped(repository, act(1))
    assert (await repository.audit_fence()).holds
    await repository.close()
    await server.stop()


async def test_one_role_for_both_is_said_honestly(database_url: str) -> None:
    repository = await Repository.connect(database_url)
    fence = await repository.audit_fence()
    await repository.close()
    assert not fence.holds
    assert fence.trigger


async def test_acts_are_found_by_all_they_say(database_url: str) -> None:
    repository = await Repository.connect(database_url)
    here = UUID(int=1)
    await shipped(
        repository,
        act(1, reason="Cleaning the cage"),
        act(2, error="NODE_NOT_FOUND: 50 % of _it_", laboratory=here),
        act(3, after={"mode": "Drained"}, remote="10.0.0.7"),
    )

    async def targets(**chosen: Any) -> list[str]:
        from lics_actors.store.audits import AuditFilter

        return [each.target for each in (await repository.acts(AuditFilter(**chosen))).items]

    assert await targets(text="cleaning") == ["rack:1"]
    assert await targets(text="50 % of _IT") == ["rack:2"]
    assert await targets(text="%") == ["rack:2"]
    assert await targets(text="drained") == ["rack:3"]
    assert await targets(text="10.0.0.7", remote="10.0.0.7") == ["rack:3"]
    assert await targets(laboratories=frozenset({here})) == ["rack:2"]
    assert await targets(laboratories=frozenset()) == []
    assert await targets(start=datetime(2030, 1, 1, tzinfo=UTC)) == []
    assert await targets(origin="rest", principal="user:1") == ["rack:1"]
    await repository.close()
