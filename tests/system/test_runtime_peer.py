"""A peer among living, hung, dead and hostile others."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from thespian.actors import ActorAddress

from lics_actors.errors import DeviceTimeoutError, FleetUnavailableError, LicsError
from lics_actors.runtime import link, transport, wire
from lics_actors.runtime.messages import PeerReply
from lics_actors.runtime.peer import Peer, actor_address, host_port
from tests.system.runtime_actors import KEY
from tests.system.runtime_attack import HOSTILE, exploit
from tests.system.runtime_fleet import Fleet, running_fleet
from tests.waiting import PATIENCE_S, eventually

AT_ONCE_S = 10.0  # far from PATIENCE_S, which is how long the questions here would wait


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three leaves that every test leaves as it found them."""
    with running_fleet(tmp_path_factory.mktemp("fleet"), 3) as running:
        yield running


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    transport.install(KEY)
    opened = await Peer.open()
    yield opened
    await opened.close()


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def timed(peer: Peer, address: ActorAddress, count: int) -> list[float]:
    seconds = []
    for number in range(count):
        began = time.perf_counter()
        assert await peer.ask(address, ("echo", number), PATIENCE_S) == number
        seconds.append(time.perf_counter() - began)
    return seconds


async def test_two_hundred_at_once_get_each_its_own_answer(fleet: Fleet, peer: Peer) -> None:
    wide = await Peer.open(max_queued=200)
    answers = await asyncio.gather(*(wide.ask(fleet.leaves[n % 3], ("echo", n), PATIENCE_S) for n in range(200)))
    assert answers == list(range(200))
    await wide.close()


@pytest.mark.alone
async def test_how_fast_an_ask_is(fleet: Fleet, peer: Peer) -> None:
    await timed(peer, fleet.leaves[0], 100)
    seconds = await timed(peer, fleet.leaves[0], 1000)
    print(f"\nask: p50 {percentile(seconds, 0.5) * 1e3:.2f} ms, p99 {percentile(seconds, 0.99) * 1e3:.2f} ms")
    assert percentile(seconds, 0.5) < 0.01


@pytest.mark.alone
async def test_a_hung_actor_holds_nobody_else_up(fleet: Fleet, peer: Peer) -> None:
    await timed(peer, fleet.leaves[1], 50)
    alone = percentile(await timed(peer, fleet.leaves[1], 500), 0.99)
    os.kill(fleet.leaf_pids[0], signal.SIGSTOP)
    try:
        hung = [asyncio.create_task(peer.ask(fleet.leaves[0], ("echo", n), 3)) for n in range(40)]
        beside = percentile(await timed(peer, fleet.leaves[1], 500), 0.99)
        outcomes = await asyncio.gather(*hung, return_exceptions=True)
    finally:
        os.kill(fleet.leaf_pids[0], signal.SIGCONT)
    assert all(isinstance(outcome, DeviceTimeoutError) for outcome in outcomes)
    assert beside < 5 * alone + 0.01
    assert await peer.ask(fleet.leaves[0], ("echo", "again"), PATIENCE_S) == "again"
    assert peer.counters["abandoned"] == 39  # all but the first, which the system had taken already


async def test_late_replies_shift_no_later_answer(fleet: Fleet, peer: Peer) -> None:
    for number in range(3):
        with pytest.raises(DeviceTimeoutError) as caught:
            await peer.ask(fleet.leaves[0], ("later", 1.0, f"late {number}"), 0.5)
        assert caught.value.facts["delivered"]
        assert await peer.ask(fleet.leaves[0], ("echo", number), PATIENCE_S) == number
    await eventually(lambda: peer.counters["replies_late"] == 3)


async def test_a_full_queue_refuses_at_once(fleet: Fleet) -> None:
    narrow = await Peer.open(max_queued=4)
    os.kill(fleet.leaf_pids[0], signal.SIGSTOP)
    try:
        waiting = [asyncio.create_task(narrow.ask(fleet.leaves[0], ("echo", n), PATIENCE_S)) for n in range(4)]
        await eventually(lambda: sum(bool(pending.delivered) for pending in narrow._waiting.values()) == 1)
        waiting.append(asyncio.create_task(narrow.ask(fleet.leaves[0], ("echo", 4), PATIENCE_S)))
        await asyncio.sleep(0)
        began = time.perf_counter()
        with pytest.raises(FleetUnavailableError, match="4 requests wait"):
            await narrow.ask(fleet.leaves[0], ("echo", 5), PATIENCE_S)
        assert time.perf_counter() - began < AT_ONCE_S
        assert await narrow.ask(fleet.leaves[1], ("echo", "elsewhere"), PATIENCE_S) == "elsewhere"
    finally:
        os.kill(fleet.leaf_pids[0], signal.SIGCONT)
    assert await asyncio.gather(*waiting) == list(range(5))
    await narrow.close()


@pytest.mark.alone
async def test_a_dead_actor_fails_in_milliseconds(data_dir: Path, peer: Peer) -> None:
    with running_fleet(data_dir, 2) as own:
        await timed(peer, own.leaves[0], 3)
        os.kill(own.leaf_pids[0], signal.SIGKILL)
        own.next_line()
        took = []
        for _again in range(5):
            began = time.perf_counter()
            with pytest.raises(FleetUnavailableError) as caught:
                await peer.ask(own.leaves[0], ("echo", 1), PATIENCE_S)
            took.append(time.perf_counter() - began)
        assert max(took) < AT_ONCE_S
        assert min(took) < 0.1
        assert caught.value.facts["delivered"] is False
        assert await peer.ask(own.leaves[1], ("echo", 1), PATIENCE_S) == 1


async def test_an_actor_that_dies_over_a_request_fails_it_at_once(data_dir: Path, peer: Peer) -> None:
    with running_fleet(data_dir, 1) as own:
        asked = asyncio.create_task(peer.ask(own.leaves[0], ("later", 60, "never"), 30))
        await eventually(lambda: any(pending.delivered for pending in peer._waiting.values()))
        await peer.ask(own.leaves[0], ("echo", 1), PATIENCE_S)
        os.kill(own.leaf_pids[0], signal.SIGKILL)
        died = time.perf_counter()
        with pytest.raises(FleetUnavailableError) as caught:
            await asked
        assert time.perf_counter() - died < AT_ONCE_S
        assert caught.value.facts["delivered"] is True  # its fate is not known


async def test_a_caller_who_gave_up_is_not_served(fleet: Fleet, peer: Peer) -> None:
    served = await peer.ask(fleet.leaves[0], ("served",), PATIENCE_S)
    hanging = asyncio.create_task(peer.ask(fleet.leaves[0], ("hang", 1.5), PATIENCE_S))
    await eventually(lambda: any(pending.delivered for pending in peer._waiting.values()))
    first = asyncio.create_task(peer.ask(fleet.leaves[0], ("echo", "in flight"), PATIENCE_S))
    given_up = asyncio.create_task(peer.ask(fleet.leaves[0], ("echo", "given up"), PATIENCE_S))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await hanging == "awake"
    assert await first == "in flight"
    assert await peer.ask(fleet.leaves[0], ("served",), PATIENCE_S) == served + 3  # type: ignore[operator]
    assert peer.counters["abandoned"] == 1


async def test_idle_connections_are_closed_and_opened_again(fleet: Fleet, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "IDLE_S", 0.1)
    before = sockets()
    assert await peer.ask(fleet.leaves[0], ("echo", 1), PATIENCE_S) == 1
    assert sockets() == before + 1
    await eventually(lambda: sockets() == before and not peer._links)
    assert await peer.ask(fleet.leaves[0], ("echo", 2), PATIENCE_S) == 2


async def test_an_answer_finds_its_way_after_the_connection_was_closed(
    fleet: Fleet, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.create_task(peer.ask(fleet.leaves[0], ("later", 0.3, "found you"), PATIENCE_S))
    await eventually(lambda: any(pending.delivered for pending in peer._waiting.values()))
    await eventually(lambda: peer._links[host_port(fleet.leaves[0])]._connection is not None)
    await asyncio.sleep(0.05)  # the acknowledgement is in; closing before it would be another test
    peer._links[host_port(fleet.leaves[0])]._drop_connection()
    assert await asked == "found you"


def sockets() -> int:
    return len(psutil.Process().net_connections("tcp"))


async def test_close_leaves_no_task_and_no_socket_and_fails_who_waits(fleet: Fleet) -> None:
    tasks, before = len(asyncio.all_tasks()), sockets()
    opened = await Peer.open()
    asked = asyncio.create_task(opened.ask(fleet.leaves[0], ("later", 60, "too late"), PATIENCE_S))
    for leaf in fleet.leaves[1:]:
        await opened.ask(leaf, ("echo", 1), PATIENCE_S)
    with socket.create_connection(host_port(opened._address)):  # somebody who says nothing
        await eventually(lambda: len(asyncio.all_tasks()) >= tasks + 5)
        await opened.close()
    with pytest.raises(FleetUnavailableError):
        await asked
    with pytest.raises(FleetUnavailableError, match="closed"):
        await opened.ask(fleet.leaves[0], ("echo", 1), PATIENCE_S)
    await eventually(lambda: len(asyncio.all_tasks()) == tasks and sockets() == before)
    await opened.close()


# others that are no actors of ours


@asynccontextmanager
async def impostor(*answers: bytes) -> AsyncIterator[tuple[ActorAddress, list[bytes]]]:
    """Listen as an actor would; to the n-th frame give the n-th answer, and hang up."""
    frames: list[bytes] = []

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = int((await reader.readuntil(b">"))[:-1])
            frames.append(await reader.readexactly(size))
            writer.write(answers[min(len(frames), len(answers)) - 1])
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    try:
        yield actor_address(*server.sockets[0].getsockname()[:2]), frames
    finally:
        server.close()


async def test_after_a_lost_acknowledgement_the_same_request_is_sent_once_more(peer: Peer) -> None:
    async with impostor(b"") as (address, frames):
        with pytest.raises(FleetUnavailableError, match="twice"):
            await peer.ask(address, ("echo", 1), PATIENCE_S)
    assert len(frames) == 2
    assert frames[0] == frames[1]  # the same id, so that the actor can tell
    assert peer.counters["delivery_repeated"] == 1


async def test_a_frame_that_the_actor_cannot_read_has_failed(peer: Peer) -> None:
    async with impostor(transport.refusal()) as (address, frames):
        with pytest.raises(FleetUnavailableError, match="cannot read"):
            await peer.ask(address, ("echo", 1), PATIENCE_S)
    assert len(frames) == 1


@pytest.mark.parametrize("answer", [b"3>ACK", b"-1>", b"999999999>", b"garbage" * 20_000, b"40>" + b"x" * 40])
async def test_an_unsigned_acknowledgement_is_none(peer: Peer, answer: bytes) -> None:
    async with impostor(answer) as (address, _frames):
        with pytest.raises(FleetUnavailableError):
            await peer.ask(address, ("echo", 1), PATIENCE_S)
    assert peer.counters["frames_refused"] == 2


async def knock(peer: Peer, data: bytes) -> bytes:
    """Send `data` to the peer's own port and return what it says until it hangs up."""
    reader, writer = await asyncio.open_connection(*host_port(peer._address))
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_the_peer_takes_no_unsigned_frame(fleet: Fleet, peer: Peer, tmp_path: Path) -> None:
    for data in [*HOSTILE, exploit(tmp_path / "marker")]:
        assert await knock(peer, data) in {b"", transport.refusal()}
    assert peer.counters["frames_refused"] == len(HOSTILE) + 1
    assert not list(os.scandir(tmp_path))
    assert await peer.ask(fleet.leaves[0], ("echo", 1), PATIENCE_S) == 1


async def test_a_stolen_acknowledgement_opens_no_door(peer: Peer) -> None:
    assert await knock(peer, transport.refusal()) == b""
    assert await knock(peer, transport.acknowledgement()) == b""


async def test_who_says_nothing_is_hung_up_on(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FIRST_FRAME_S", 0.2)
    began, as_ever = time.perf_counter(), 3 * 5.0
    assert await knock(peer, b"") == b""
    assert await knock(peer, b"1") == b""
    assert await knock(peer, b"1000>abc") == b""
    assert time.perf_counter() - began < as_ever


async def test_strangers_are_few(fleet: Fleet, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_STRANGERS", 3)
    silent = [await asyncio.open_connection(*host_port(peer._address)) for _number in range(10)]
    await eventually(lambda: peer.counters["strangers_refused"] == 7)
    assert await peer.ask(fleet.leaves[0], ("echo", 1), PATIENCE_S) == 1
    for _reader, writer in silent:
        writer.close()


async def test_a_reply_to_a_stranger_request_is_counted_only(peer: Peer) -> None:
    frame = transport.seal((peer._address, PeerReply("no-such-request", 1)))
    reader, writer = await asyncio.open_connection(*host_port(peer._address))
    writer.write(frame)
    assert await reader.readexactly(len(transport.acknowledgement())) == transport.acknowledgement()
    assert peer.counters["replies_late"] == 1
    writer.close()


async def test_a_signed_frame_of_unknown_content_is_refused_and_nothing_breaks(fleet: Fleet, peer: Peer) -> None:
    assert await knock(peer, transport.seal(["no", "tuple", "of two"])) == transport.refusal()
    assert await peer.ask(fleet.leaves[0], ("echo", 1), PATIENCE_S) == 1


def test_the_peer_listens_on_loopback_only(fleet: Fleet) -> None:
    async def listening() -> set[str]:
        opened = await Peer.open()
        found = {one.laddr.ip for one in psutil.Process().net_connections("tcp") if one.status == psutil.CONN_LISTEN}
        await opened.close()
        return found

    assert asyncio.run(listening()) == {"127.0.0.1"}


async def test_a_body_that_cannot_be_pickled_is_the_callers_fault(fleet: Fleet, peer: Peer) -> None:
    with pytest.raises(Exception, match=r"pickle|local"):
        await peer.ask(fleet.leaves[0], lambda: 0, 5)
    assert not peer._waiting
    with pytest.raises(LicsError):
        await peer.ask(fleet.leaves[0], ("refuse",), PATIENCE_S)
