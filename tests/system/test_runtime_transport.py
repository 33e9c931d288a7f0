"""Who has no key gets nothing: no code runs, no actor ends, nothing listens where strangers are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from thespian.actors import ActorAddress

from lics_actors.runtime.peer import Peer
from lics_actors.runtime.transport import host_port
from lics_actors.services.ports import free_port
from tests.system.runtime_attack import HOSTILE, attack, exploit
from tests.system.runtime_fleet import Fleet, running_fleet
from tests.waiting import wait_until

STOCK = """
import sys, time
from thespian.actors import Actor, ActorSystem
system = ActorSystem("multiprocTCPBase", {"Admin Port": int(sys.argv[1])})
actor = system.createActor(Actor)
print(actor.addressDetails.sockname[1], flush=True)
sys.stdin.read()
system.shutdown()
"""


def test_the_exploit_works_on_stock_thespian(tmp_path: Path) -> None:
    """Else the next test would prove nothing."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "THESPIAN_BASE_IPADDR"}
    words = [sys.executable, "-c", STOCK, str(port)]
    with subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stock:
        assert stock.stdout is not None
        actor_port = int(stock.stdout.readline())
        for target, name in ((port, "admin"), (actor_port, "actor")):
            attack(target, exploit(tmp_path / name))
            wait_until((tmp_path / name).exists)
        stock.communicate("")


async def still_answers(fleet: Fleet) -> None:
    peer = await Peer.open()
    for leaf in fleet.leaves:
        assert await peer.ask(leaf, ("echo", 7), 5) == 7
    await peer.close()


def ports(fleet: Fleet) -> list[int]:
    return [fleet.port, *(host_port(address)[1] for address in fleet.leaves)]


async def test_the_exploit_gets_nothing(data_dir: Path) -> None:
    with running_fleet(data_dir, 1) as fleet:
        markers = [data_dir / f"marker-{port}" for port in ports(fleet)]
        for port, marker in zip(ports(fleet), markers, strict=True):
            attack(port, exploit(marker))
        await still_answers(fleet)
        assert not any(map(Path.exists, markers))
        assert fleet.stop()["orderly"] is True  # the admin lives too


@pytest.mark.parametrize("data", HOSTILE, ids=[repr(data[:12]) for data in HOSTILE])
async def test_no_bytes_end_an_actor_or_the_admin(data_dir: Path, data: bytes) -> None:
    with running_fleet(data_dir, 1) as fleet:
        for port in ports(fleet):
            for _again in range(2):
                attack(port, data)
        await still_answers(fleet)
        assert len(fleet.running()) == 4
        assert fleet.stop()["orderly"] is True


STRANGER = """
import asyncio, sys
from lics_actors.runtime import transport
from lics_actors.runtime.peer import Peer
transport.install(b"another key, thirty-two bytes ok")
async def main():
    peer = await Peer.open()
    await peer.ask(transport.actor_address("127.0.0.1", int(sys.argv[1])), ("echo", 1), 5)
asyncio.run(main())
"""


def test_a_peer_with_another_key_is_refused(data_dir: Path) -> None:
    with running_fleet(data_dir, 1) as fleet:
        words = [sys.executable, "-c", STRANGER, str(ports(fleet)[1])]
        tried = subprocess.run(words, capture_output=True, text=True, check=False)
        assert tried.returncode == 1
        assert "FleetUnavailableError" in tried.stderr
        assert fleet.stop()["orderly"] is True


def test_nothing_listens_beyond_loopback(data_dir: Path) -> None:
    with running_fleet(data_dir, 2) as fleet:
        listening: list[str] = []
        for pid in [fleet.launcher.pid, *(one.pid for one in fleet.running())]:
            connections = psutil.Process(pid).net_connections("inet")
            listening += [one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN]
        assert len(listening) >= 5  # admin, logger, supervisor, two leaves, the launcher's own
        assert set(listening) == {"127.0.0.1"}


def test_no_message_is_written_where_everybody_reads(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock Thespian writes what goes wrong, message and all, to thespian.log in the temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_fleet(data_dir, 1) as fleet:
        attack(ports(fleet)[1], HOSTILE[0])
        fleet.stop()
    assert list(tmp_path.iterdir()) == []


def test_addresses_know_where_they_are() -> None:
    from lics_actors.runtime.transport import actor_address

    address = actor_address("127.0.0.1", 4242)
    assert isinstance(address, ActorAddress)
    assert host_port(address) == ("127.0.0.1", 4242)
