"""The reader against a broker that behaves as badly as the test wants."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lics_actors.device.messages import BrokerSpec
from lics_actors.recorder import reader as reading
from lics_actors.recorder.errors import BrokerAwayError, BrokerRefusedError
from lics_actors.recorder.reader import BrokerConnection, Delivery, open_connection
from tests.waiting import eventually

CONNACK = b"\x20\x02\x00\x00"
RESUMED = b"\x20\x02\x01\x00"


def publish(payload: bytes, packet_id: int) -> bytes:
    body = b"\x00\x01t" + struct.pack(">H", packet_id) + payload
    assert len(body) < 128
    return bytes([0x32, len(body)]) + body


@dataclass
class FakeBroker:
    """Sends what it is told to, and keeps what it got."""

    greeting: bytes = CONNACK
    answers: bool = True
    got: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0

    async def serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = await stream.readexactly(2)
                length = head[1] & 127
                if head[1] > 127:
                    length |= (await stream.readexactly(1))[0] << 7
                body = await stream.readexactly(length)
                self.got.append(head[:1] + body)
                self.answer(head[0] >> 4, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        except asyncio.CancelledError:
            pass  # the end of the test

    def answer(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == 1:
            writer.write(self.greeting)
        elif not self.answers:
            return
        elif kind == 8:
            filters, codes, at = 0, b"", 2
            while at < len(body):
                length = int.from_bytes(body[at : at + 2], "big")
                codes += b"\x80" if body[at + 2 : at + 2 + length] == b"refused" else b"\x01"
                at, filters = at + 3 + length, filters + 1
            writer.write(bytes([0x90, 2 + filters]) + body[:2] + codes)
        elif kind == 10:
            writer.write(b"\xb0\x02" + body[:2])
        elif kind == 12:
            writer.write(b"\xd0\x00")

    def send(self, data: bytes) -> None:
        self.writers[-1].write(data)

    def packets(self, kind: int) -> list[bytes]:
        return [each for each in self.got if each[0] >> 4 == kind]


@asynccontextmanager
async def serving(broker: FakeBroker, context: ssl.SSLContext | None = None) -> AsyncIterator[FakeBroker]:
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0, ssl=context)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        for writer in broker.writers:
            writer.close()


@asynccontextmanager
async def connected(broker: FakeBroker, deliver: Callable[[Delivery], None] = lambda _: None) -> AsyncIterator[BrokerConnection]:
    connection = await open_connection(BrokerSpec("127.0.0.1", broker.port), "me", deliver)
    try:
        yield connection
    finally:
        connection.abort()


async def test_messages_come_in_batches_and_are_acknowledged_only_when_told() -> None:
    deliveries: list[Delivery] = []
    async with serving(FakeBroker(RESUMED)) as broker, connected(broker, deliveries.append) as connection:
        assert connection.session_present
        broker.send(publish(b"one", 1) + publish(b"two", 2))
        await eventually(lambda: sum(len(each.arrivals) for each in deliveries) == 2)
        assert await connection.subscribe({"a": 1}) == frozenset()  # a round trip: nothing was acknowledged on the way
        assert broker.packets(4) == []
        for delivery in deliveries:
            delivery.source.acknowledge(delivery.packet_ids)
        await eventually(lambda: broker.packets(4) == [b"\x40\x00\x01", b"\x40\x00\x02"])


async def test_messages_may_come_before_the_connection_is_handed_over() -> None:
    deliveries: list[Delivery] = []
    async with serving(FakeBroker(RESUMED + publish(b"waited", 9))) as broker, connected(broker, deliveries.append) as connection:
        await eventually(lambda: [each.packet_ids for each in deliveries] == [[9]])
        assert deliveries[0].source is connection


async def test_many_subscriptions_go_in_parts_and_refusals_are_told() -> None:
    async with serving(FakeBroker()) as broker, connected(broker) as connection:
        many = {f"f/{n}": 1 for n in range(250)} | {"refused": 1}
        assert await connection.subscribe(many) == {"refused"}
        assert len(broker.packets(8)) == 3
        await connection.unsubscribe(many)
        assert len(broker.packets(10)) == 3
        assert await connection.subscribe({}) == frozenset()


async def test_a_paused_reader_reads_nothing_and_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEEPALIVE_S", 0.2)
    deliveries: list[Delivery] = []
    async with serving(FakeBroker()) as broker, connected(broker, deliveries.append) as connection:
        connection.pause()
        connection.pause()
        broker.send(publish(b"later", 1))
        await eventually(lambda: len(broker.packets(12)) > 8)  # longer than the keepalive by far
        assert deliveries == []
        connection.resume()
        await eventually(lambda: len(deliveries) == 1)


async def test_a_silent_broker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEEPALIVE_S", 0.2)
    async with serving(FakeBroker(answers=False)) as broker, connected(broker) as connection:
        async with asyncio.timeout(3):
            assert "silent" in (await connection.lost()).reason


async def test_a_broker_that_answers_no_subscription_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ANSWER_TIMEOUT_S", 0.1)
    async with serving(FakeBroker(answers=False)) as broker, connected(broker) as connection:
        with pytest.raises(BrokerAwayError, match="subscription"):
            await connection.subscribe({"a": 1})
        assert "subscription" in (await connection.lost()).reason


@pytest.mark.parametrize("garbage", [b"\x00\x00", b"\x30\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x90\x02\x00\x01"])
async def test_garbage_ends_the_connection(garbage: bytes) -> None:
    async with serving(FakeBroker()) as broker, connected(broker) as connection:
        broker.send(garbage)
        async with asyncio.timeout(3):
            assert (await connection.lost()).port == broker.port
        connection.acknowledge([1, 2])  # without effect
        connection.pause()
        connection.resume()
        with pytest.raises(BrokerAwayError):
            await connection.subscribe({"a": 1})


async def test_a_broker_that_hangs_up_is_noticed_by_who_waits() -> None:
    async with serving(FakeBroker(answers=False)) as broker, connected(broker) as connection:
        asking = asyncio.ensure_future(connection.subscribe({"a": 1}))
        await eventually(lambda: broker.packets(8))
        broker.writers[-1].close()
        with pytest.raises(BrokerAwayError):
            await asking


@pytest.mark.parametrize(("code", "why"), [(2, "client id"), (4, "password"), (5, "authorised"), (77, "77")])
async def test_a_refusal_is_told_with_its_reason(code: int, why: str) -> None:
    async with serving(FakeBroker(bytes([0x20, 2, 0, code]))) as broker:
        with pytest.raises(BrokerRefusedError, match=why):
            await open_connection(BrokerSpec("127.0.0.1", broker.port, username="u", password="p"), "me", lambda _: None)
        assert broker.packets(1)[0].endswith(b"\x00\x01u\x00\x01p")


async def test_nobody_there_and_nobody_answering(monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]) -> None:
    with pytest.raises(BrokerAwayError):
        await open_connection(BrokerSpec("127.0.0.1", free_port()), "me", lambda _: None)
    monkeypatch.setattr(reading, "CONNECT_TIMEOUT_S", 0.2)
    async with serving(FakeBroker(greeting=b"")) as broker:
        with pytest.raises(BrokerAwayError, match="does not answer"):
            await open_connection(BrokerSpec("127.0.0.1", broker.port), "me", lambda _: None)


async def test_goodbye_is_said() -> None:
    async with serving(FakeBroker()) as broker:
        connection = await open_connection(BrokerSpec("127.0.0.1", broker.port), "me", lambda _: None)
        await connection.close()
        await eventually(lambda: broker.packets(14) == [b"\xe0"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run([program, *words, *files], cwd=folder, check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


async def test_over_tls_the_broker_has_to_be_who_it_says(certificate: tuple[Path, Path]) -> None:
    authority, key = map(str, certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    context.load_cert_chain(authority, key)
    context.verify_mode = ssl.CERT_REQUIRED
    async with serving(FakeBroker(), context) as broker:
        known = BrokerSpec("127.0.0.1", broker.port, tls=True, ca_file=authority, cert_file=authority, key_file=key)
        connection = await open_connection(known, "me", lambda _: None)
        assert await connection.subscribe({"a": 1}) == frozenset()
        await connection.close()
        with pytest.raises(BrokerAwayError, match=r"(?i)certificate"):
            await open_connection(BrokerSpec("127.0.0.1", broker.port, tls=True), "me", lambda _: None)
        with pytest.raises(BrokerAwayError):
            await open_connection(BrokerSpec("127.0.0.1", broker.port, tls=True, ca_file="/no/such"), "me", lambda _: None)
