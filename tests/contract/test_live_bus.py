"""The live bus over a real Valkey: numbers, replay, what is kept when, and that no publisher ever waits for it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from redis import Redis

from lics_actors.live.bus import AGAIN, LivePublisher, LiveReader
from lics_actors.live.messages import EventLive, TelemetryLive, command_topic, decode, device_topic
from lics_actors.live.script import KEPT_MESSAGES, channel
from lics_actors.services.valkey import Valkey
from tests.conftest import PASSWORD, run_alone
from tests.ears import listening, seq_of
from tests.waiting import eventually

DEVICE = UUID(int=7)
TOPIC = device_topic(DEVICE)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def event(seq: int, device: UUID = DEVICE) -> EventLive:
    return EventLive(device, NOW, "lick", {"side": "left"}, 1, seq)


def telemetry(seq: int, **metrics: float) -> TelemetryLive:
    return TelemetryLive(DEVICE, NOW, 1, seq, metrics)


@asynccontextmanager
async def publishing(
    url: str, prefix: str = "", *, every_s: float = 0.0, watch_s: float | None = None, queue_bytes: int = 4 << 20
) -> AsyncIterator[LivePublisher]:
    publisher = LivePublisher(url, prefix, every_s=every_s, watch_s=watch_s, queue_bytes=queue_bytes)
    task = asyncio.create_task(publisher.run())
    yield publisher
    assert not task.done(), "a publisher never ends by itself"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def own_valkey(data_dir: Path, free_port: Callable[[], int]) -> Iterator[Valkey]:
    server = Valkey(data_dir / "valkey", data_dir / "log" / "valkey.log", free_port(), PASSWORD)
    run_alone(server.start())
    yield server
    run_alone(server.stop())


def rising(numbers: list[int]) -> bool:
    return all(before < after for before, after in itertools.pairwise(numbers))


async def test_a_message_is_heard_with_its_number_and_can_be_replayed_from_any(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        before = await ears.reader.current(TOPIC)
        for seq in range(50):
            publisher.publish(TOPIC, event(seq), keep=True)
        await eventually(lambda: len(ears.heard) == 50)
        assert ears.seqs == list(range(50))
        assert rising([before, *ears.numbers]) and ears.numbers[-1] < 2**53
        said = [(n, body) for _, n, body in ears.heard]
        assert await ears.reader.replay(TOPIC, before) == said
        for place, (n, _) in enumerate(said):
            assert await ears.reader.replay(TOPIC, n) == said[place + 1 :]
        assert await ears.reader.current(TOPIC) == said[-1][0]


async def test_numbers_rise_across_publishers_and_over_lost_data(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as one, publishing(redis_url) as two:
        for seq in range(300):
            (one if seq % 2 else two).publish(TOPIC, event(seq), keep=seq % 3 != 0)
            if seq % 50 == 49:
                await one.drained(5)
                await two.drained(5)
                with Redis.from_url(redis_url) as client:
                    client.flushall()
        kept = {seq for seq in range(300) if seq % 3}
        await eventually(lambda: kept <= set(ears.seqs))
        assert rising(ears.numbers)
        for odd in (0, 1):
            mine = [seq for seq in ears.seqs if seq % 2 == odd and seq in kept]
            assert mine == sorted(mine), "a publisher's kept messages stay in order"


async def test_what_was_lost_with_redis_is_not_replayed_as_if_it_were_all(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        publisher.publish(TOPIC, event(0), keep=True)
        await eventually(lambda: ears.heard)
        with Redis.from_url(redis_url) as client:
            client.flushall()
        publisher.publish(TOPIC, event(1), keep=True)
        await eventually(lambda: len(ears.heard) == 2)
        first, second = ears.numbers
        assert await ears.reader.replay(TOPIC, first) is None
        assert await ears.reader.replay(TOPIC, second) == []


async def test_a_stream_that_redis_evicted_is_missed(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        for seq in range(3):
            publisher.publish(TOPIC, event(seq), keep=True)
        await eventually(lambda: len(ears.heard) == 3)
        with Redis.from_url(redis_url) as client:
            client.delete(channel("", TOPIC))
        first, _, third = ears.numbers
        assert await ears.reader.replay(TOPIC, first) is None
        assert await ears.reader.replay(TOPIC, third) == []
        publisher.publish(TOPIC, event(3), keep=True)
        await eventually(lambda: len(ears.heard) == 4)
        assert await ears.reader.replay(TOPIC, first) is None
        assert [seq_of(body) for _, body in await ears.reader.replay(TOPIC, third) or ()] == [3]


async def test_a_trimmed_topic_is_not_replayed_from_before_its_beginning(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        count = KEPT_MESSAGES + 200
        for seq in range(count):
            publisher.publish(TOPIC, event(seq), keep=True)
        await eventually(lambda: len(ears.heard) == count)
        numbers = ears.numbers
        assert await ears.reader.replay(TOPIC, numbers[0]) is None
        assert await ears.reader.replay(TOPIC, numbers[198]) is None
        assert [n for n, _ in await ears.reader.replay(TOPIC, numbers[200]) or ()] == numbers[201:]


@pytest.mark.parametrize("after", [0, -1, 1, 2**53, 2**63, 2**70])
async def test_numbers_nobody_was_given_replay_nothing(redis_url: str, after: int) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        assert await ears.reader.replay(TOPIC, after) is None
        publisher.publish(TOPIC, event(0), keep=True)
        await eventually(lambda: ears.heard)
        assert await ears.reader.replay(TOPIC, after) is None
        assert await ears.reader.replay(TOPIC, ears.numbers[0] + 1) is None


async def test_a_quiet_topic_can_be_resumed_from_the_number_it_was_found_at(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        found = await ears.reader.current(TOPIC)
        assert found == await ears.reader.current(TOPIC)
        assert await ears.reader.replay(TOPIC, found) == []
        publisher.publish(TOPIC, telemetry(0, plate_c=37.0), keep=False)
        publisher.publish(TOPIC, event(1), keep=True)
        await eventually(lambda: len(ears.heard) == 2)
        assert [seq_of(body) for _, body in await ears.reader.replay(TOPIC, found) or ()] == [1]


async def test_waiting_telemetry_becomes_one_message_with_the_newest_of_each_metric(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears:
        publisher = LivePublisher(redis_url, "")
        for seq in range(1000):
            publisher.publish(TOPIC, telemetry(seq, **{f"m{seq % 3}": seq}), keep=False)
        task = asyncio.create_task(publisher.run())
        await eventually(lambda: ears.heard)
        task.cancel()
        ((_, _, body),) = ears.heard
        assert decode(body) == telemetry(999, m0=999, m1=997, m2=998)


async def test_a_command_that_nobody_asked_for_leaves_nothing_behind(redis_url: str) -> None:
    asked, other = command_topic(uuid4()), command_topic(uuid4())
    async with listening(redis_url, asked, other) as ears, publishing(redis_url) as publisher:
        found = await ears.reader.current(asked)
        for topic in (asked, other, asked, other):
            publisher.publish(topic, event(0), keep=True)
        await eventually(lambda: len(ears.heard) == 4)
        assert rising([n for topic, n, _ in ears.heard if topic == other])
        assert len(await ears.reader.replay(asked, found) or ()) == 2
        with Redis.from_url(redis_url) as client:
            assert not client.keys(f"*{other}*")
            assert all(0 < client.ttl(key) <= 3600 for key in client.keys("*"))


async def test_who_is_watched_is_known_soon_and_forgotten_soon(redis_url: str) -> None:
    prefix = "lab[1]*?\\/"
    async with publishing(redis_url, prefix, watch_s=0.05) as publisher, listening(redis_url, "fleet", prefix="lab1/"):
        assert publisher.watched() == frozenset()
        async with listening(redis_url, TOPIC, "alarms", prefix=prefix) as ears:
            await eventually(lambda: publisher.watched() == {TOPIC, "alarms"})
            await ears.reader.unsubscribe("alarms")
            await eventually(lambda: publisher.watched() == {TOPIC})
        await eventually(lambda: publisher.watched() == frozenset())


async def test_a_forgotten_script_is_taught_again(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        for seq in range(3):
            with Redis.from_url(redis_url) as client:
                client.script_flush()
            publisher.publish(TOPIC, event(seq), keep=True)
            await eventually(lambda seq=seq: len(ears.heard) == seq + 1)
        assert publisher.dropped == 0


async def test_keys_that_somebody_else_made_are_taken_over(redis_url: str) -> None:
    other = device_topic(uuid4())
    with Redis.from_url(redis_url) as client:
        client.set(channel("", TOPIC), "not a stream")
        client.set(channel("", other) + ":n", "not a hash")
    async with listening(redis_url, TOPIC, other) as ears, publishing(redis_url) as publisher:
        for seq, topic in enumerate((TOPIC, other, TOPIC, other)):
            publisher.publish(topic, event(seq), keep=True)
        await eventually(lambda: ears.seqs == [0, 1, 2, 3])
        first, second, *_ = ears.numbers
        assert [seq_of(body) for _, body in await ears.reader.replay(TOPIC, first) or ()] == [2]
        assert [seq_of(body) for _, body in await ears.reader.replay(other, second) or ()] == [3]


async def test_a_full_redis_loses_messages_and_says_so(own_valkey: Valkey) -> None:
    async with listening(own_valkey.url, TOPIC) as ears, publishing(own_valkey.url) as publisher:
        publisher.publish(TOPIC, event(0), keep=True)
        await eventually(lambda: ears.seqs == [0])
        with Redis.from_url(own_valkey.url) as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1mb")
            publisher.publish(TOPIC, event(1), keep=True)
            await eventually(lambda: publisher.dropped == 1)
            client.config_set("maxmemory", "256mb")
        publisher.publish(TOPIC, event(2), keep=True)
        await eventually(lambda: ears.seqs == [0, 2])
        assert await ears.reader.replay(TOPIC, ears.numbers[0]) is None


async def test_strange_words_on_a_channel_are_passed_over(redis_url: str) -> None:
    async with listening(redis_url, TOPIC) as ears, publishing(redis_url) as publisher:
        with Redis.from_url(redis_url) as client:
            for words in (b"", b"\n", b"hello", b"-1\n{}", b"\xff\xfe"):
                client.publish(channel("", TOPIC), words)
        publisher.publish(TOPIC, event(0), keep=True)
        await eventually(lambda: ears.seqs == [0])


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:wrong@HOST/0", "gopher://127.0.0.1", "unix:///nowhere"])
async def test_without_redis_publishing_costs_nothing_and_keeps_little(redis_url: str, url: str) -> None:
    url = url.replace("HOST", redis_url.rpartition("@")[2].removesuffix("/0"))
    async with publishing(url, watch_s=0.05, queue_bytes=50_000) as publisher:
        began = time.perf_counter()
        for seq in range(20_000):
            publisher.publish(TOPIC, event(seq), keep=True)
            publisher.publish(device_topic(UUID(int=seq)), telemetry(seq, plate_c=1.0), keep=False)
        taken = time.perf_counter() - began
        assert publisher.dropped > 19_000
        assert publisher._kept_bytes <= 50_000
        assert len(publisher._passing) <= 10_000
        assert publisher.watched() == frozenset()
        assert taken < 5.0  # 20 µs a pair on an idle machine
    reader = LiveReader(url if "gopher" not in url else "redis://127.0.0.1:1/0", "")
    assert await reader.current(TOPIC) == 0
    assert await reader.replay(TOPIC, 5) is None
    assert await reader.subscribe(TOPIC) is False
    await reader.close()


async def test_both_sides_come_back_by_themselves_when_redis_does(own_valkey: Valkey) -> None:
    async with listening(own_valkey.url, TOPIC) as ears, publishing(own_valkey.url, watch_s=0.1) as publisher:
        publisher.publish(TOPIC, event(0), keep=True)
        await eventually(lambda: ears.seqs == [0])
        await own_valkey.stop()
        await eventually(lambda: not ears.reader.connected)
        for seq in range(1, 6):
            publisher.publish(TOPIC, event(seq), keep=True)
        assert await ears.reader.subscribe("fleet") is False
        await own_valkey.start()
        await eventually(lambda: AGAIN in ears.heard)
        after_loss = [body for _, body in await eventually(lambda: ears.reader.kept(TOPIC))]
        assert [seq_of(body) for body in after_loss] == [1, 2, 3, 4, 5]
        assert await ears.reader.replay(TOPIC, ears.numbers[0]) is None, "what a restarted Redis forgot is not known to be whole"
        await eventually(lambda: publisher.watched() == {TOPIC, "fleet"})
        publisher.publish("fleet", event(6), keep=True)
        await eventually(lambda: ears.seqs[-1] == 6)
        assert rising(ears.numbers)
        assert publisher.dropped == 0


async def test_what_did_not_fit_while_redis_was_away_is_missed_in_a_replay(own_valkey: Valkey) -> None:
    """Redis itself goes on, only the way to it was broken: its streams look whole, and are not."""
    gate = await _Gate.open(own_valkey.port)
    gated = own_valkey.url.replace(f":{own_valkey.port}/", f":{gate.port}/")
    async with listening(own_valkey.url, TOPIC) as ears, publishing(gated, queue_bytes=2_000) as publisher:
        publisher.publish(TOPIC, event(0), keep=True)
        await eventually(lambda: ears.seqs == [0])
        gate.shut()
        for seq in range(1, 100):
            publisher.publish(TOPIC, event(seq), keep=True)
        gate.reopen()
        await eventually(lambda: ears.seqs[-1] == 99)
        assert 1 not in ears.seqs and publisher.dropped
        assert rising(ears.numbers)
        assert await ears.reader.replay(TOPIC, ears.numbers[0]) is None
        assert [n for n, _ in await ears.reader.replay(TOPIC, ears.numbers[1]) or ()] == ears.numbers[2:]
    await gate.close()


async def test_a_redis_that_hangs_holds_up_nobody(own_valkey: Valkey) -> None:
    async with listening(own_valkey.url, TOPIC) as ears, publishing(own_valkey.url) as publisher:
        publisher.publish(TOPIC, event(0), keep=True)
        await eventually(lambda: ears.seqs == [0])
        with Redis.from_url(own_valkey.url) as client:
            client.client_pause(4000)
        publisher.publish(TOPIC, event(1), keep=True)
        began = time.perf_counter()
        await publisher.drained(0.2)
        assert time.perf_counter() - began < 3.5, "it did not wait for Redis"
        await eventually(lambda: publisher._away)
        await publisher.drained(5)  # at once: away
        await eventually(lambda: ears.seqs[-1] == 1)
        assert rising(ears.numbers)


class _Gate:
    """A way to a server that can be shut."""

    def __init__(self, target: int) -> None:
        self._target, self._open = target, True
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    @staticmethod
    async def open(target: int) -> _Gate:
        gate = _Gate(target)
        gate._server = await asyncio.start_server(gate._come, "127.0.0.1", 0)
        gate.port = gate._server.sockets[0].getsockname()[1]
        return gate

    def shut(self) -> None:
        self._open = False
        for writer in self._writers:
            writer.transport.abort()

    def reopen(self) -> None:
        self._open = True

    async def close(self) -> None:
        assert self._server is not None
        self.shut()
        self._server.close()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, back]
        await asyncio.gather(_pour(reader, back), _pour(there, writer), return_exceptions=True)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
