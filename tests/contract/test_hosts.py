"""Hosts and their duties in a real database: who lives, who takes over from whom, and who never does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest

from lics_actors.errors import ConflictError, HostNotFoundError
from lics_actors.hosts.placement import DEAD_S, RECORDING, HostState
from lics_actors.store.hosts import HOSTS_LOCK, Beaten, HostRow, Joining
from lics_actors.store.repository import Repository
from tests.contract.store_rows import new_device
from tests.waiting import eventually


@dataclass
class HostOf:
    """One host, as its member behaves."""

    repository: Repository
    name: str
    instance: UUID
    generation: int = 0
    fenced: bool = True

    async def join(self, *sites: str) -> None:
        joining = Joining(self.name, self.instance, "127.0.0.2", 9, sites, "0", self.fenced)
        self.generation = await self.repository.join_hosts(joining)

    async def beat(self) -> Beaten:
        return await self.repository.beat(self.name, self.generation, fenced=self.fenced)

    async def claim(self) -> frozenset[str]:
        await self.repository.arrange_duties()
        wanted = [duty for duty, host, _ in (await self.beat()).pending if host == self.name]
        return await self.repository.claim_duties(self.name, self.generation, wanted)

    async def release(self) -> set[str]:
        given = {duty for duty, _, holder in (await self.beat()).pending if holder == self.name}
        await self.repository.release_duties(self.name, given)
        return given

    async def silent(self, seconds: float) -> None:
        """Let it look as if it had been silent for so long."""
        async with self.repository.raw(5) as connection:
            await connection.execute(
                "UPDATE fleet_host SET heartbeat_at = clock_timestamp() - $2 * interval '1 second' WHERE name = $1",
                self.name,
                seconds,
            )

    async def row(self) -> HostRow:
        return next(row for row in await self.repository.fleet_hosts() if row.name == self.name)


@pytest.fixture
async def pair(repository: Repository) -> tuple[HostOf, HostOf]:
    """Two hosts, both there, and four devices, two of which are in the east."""
    for number in range(4):
        await repository.create_device(new_device(f"d{number}", location="east" if number < 2 else None))
    one, two = (HostOf(repository, name, uuid4()) for name in ("one", "two"))
    await one.join()
    await two.join()
    return one, two


def devices(duties: Collection[str]) -> set[str]:
    return {duty for duty in duties if duty != RECORDING}


async def test_two_hosts_share_everything_and_nothing_twice(pair: tuple[HostOf, HostOf]) -> None:
    one, two = pair
    mine, others = await one.claim(), await two.claim()
    assert len(mine | others) == 5 and not mine & others and RECORDING in mine | others
    assert len(devices(mine)) == len(devices(others)) == 2 or abs(len(mine) - len(others)) == 1
    assert await one.claim() == frozenset(), "there is nothing left to do"
    assert (await one.beat()).holds == len(mine) and await one.repository.held_duties("one") == mine


async def test_a_dead_hosts_duties_are_taken_over_and_it_learns_of_it(pair: tuple[HostOf, HostOf]) -> None:
    one, two = pair
    mine, others = await one.claim(), await two.claim()
    await one.silent(DEAD_S - 1)
    assert await two.claim() == frozenset(), "not before its time"
    await one.silent(DEAD_S + 0.1)
    assert (await one.row()).state is HostState.LOST
    assert await two.claim() == mine
    beaten = await one.beat()
    assert beaten.holds == 0 and not beaten.pending and (await one.row()).state is HostState.UP
    assert (await two.beat()).holds == len(mine | others)
    assert await one.claim() == frozenset(), "who is back takes nothing away"


async def test_from_a_silent_host_that_never_knew_of_others_nothing_is_taken(pair: tuple[HostOf, HostOf]) -> None:
    one, two = pair
    one.fenced = False
    await one.join()
    mine = await one.claim()
    await two.claim()
    await one.silent(1000)
    assert (await one.row()).state is HostState.UNFENCED
    assert not await two.claim() & mine
    await two.repository.forget_host("one", principal="user:ada", reason="burnt down")
    assert await two.claim() == mine


async def test_a_heartbeat_that_was_under_way_is_seen_by_who_claims(pair: tuple[HostOf, HostOf]) -> None:
    """The claim waits for the heartbeat, or the heartbeat for the claim: never does each overlook the other."""
    one, two = pair
    mine = await one.claim()
    await two.claim()
    await one.silent(DEAD_S + 1)
    async with one.repository.transaction(5) as connection:
        await connection.execute(
            "UPDATE fleet_host SET heartbeat_at = clock_timestamp() WHERE name = 'one'",
        )
        arranging = asyncio.create_task(two.repository.arrange_duties())
        await arranging
        pending = [duty for duty, host, _ in (await two.beat()).pending if host == "two"]
        assert set(pending) == mine
        claiming = asyncio.create_task(two.repository.claim_duties("two", two.generation, pending))
        await eventually(lambda: _waits_for_a_lock(two.repository))
    assert await claiming == frozenset()


async def _waits_for_a_lock(repository: Repository) -> bool:
    async with repository.raw(5) as connection:
        return bool(await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


async def test_a_host_frozen_while_it_arranges_holds_up_nobody(pair: tuple[HostOf, HostOf], database_url: str) -> None:
    _, two = pair
    frozen = await asyncpg.connect(database_url)
    try:
        await frozen.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 300")
        await frozen.execute("SELECT pg_advisory_xact_lock($1)", HOSTS_LOCK)
        assert await two.claim()
    finally:
        frozen.terminate()


async def test_home_comes_first_and_a_move_waits_until_the_other_has_let_go(repository: Repository) -> None:
    await repository.create_device(new_device("d0", location="east/1"))
    one, two = HostOf(repository, "one", uuid4()), HostOf(repository, "two", uuid4())
    await one.join()
    (duty,) = devices(await one.claim())
    await two.join("east", "*")
    assert await two.claim() == frozenset(), "it is still held"
    assert await one.release() == {duty}
    assert await two.claim() == {duty}


async def test_a_drained_host_gives_everything_away_and_gets_nothing_new(pair: tuple[HostOf, HostOf]) -> None:
    one, two = pair
    mine = await one.claim()
    await two.claim()
    await one.repository.drain_host("one", True, principal="user:ada", reason="new disk")
    assert (await one.row()).state is HostState.DRAINING and (await one.row()).drained_by == "user:ada"
    assert await two.claim() == frozenset()
    assert await one.release() == mine
    assert await two.claim() == mine
    await one.repository.create_device(new_device("d9"))
    assert await one.claim() == frozenset() and len(await two.claim()) == 1
    await one.repository.drain_host("one", False, principal="user:ada", reason=None)
    assert (await one.row()).state is HostState.UP
    with pytest.raises(HostNotFoundError):
        await one.repository.drain_host("three", True, principal="user:ada", reason=None)


async def test_who_leaves_in_order_is_followed_at_once(pair: tuple[HostOf, HostOf]) -> None:
    one, two = pair
    mine = await one.claim()
    await two.claim()
    await one.repository.leave_hosts("one", one.generation)
    assert (await one.row()).state is HostState.LEFT
    assert await two.claim() == mine
    await one.join()
    assert (await one.row()).state is HostState.UP


async def test_a_retired_device_is_nobodys_duty(pair: tuple[HostOf, HostOf]) -> None:
    one, two = pair
    await one.claim()
    await two.claim()
    device = (await one.repository.find_device("d0")).id
    await one.repository.retire_device(device, expected_version=None, principal="user:ada")
    await one.repository.arrange_duties()
    assert await one.release() | await two.release() == {f"device:{device}"}
    await one.repository.arrange_duties()
    async with one.repository.raw(5) as connection:
        assert await connection.fetchval("SELECT count(*) FROM fleet_duty WHERE duty = $1", f"device:{device}") == 0


async def test_a_name_belongs_to_one_living_host(pair: tuple[HostOf, HostOf]) -> None:
    one, _ = pair
    mine = await one.claim()
    other = HostOf(one.repository, "one", uuid4())
    with pytest.raises(ConflictError, match="another host is called 'one'"):
        await other.join()
    again = HostOf(one.repository, "one", one.instance)
    await again.join()
    assert await again.repository.held_duties("one") == mine, "its predecessor is dead, and what it had is its own"
    with pytest.raises(ConflictError):
        await one.beat()
    assert await one.repository.claim_duties("one", one.generation, mine) == frozenset()
    await again.silent(DEAD_S + 1)
    await other.join()
    with pytest.raises(ConflictError, match="is alive"):
        await other.repository.forget_host("one", principal="user:ada", reason=None)
    with pytest.raises(HostNotFoundError):
        await other.repository.forget_host("three", principal="user:ada", reason=None)


async def test_many_hosts_claiming_at_once_divide_the_duties(repository: Repository) -> None:
    for number in range(30):
        await repository.create_device(new_device(f"d{number}"))
    hosts = [HostOf(repository, f"h{number}", uuid4()) for number in range(4)]
    await asyncio.gather(*(host.join() for host in hosts))
    claimed = await asyncio.gather(*(host.claim() for host in hosts))
    assert len(frozenset().union(*claimed)) == 31 == sum(len(duties) for duties in claimed)


async def test_who_was_away_itself_follows_nobody_for_silence_yet(pair: tuple[HostOf, HostOf]) -> None:
    one, two = pair
    mine = await one.claim()
    await two.claim()
    await one.silent(DEAD_S + 1)
    assert await two.repository.arrange_duties(patient=True) == 0
    await two.repository.arrange_duties()
    wanted = [duty for duty, host, _ in (await two.beat()).pending if host == "two"]
    assert set(wanted) == mine
    assert await two.repository.claim_duties("two", two.generation, wanted, patient=True) == frozenset()
    assert await two.repository.claim_duties("two", two.generation, wanted) == mine


async def test_which_devices_had_tripped_is_known_to_who_takes_them_over(repository: Repository) -> None:
    tripped, fine, other = [(await repository.create_device(new_device(name))).id for name in ("tripped", "fine", "other")]
    async with repository.raw(5) as connection:
        await connection.execute("UPDATE device SET safety = 'tripped' WHERE id = ANY($1::uuid[])", [tripped, other])
    assert await repository.tripped_devices([tripped, fine, uuid4()]) == [tripped]
    assert await repository.tripped_devices([]) == []
