"""The two actor shells, in real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from thespian.actors import ActorAddress, ChildActorExited

from lics_actors.errors import DeviceTimeoutError, LicsError, QueueFullError
from lics_actors.runtime import transport
from lics_actors.runtime.messages import BeginActor, PeerRequest, StopActor
from lics_actors.runtime.peer import Peer
from lics_actors.runtime.wire import Connection
from tests.pace import slowness
from tests.system.runtime_fleet import Fleet, running_fleet
from tests.waiting import PATIENCE_S, eventually


@asynccontextmanager
async def fleet_and_peer(folder: Path, leaves: int = 1) -> AsyncIterator[tuple[Fleet, Peer]]:
    with running_fleet(folder, leaves) as fleet:
        peer = await Peer.open()
        try:
            yield fleet, peer
        finally:
            await peer.close()


async def pong(fleet: Fleet, peer: Peer, name: str = "leaf-0") -> tuple[str, dict[str, float]]:
    assert fleet.root is not None
    answer: Any = await peer.ask(fleet.root, ("ping", name), PATIENCE_S)
    return answer


async def test_a_failing_handler_runs_once_and_the_actor_and_its_loop_live_on(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        assert fleet.root is not None
        await peer.ask(fleet.root, ("tell", "leaf-0", "fail"), PATIENCE_S)
        _state, stats = await eventually(lambda: pong(fleet, peer))
        assert stats["fails_handled"] == 1  # stock Thespian delivers it twice
        assert stats["actor_faults"] == 1
        answer: Any = await peer.ask(fleet.leaves[0], ("post", 10), PATIENCE_S)
        assert answer[0]  # the loop is still heard: the watch was not dropped


async def test_a_failing_request_is_answered_once_and_tells_no_secret(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        with pytest.raises(LicsError) as caught:
            await peer.ask(fleet.leaves[0], ("fail",), PATIENCE_S)
        assert caught.value.type == "internal_error"
        assert "secret" not in str(caught.value)
        assert await peer.ask(fleet.leaves[0], ("served",), PATIENCE_S) == 2


async def test_a_refusal_arrives_as_what_it_is(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        with pytest.raises(QueueFullError) as caught:
            await peer.ask(fleet.leaves[0], ("refuse",), PATIENCE_S)
        assert caught.value.facts == {"waiting": 7}
        _state, stats = await pong(fleet, peer)
        assert "actor_faults" not in stats  # a refusal is no fault


async def test_an_answer_that_cannot_be_sent_is_an_error_at_once(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        with pytest.raises(LicsError, match="cannot be sent"):
            await peer.ask(fleet.leaves[0], ("unpicklable",), PATIENCE_S)


async def test_a_reply_may_come_later_and_only_the_first_counts(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        assert await peer.ask(fleet.leaves[0], ("later", 0.05, "at last"), PATIENCE_S) == "at last"
        assert await peer.ask(fleet.leaves[0], ("twice", "first"), PATIENCE_S) == "first"
        _state, stats = await pong(fleet, peer)
        assert stats["actor_replies_surplus"] == 1


async def test_unknown_messages_and_requests_are_counted_and_refused(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        assert fleet.root is not None
        with pytest.raises(LicsError, match="answers no str"):
            await peer.ask(fleet.leaves[0], "what?", PATIENCE_S)
        await peer.ask(fleet.root, ("tell", "leaf-0", {"who": "knows"}), PATIENCE_S)
        _state, stats = await eventually(lambda: pong(fleet, peer))
        assert stats["actor_unrecognised"] == 1


async def test_a_pong_says_state_and_stats(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        state, stats = await pong(fleet, peer)
        assert state == "fine"
        assert stats["actor_frames_refused"] == 0


async def test_beginning_twice_begins_once(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        assert fleet.root is not None
        await peer.ask(fleet.leaves[0], ("echo", 1), PATIENCE_S)
        await peer.ask(fleet.root, ("tell", "leaf-0", BeginActor("leaf-0", 1, None)), PATIENCE_S)
        assert await eventually(lambda: peer.ask(fleet.leaves[0], ("served",), PATIENCE_S)) == 2  # begin() would have set it back


async def test_an_expired_request_is_dropped_unread(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        os.kill(fleet.leaf_pids[0], signal.SIGSTOP)
        with pytest.raises(DeviceTimeoutError):
            await peer.ask(fleet.leaves[0], ("echo", 1), 0.2)
        os.kill(fleet.leaf_pids[0], signal.SIGCONT)
        assert await peer.ask(fleet.leaves[0], ("served",), PATIENCE_S) == 1
        _state, stats = await pong(fleet, peer)
        assert stats["actor_requests_expired"] == 1


async def send_raw(peer: Peer, address: ActorAddress, *messages: object, sender: ActorAddress | None = None) -> None:
    """Send messages as the actors do among themselves, each acknowledged before the next."""
    reader, writer = await asyncio.open_connection(*transport.host_port(address))
    connection = Connection(reader, writer, lambda _message: None, Counter())
    reading = asyncio.create_task(connection.live())
    for message in messages:
        await connection.send(transport.seal((sender or peer._address, message)))
    connection.close()
    await reading


async def test_a_request_delivered_twice_is_served_once(data_dir: Path) -> None:
    """A peer repeats a request whose acknowledgement was lost."""
    async with fleet_and_peer(data_dir) as (fleet, peer):
        request = PeerRequest("the-same", ("echo", 1), time.time() + 60)
        await send_raw(peer, fleet.leaves[0], request, request)
        assert await peer.ask(fleet.leaves[0], ("served",), PATIENCE_S) == 2


async def test_an_exit_that_thespian_tells_of_twice_is_passed_on_once(data_dir: Path) -> None:
    """A goodbye and the end of the process are both reported; which of them is lost depends on the moment, so both are made."""
    async with fleet_and_peer(data_dir, 2) as (fleet, peer):
        assert fleet.root is not None
        await send_raw(peer, fleet.root, *[ChildActorExited(fleet.leaves[0])] * 2)
        assert await peer.ask(fleet.root, ("exits",), PATIENCE_S) == ["leaf-0"]


@pytest.mark.parametrize(("acknowledgement", "count"), [(b"", 60), (b"3>ACK", 300)], ids=["none", "forged"])
async def test_a_bad_receiver_holds_nobody_else_up(data_dir: Path, acknowledgement: bytes, count: int) -> None:
    """Stock Thespian sends nothing to anybody any more when one receiver owes it twenty acknowledgements."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b">")
        writer.write(acknowledgement)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server, fleet_and_peer(data_dir) as (fleet, peer):
        bad = transport.actor_address(*server.sockets[0].getsockname()[:2])
        # answered when the connection they came by is closed, so that the answers go to the bad receiver's own port
        requests = [PeerRequest(f"request-{number}", ("later", 1.0, 1), time.time() + 60) for number in range(count)]
        await send_raw(peer, fleet.leaves[0], *requests, sender=bad)
        assert await peer.ask(fleet.leaves[0], ("later", 1.5, "unhindered"), PATIENCE_S) == "unhindered"


@pytest.mark.parametrize("how", ["kill", "exit"])
async def test_an_exit_is_told_once(data_dir: Path, how: str) -> None:
    async with fleet_and_peer(data_dir, 2) as (fleet, peer):
        assert fleet.root is not None
        if how == "kill":
            os.kill(fleet.leaf_pids[0], signal.SIGKILL)
        else:  # an orderly end says goodbye and is noticed as well: Thespian tells of it twice
            await peer.ask(fleet.root, ("tell", "leaf-0", StopActor("test")), PATIENCE_S)
        told = fleet.next_line()["exited"]
        assert told in {"leaf-0", "?"}  # "?": the supervisor had heard ActorStopped and taken it off its list
        await eventually(lambda: not psutil.pid_exists(fleet.leaf_pids[0]))  # its supervisor has heard the second time too
        assert await peer.ask(fleet.root, ("exits",), PATIENCE_S) == [told]


@pytest.mark.alone
async def test_events_of_the_loop_arrive_in_order_and_fast(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        in_order, seconds = await peer.ask(fleet.leaves[0], ("post", 50_000), PATIENCE_S)  # type: ignore[misc]
        assert in_order
        print(f"\npost: {50_000 / seconds:,.0f} events/s")
        assert 50_000 / seconds > 10_000 / slowness()


async def test_a_loop_that_fails_ends_the_process(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir, 2) as (fleet, peer):
        await peer.ask(fleet.leaves[0], ("crash the loop",), PATIENCE_S)
        assert fleet.next_line() == {"exited": "leaf-0"}
        assert await peer.ask(fleet.leaves[1], ("echo", 1), PATIENCE_S) == 1
    assert "the loop was told to fail" in (data_dir / "stderr").read_text()


async def test_stopping_the_loop_cancels_run_and_hears_its_last_words(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        seconds, events = await peer.ask(fleet.leaves[0], ("stop the loop", 30.0), PATIENCE_S)  # type: ignore[misc]
        assert seconds < 15, "it was not given up"
        assert events == ["cancelled"]
        assert await peer.ask(fleet.leaves[0], ("threads",), PATIENCE_S) == ["MainThread"]


async def test_a_loop_that_does_not_stop_does_not_hold_the_actor(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        await peer.ask(fleet.leaves[0], ("be stubborn",), PATIENCE_S)
        seconds, _events = await peer.ask(fleet.leaves[0], ("stop the loop", 0.3), PATIENCE_S)  # type: ignore[misc]
        assert 0.25 < seconds < 15


async def test_supervisors_hold_no_thread(data_dir: Path) -> None:
    async with fleet_and_peer(data_dir) as (fleet, peer):
        assert fleet.root is not None
        assert await peer.ask(fleet.root, ("threads",), PATIENCE_S) == ["MainThread"]
        assert psutil.Process(fleet.root_pid).num_threads() == 1


@pytest.mark.alone
async def test_what_fifty_idle_leaves_cost(data_dir: Path) -> None:
    """6 MiB unique and 0.05 % of a core each is what the issue allows; of that this shell may take its part."""
    async with fleet_and_peer(data_dir, 50) as (fleet, _peer):
        leaves = [psutil.Process(pid) for pid in fleet.leaf_pids]
        mib = [leaf.memory_full_info().uss / 2**20 for leaf in leaves]
        before, began = sum(sum(leaf.cpu_times()[:2]) for leaf in leaves), time.perf_counter()
        await eventually(lambda: time.perf_counter() - began > 3, 10)
        cpu = (sum(sum(leaf.cpu_times()[:2]) for leaf in leaves) - before) / len(leaves) / (time.perf_counter() - began)
        print(f"\n50 leaves begun in {fleet.began_in_s:.2f} s; USS {min(mib):.1f}-{max(mib):.1f} MiB; idle {cpu:.3%} of a core")
        assert max(mib) < 6
        assert cpu < 0.0005 * slowness()
