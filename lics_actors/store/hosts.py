"""Several hosts over one database: who lives, by the database's clock, who is to have which duty, and who has it.

`host` of a duty is who is to have it, `holder` who may be at it. A holder is followed only once he has let go, or is presumed
dead: silent for DEAD_S, and fenced. His heartbeat and the claims of others lock his row, so that each sees the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.errors import ConflictError, HostNotFoundError
from lics_actors.hosts.placement import ALIVE, RECORDING, Host, HostState, host_state, place
from lics_actors.store.connection import ANSWER_S, Connected

HOSTS_LOCK: Final = 0x6C696368  # advisory, for a transaction: one arranges at a time
FROZEN_MS: Final = 2000
BEAT_S: Final = 1.5  # a heartbeat that takes longer has failed: the next one is due

_COLUMNS: Final = """h.name, h.instance, h.generation, h.address, h.port, h.sites, h.fenced, h.gone, h.drained_at, h.drained_by,
    h.version, h.joined_at, extract(epoch FROM clock_timestamp() - h.heartbeat_at)::float8 AS age_s"""
_JOIN: Final = """INSERT INTO fleet_host
        (name, instance, generation, address, port, sites, fenced, gone, version, joined_at, heartbeat_at)
    VALUES ($1, $2, 1, $3, $4, $5, $6, false, $7, clock_timestamp(), clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET instance = $2, generation = fleet_host.generation + 1, address = $3, port = $4, sites = $5,
        fenced = $6, gone = false, version = $7, joined_at = clock_timestamp(), heartbeat_at = clock_timestamp()
    RETURNING generation"""
_BEAT: Final = "UPDATE fleet_host SET heartbeat_at = clock_timestamp(), fenced = $3 WHERE name = $1 AND generation = $2"
_PENDING: Final = """SELECT duty, host, holder FROM fleet_duty
    WHERE host IS DISTINCT FROM holder AND (host = $1 OR holder = $1)"""
_ARRANGED: Final = """INSERT INTO fleet_duty (duty, host, generation, since)
    SELECT duty, host, 0, clock_timestamp() FROM unnest($1::text[], $2::text[]) AS wanted(duty, host)
    ON CONFLICT (duty) DO UPDATE SET host = excluded.host"""
_CLAIM: Final = """UPDATE fleet_duty SET holder = $1, generation = generation + 1, since = clock_timestamp()
    WHERE duty = ANY($2::text[]) AND host = $1 AND (holder IS NULL OR holder = $1 OR holder = ANY($3::text[]))
    RETURNING duty"""
_TRIPPED: Final = "SELECT id FROM device WHERE id = ANY($1::uuid[]) AND safety = 'tripped'"
_RELEASE: Final = """UPDATE fleet_duty SET holder = NULL, since = clock_timestamp()
    WHERE duty = ANY($2::text[]) AND holder = $1 AND host IS DISTINCT FROM $1"""
_DRAIN: Final = """UPDATE fleet_host SET drained_at = CASE WHEN $2 THEN clock_timestamp() END,
    drained_by = CASE WHEN $2 THEN $3 END WHERE name = $1"""
_RECORD: Final = "INSERT INTO fleet_event (time, node, kind, principal, reason) VALUES (now(), $1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host as the table has it. `age_s`: of its last heartbeat; `port`: its FleetSupervisor's; `duties`: how many it holds."""

    name: str
    instance: UUID
    generation: int
    address: str
    port: int
    sites: tuple[str, ...]
    fenced: bool
    state: HostState
    age_s: float
    version: str
    joined_at: datetime
    drained_by: str | None = None
    duties: int = 0

    @property
    def host(self) -> Host:
        """Return what placement needs of it."""
        return Host(self.name, self.sites, self.state)


@dataclass(frozen=True, slots=True)
class Joining:
    """What a host says of itself when it joins. `fenced`: whether it begins with a lease that ends."""

    name: str
    instance: UUID
    address: str
    port: int
    sites: tuple[str, ...]
    version: str
    fenced: bool


@dataclass(frozen=True, slots=True)
class Beaten:
    """What a heartbeat learnt. `pending`: duties (duty, host, holder) to be taken or given up; `holds`: how many we hold."""

    hosts: tuple[HostRow, ...]
    pending: tuple[tuple[str, str | None, str | None], ...]
    holds: int


class Hosts(Connected):
    """The hosts' part of the repository."""

    async def join_hosts(self, joining: Joining) -> int:
        """Join, or come back, and return the generation. Who was here under this name before is dead.

        Raises:
            ConflictError: a living host of another data directory has this name.
            DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            await _alone(connection)
            known = {row.name: row for row in await _hosts(connection)}.get(joining.name)
            if known is not None and known.instance != joining.instance and known.state in ALIVE:
                raise ConflictError(
                    f"another host is called {joining.name!r}, at {known.address}; give this one a LICS_NODE of its own, or"
                    f" `lics fleet forget {joining.name}` if it is gone for good",
                    name=joining.name,
                )
            said = (joining.name, joining.instance, joining.address, joining.port, json.dumps(joining.sites))
            generation: int = await connection.fetchval(_JOIN, *said, joining.fenced, joining.version)
        return generation

    async def beat(self, name: str, generation: int, *, fenced: bool) -> Beaten:
        """Say that we live, and return what is to be known.

        Raises:
            ConflictError: somebody has joined under our name since, or we were forgotten.
            DatabaseUnavailableError
        """
        async with self.raw(BEAT_S) as connection:
            if await connection.execute(_BEAT, name, generation, fenced) != "UPDATE 1":
                raise ConflictError(f"another host has joined as {name!r}", name=name)
            hosts = await _hosts(connection)
            pending = [tuple(row) for row in await connection.fetch(_PENDING, name)]
            holds: int = await connection.fetchval("SELECT count(*) FROM fleet_duty WHERE holder = $1", name)
        return Beaten(tuple(hosts), tuple(pending), holds)

    async def arrange_duties(self, *, patient: bool = False) -> int:
        """Place all devices, and the record, on the hosts that live; return how many duties are to move.

        `patient`: we ourselves were away until just now, and so may the others have been; nobody is followed yet for silence.
        """
        async with self.transaction(ANSWER_S) as connection:
            await _alone(connection)
            devices = await connection.fetch("SELECT id, location FROM device WHERE admin <> 'retired'")
            needs = {f"device:{row['id']}": row["location"] for row in devices} | {RECORDING: None}
            hosts = [_seen(row.host, patient) for row in await _hosts(connection)]
            rows = await connection.fetch("SELECT duty, host, holder FROM fleet_duty")
            present = {row["duty"]: row["host"] or row["holder"] for row in rows if row["host"] or row["holder"]}
            known = {row["duty"]: row["host"] for row in rows}
            placed = place(needs, hosts, present)
            moved = {duty: host for duty, host in placed.items() if known.get(duty) != host}
            await connection.execute(_ARRANGED, list(moved), list(moved.values()))
            over = [duty for duty in known if duty not in needs]
            await connection.execute("UPDATE fleet_duty SET host = NULL WHERE duty = ANY($1::text[])", over)
            await connection.execute("DELETE FROM fleet_duty WHERE host IS NULL AND holder IS NULL")
        return len(moved)

    async def held_duties(self, name: str) -> frozenset[str]:
        """Return what a host holds."""
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch("SELECT duty FROM fleet_duty WHERE holder = $1", name)
        return frozenset(row["duty"] for row in rows)

    async def tripped_devices(self, devices: Collection[UUID]) -> list[UUID]:
        """Return which of these devices have an interlock tripped, as far as journals are shipped."""
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_TRIPPED, list(devices))
        return [row["id"] for row in rows]

    async def claim_duties(self, name: str, generation: int, duties: Collection[str], *, patient: bool = False) -> frozenset[str]:
        """Take duties that we are to have and nobody is at, and return those that are ours now. `patient`: as above."""
        async with self.transaction(ANSWER_S) as connection:
            await _alone(connection)
            if await connection.fetchval("SELECT generation FROM fleet_host WHERE name = $1", name) != generation:
                return frozenset()
            holders = "SELECT holder FROM fleet_duty WHERE duty = ANY($1::text[]) AND holder IS NOT NULL"
            locked = f"SELECT name FROM fleet_host WHERE name IN ({holders}) ORDER BY name FOR UPDATE"  # noqa: S608 - our own
            await connection.fetch(locked, list(duties))
            hosts = {row.name: _seen(row.host, patient) for row in await _hosts(connection)}
            held = [row["holder"] for row in await connection.fetch(holders, list(duties))]
            dead = [holder for holder in set(held) if holder not in hosts or not hosts[holder].alive]
            rows = await connection.fetch(_CLAIM, name, list(duties), dead)
        return frozenset(row["duty"] for row in rows)

    async def release_duties(self, name: str, duties: Collection[str]) -> None:
        """Let go of duties that another is to have: nothing of ours is at them any more."""
        async with self.transaction(ANSWER_S) as connection:
            await _alone(connection)
            await connection.execute(_RELEASE, name, list(duties))

    async def leave_hosts(self, name: str, generation: int) -> None:
        """Leave in order: nothing of ours is at any duty."""
        async with self.transaction(ANSWER_S) as connection:
            await _alone(connection)
            left = "UPDATE fleet_host SET gone = true WHERE name = $1 AND generation = $2"
            if await connection.execute(left, name, generation) == "UPDATE 1":
                await connection.execute("UPDATE fleet_duty SET holder = NULL WHERE holder = $1", name)

    async def fleet_hosts(self) -> list[HostRow]:
        """Return all hosts by name, each with the number of duties it holds."""
        async with self.raw(ANSWER_S) as connection:
            return await _hosts(connection)

    async def drain_host(self, name: str, drained: bool, *, principal: str, reason: str | None) -> None:
        """Have a host give away what others can take, or end that; the fleet's events say who wanted it.

        Raises:
            HostNotFoundError, DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            if await connection.execute(_DRAIN, name, drained, principal) != "UPDATE 1":
                raise HostNotFoundError(f"there is no host {name!r}", name=name)
            await connection.execute(_RECORD, f"host:{name}", "drained" if drained else "drain_ended", principal, reason)

    async def forget_host(self, name: str, *, principal: str, reason: str | None) -> None:
        """Forget a host that is gone for good; what it held is anybody's.

        Raises:
            ConflictError: it lives. HostNotFoundError, DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            await _alone(connection)
            known = {row.name: row for row in await _hosts(connection)}.get(name)
            if known is None:
                raise HostNotFoundError(f"there is no host {name!r}", name=name)
            if known.state in {HostState.UP, HostState.DRAINING}:
                raise ConflictError(f"{name} is alive; stop its fleet first", name=name)
            await connection.execute("DELETE FROM fleet_host WHERE name = $1", name)
            await connection.execute(_RECORD, f"host:{name}", "forgotten", principal, reason)


def _seen(host: Host, patient: bool) -> Host:
    """Return a host as who is patient sees it: it may be lost, or come back in a moment as we did."""
    return replace(host, state=HostState.UNFENCED) if patient and host.state is HostState.LOST else host


async def _alone(connection: Any) -> None:
    """Be the only one who arranges, until the transaction ends; a host that freezes within it is thrown out."""
    await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = {FROZEN_MS}")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", HOSTS_LOCK)


async def _hosts(connection: Any) -> list[HostRow]:
    held = "(SELECT count(*) FROM fleet_duty WHERE holder = h.name) AS duties"
    rows = await connection.fetch(f"SELECT {_COLUMNS}, {held} FROM fleet_host h ORDER BY h.name")  # noqa: S608 - our own
    return [_host_row(row) for row in rows]


def _host_row(row: Any) -> HostRow:
    sites = json.loads(row["sites"]) if isinstance(row["sites"], str) else row["sites"]
    state = host_state(row["age_s"], left=row["gone"], drained=row["drained_at"] is not None, fenced=row["fenced"])
    return HostRow(
        name=row["name"],
        instance=row["instance"],
        generation=row["generation"],
        address=row["address"],
        port=row["port"],
        sites=tuple(sites),
        fenced=row["fenced"],
        state=state,
        age_s=row["age_s"],
        version=row["version"],
        joined_at=row["joined_at"],
        drained_by=row["drained_by"],
        duties=row["duties"],
    )
