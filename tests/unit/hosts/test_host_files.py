"""What a host keeps in files: its lease, its memory, and where the others are."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path

import pytest

from lics_actors.hosts.lease import ENDED, LEASE_S, lease_clock, leased, until_leased, write_lease
from lics_actors.hosts.memory import Memory, read_memory, write_memory
from lics_actors.hosts.placement import DEAD_S
from lics_actors.hosts.places import HostPlace, KnownHosts, read_hosts, write_hosts
from tests.waiting import wait_until


def test_a_lease_ends_by_itself(tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "lease")
    assert leased(None) and not leased(path), "alone always; among several not before the Member says so"
    for until, expected in ((lease_clock() + 60, True), (lease_clock() - 0.001, False), (inf, True), (ENDED, False)):
        write_lease(path, until)
        assert leased(path) is expected
    Path(path).write_bytes(b"\0\0\0")
    assert not leased(path)


async def test_a_session_waits_for_its_lease(tmp_path: Path) -> None:
    path = str(tmp_path / "lease")
    waiting = asyncio.create_task(until_leased(path))
    await asyncio.sleep(0)
    assert not waiting.done()
    write_lease(path, inf)
    await asyncio.wait_for(waiting, 5)


def test_a_lease_is_over_before_anybody_takes_over() -> None:
    assert LEASE_S + 1.5 < DEAD_S, "a second and a half for clocks that run at different rates, and for slow wakeups"


def test_a_host_remembers_who_it_is(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "host.json"
    fresh = read_memory(path)
    assert fresh.fenced and not fresh.held and read_memory(path) == fresh
    known = Memory(fresh.instance, fenced=False, held=frozenset({"recording", "device:1"}))
    write_memory(path, known)
    assert read_memory(path) == known
    path.write_text('{"instance": "nonsense"}')
    assert read_memory(path).instance != fresh.instance and read_memory(path).fenced


@pytest.mark.parametrize("text", ["", "[", "[{}]", '[{"name": "a"}]', "7", '[["a"]]'])
def test_where_the_hosts_are_is_unknown_where_the_file_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "hosts.json").write_text(text)
    assert read_hosts(tmp_path) == []


def test_where_the_hosts_are(tmp_path: Path) -> None:
    assert read_hosts(tmp_path) == []
    hosts = [
        HostPlace("a", "127.0.0.2", 1, "lost", own=True),
        HostPlace("b", "127.0.0.3", 2, "lost"),
        HostPlace("c", "x", 3, "up"),
    ]
    write_hosts(tmp_path / "run", hosts)
    assert read_hosts(tmp_path / "run") == hosts
    known = KnownHosts(tmp_path / "run")
    assert known.all() == hosts
    assert [host.name for host in known.reachable()] == ["a", "c"], "what the table says of ourselves may be old"
    assert [known.gone(host.address) for host in hosts] == [False, True, False] and not known.gone("127.0.0.9")
    write_hosts(tmp_path / "run", hosts[:1])
    assert wait_until(lambda: known.all() == hosts[:1])
    (tmp_path / "run" / "hosts.json").unlink()
    assert wait_until(lambda: known.all() == [])
