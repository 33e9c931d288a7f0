"""A leaf's door among peers, strangers and attackers, and that a leaf whose loop hangs does not look alive."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lics_actors.errors import DeviceTimeoutError, FleetUnavailableError, LicsError, QueueFullError
from lics_actors.runtime import door as door_module
from lics_actors.runtime import doorway, transport
from lics_actors.runtime.actor import LeafActor
from lics_actors.runtime.door import Door, Reply
from lics_actors.runtime.messages import ActorPong, PeerReply, PeerRequest, PingActor
from lics_actors.runtime.peer import Peer
from tests.system.runtime_actors import KEY
from tests.system.runtime_attack import HOSTILE, exploit
from tests.waiting import PATIENCE_S, eventually, wait_until


class House:
    """A door whose requests are tuples `(word, …)`, in the test's own loop."""

    def __init__(self) -> None:
        self.waiting: list[Reply] = []
        self.door = Door(self.take, Counter())
        self.at = ("127.0.0.1", self.door.port)

    def take(self, body: Any, reply: Reply) -> None:
        match body:
            case ("echo", value):
                reply(value)
            case ("later",):
                self.waiting.append(reply)
            case ("twice", value):
                reply(value)
                reply("again")
            case ("refuse",):
                reply(QueueFullError("no more", waiting=7))
            case ("unpicklable",):
                reply(lambda: 0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    transport.install(KEY)
    house = House()
    await house.door.open()
    yield house
    await house.door.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    transport.install(KEY)
    opened = await Peer.open()
    yield opened
    await opened.close()


async def test_many_at_once_get_each_its_own_answer_over_one_connection(house: House, peer: Peer) -> None:
    answers = await asyncio.gather(*(peer.visit(house.at, ("echo", n), PATIENCE_S) for n in range(200)))
    assert answers == list(range(200))
    assert len(house.door.visitors) == 1
    assert not house.door.strangers
    large = bytes(3_000_000)
    assert await peer.visit(house.at, ("echo", large), PATIENCE_S) == large


async def test_answers_come_when_they_are_there_not_in_order(house: House, peer: Peer) -> None:
    slow = asyncio.create_task(peer.visit(house.at, ("later",), PATIENCE_S))
    await eventually(lambda: house.waiting)
    assert await peer.visit(house.at, ("echo", 1), PATIENCE_S) == 1
    house.waiting.pop()("at last")
    assert await slow == "at last"


async def test_refusals_and_faults_of_answers_reach_the_peer(house: House, peer: Peer) -> None:
    with pytest.raises(QueueFullError) as refused:
        await peer.visit(house.at, ("refuse",), PATIENCE_S)
    assert refused.value.facts["waiting"] == 7
    with pytest.raises(LicsError, match="cannot be sent"):
        await peer.visit(house.at, ("unpicklable",), PATIENCE_S)
    assert await peer.visit(house.at, ("twice", 1), PATIENCE_S) == 1
    assert house.door.counters["door_replies_surplus"] == 1


async def test_a_request_that_cannot_be_pickled_is_the_callers_fault(house: House, peer: Peer) -> None:
    with pytest.raises((AttributeError, pickle.PicklingError)):
        await peer.visit(house.at, lambda: 0, PATIENCE_S)
    assert await peer.visit(house.at, ("echo", 1), PATIENCE_S) == 1


async def test_who_waits_too_long_gives_up_and_the_late_answer_is_counted(house: House, peer: Peer) -> None:
    with pytest.raises(DeviceTimeoutError) as caught:
        await peer.visit(house.at, ("later",), 1.0)
    assert caught.value.facts["delivered"]
    house.waiting.pop()("too late")
    await eventually(lambda: peer.counters["replies_late"] == 1)


async def test_what_nobody_waits_for_any_more_is_not_begun(house: House) -> None:
    _reader, writer = await asyncio.open_connection(*house.at)
    writer.write(transport.seal(PeerRequest("1", ("later",), time.time() - 1)))
    await eventually(lambda: house.door.counters["door_expired"] == 1)
    assert not house.waiting
    writer.close()


async def test_too_many_unanswered_are_refused_at_once(house: House, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lics_actors.runtime.peer.MAX_VISITS", 3)
    waiting = [asyncio.create_task(peer.visit(house.at, ("later",), PATIENCE_S)) for _ in range(3)]
    await eventually(lambda: len(house.waiting) == 3)
    with pytest.raises(FleetUnavailableError) as caught:
        await peer.visit(house.at, ("echo", 1), PATIENCE_S)
    assert caught.value.facts == {"queued": 3, "delivered": False}
    for reply in house.waiting:
        reply("done")
    assert await asyncio.gather(*waiting) == ["done"] * 3


async def test_a_door_that_is_gone_fails_at_once(peer: Peer) -> None:
    transport.install(KEY)
    gone = House()
    await gone.door.open()
    asked = asyncio.create_task(peer.visit(gone.at, ("later",), PATIENCE_S))
    await eventually(lambda: gone.waiting)
    began = time.perf_counter()
    await gone.door.close()
    with pytest.raises(FleetUnavailableError) as caught:
        await asked
    assert caught.value.facts["delivered"] is True, "its fate is not known"
    with pytest.raises(FleetUnavailableError) as caught:
        await asyncio.gather(*(peer.visit(gone.at, ("echo", n), PATIENCE_S) for n in range(5)))
    assert caught.value.facts["delivered"] is False
    assert time.perf_counter() - began < PATIENCE_S / 4, "nobody waited"


async def test_the_last_answers_arrive_before_the_door_closes(peer: Peer) -> None:
    transport.install(KEY)
    house = House()
    await house.door.open()
    asked = asyncio.create_task(peer.visit(house.at, ("later",), PATIENCE_S))
    await eventually(lambda: house.waiting)
    house.waiting.pop()(bytes(2_000_000))
    await house.door.close()
    assert await asked == bytes(2_000_000)


async def test_idle_connections_are_closed_and_opened_again(house: House, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "IDLE_S", 0.05)
    assert await peer.visit(house.at, ("echo", 1), PATIENCE_S) == 1
    await eventually(lambda: not house.door.visitors and not peer._doorways)
    assert await peer.visit(house.at, ("echo", 2), PATIENCE_S) == 2


async def test_closing_the_peer_fails_who_waits_and_leaves_no_task(house: House) -> None:
    tasks = len(asyncio.all_tasks())
    opened = await Peer.open()
    asked = asyncio.create_task(opened.visit(house.at, ("later",), PATIENCE_S))
    await eventually(lambda: house.waiting)
    await opened.close()
    with pytest.raises(FleetUnavailableError):
        await asked
    with pytest.raises(FleetUnavailableError, match="closed"):
        await opened.visit(house.at, ("echo", 1), PATIENCE_S)
    await eventually(lambda: len(asyncio.all_tasks()) == tasks and not house.door.visitors)


# strangers


async def knock(house: House, data: bytes) -> bytes:
    """Send `data` and return what is said until the door closes."""
    reader, writer = await asyncio.open_connection(*house.at)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_nothing_unsigned_is_read_or_answered(house: House, peer: Peer, tmp_path: Path) -> None:
    for data in [*HOSTILE, exploit(tmp_path / "marker")]:
        assert await knock(house, data) == b""
    assert house.door.counters["door_frames_refused"] == len(HOSTILE) + 1
    assert not list(os.scandir(tmp_path))
    assert await peer.visit(house.at, ("echo", 1), PATIENCE_S) == 1


@pytest.mark.parametrize("message", [("no", "request"), PeerReply("1", 1), "ACK", None])
async def test_a_signed_frame_that_is_no_request_is_refused(house: House, message: object) -> None:
    assert await knock(house, transport.seal(message)) == b""


async def test_frames_may_come_in_any_pieces(house: House) -> None:
    reader, writer = await asyncio.open_connection(*house.at)
    frames = b"".join(transport.seal(PeerRequest(str(n), ("echo", n), time.time() + 60)) for n in range(3))
    for start in range(0, len(frames), 7):
        writer.write(frames[start : start + 7])
        await asyncio.sleep(0)
    for n in range(3):
        size = int((await reader.readuntil(b">"))[:-1])
        assert transport.unseal(await reader.readexactly(size)) == PeerReply(str(n), n)
    writer.close()


async def test_who_says_nothing_is_hung_up_on(house: House, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "FIRST_FRAME_S", 0.1)
    assert await peer.visit(house.at, ("echo", 1), PATIENCE_S) == 1
    for data in (b"", b"1", b"1000>abc"):
        assert await knock(house, data) == b""
    assert await peer.visit(house.at, ("echo", 2), PATIENCE_S) == 2, "who has shown himself stays"
    assert len(house.door.visitors) == 1


async def test_strangers_are_few(house: House, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "MAX_STRANGERS", 3)
    assert await peer.visit(house.at, ("echo", 1), PATIENCE_S) == 1
    silent = [await asyncio.open_connection(*house.at) for _ in range(10)]
    await eventually(lambda: house.door.counters["door_strangers_refused"] == 7)
    assert await peer.visit(house.at, ("echo", 2), PATIENCE_S) == 2
    for _reader, writer in silent:
        writer.close()


async def test_a_peer_believes_no_impostor(peer: Peer) -> None:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b">")
        writer.write(b"40>" + b"x" * 40)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    with pytest.raises(FleetUnavailableError):
        await peer.visit(server.sockets[0].getsockname()[:2], ("echo", 1), PATIENCE_S)
    assert peer.counters["frames_refused"] == 1
    server.close()


def test_the_door_is_on_loopback_only() -> None:
    transport.install(KEY)
    door = Door(lambda body, reply: None, Counter())
    assert door._socket.getsockname()[0] == "127.0.0.1"
    door._socket.close()


# the leaf behind it


class Leaf(LeafActor):
    """A leaf outside of any actor system: what it sends is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []
        self.thread = ""

    def send(self, target: Any, message: Any) -> None:
        self.sent.append(message)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def on_visit(self, body: object, reply: Reply) -> None:
        self.thread = threading.current_thread().name
        reply(body)

    def turn(self) -> None:
        """What Thespian does when the bell rings."""
        self._on_watch()


@pytest.fixture
def leaf() -> Any:
    transport.install(KEY)
    leaf = Leaf()
    leaf.open_door()
    leaf.start_loop()
    yield leaf
    leaf.in_loop(leaf._cancel_run)
    wait_until(lambda: leaf._loop is not None and leaf._loop.is_closed())
    assert leaf._bell is not None
    for end in leaf._bell:
        end.close()


async def test_a_leaf_answers_at_its_door_in_its_loop(leaf: Leaf, peer: Peer) -> None:
    port = leaf.door_port()
    assert port is not None
    assert await peer.visit(("127.0.0.1", port), "hello", PATIENCE_S) == "hello"
    assert leaf.thread == "loop"
    assert leaf._all_stats()["door_requests"] == 1


def test_a_leaf_whose_loop_hangs_does_not_answer_its_supervisor(leaf: Leaf) -> None:
    def pongs() -> list[int]:
        leaf.turn()
        return [message.serial for message in leaf.sent if isinstance(message, ActorPong)]

    leaf._receive(PingActor(1), None)
    wait_until(lambda: pongs() == [1])
    awake = threading.Event()
    leaf.in_loop(awake.wait, 10)
    leaf._receive(PingActor(2), None)
    probe = socket.create_connection(("127.0.0.1", leaf.door_port()))  # the kernel takes it, nobody else
    assert pongs() == [1]
    awake.set()
    wait_until(lambda: pongs() == [1, 2])
    probe.close()
