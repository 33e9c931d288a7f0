"""No frame but a signed one is ever unpickled."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thespian.system.transport import IPBase, TCPTransport

from lics_actors.runtime import transport
from lics_actors.runtime.transport import FrameRefusedError, TransportError
from lics_actors.runtime.wire import read_frame

KEY = b"only for tests, thirty-two bytes."
unpickled: list[str] = []


class Bomb:
    """Unpickling it is noticed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return unpickled.append, ("boom",)


@pytest.fixture(autouse=True)
def installed() -> None:
    transport.install(KEY)
    unpickled.clear()


messages = st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.binary(), st.lists, max_leaves=10)


def body_of(frame: bytes) -> bytes:
    return frame.partition(b">")[2]


@given(messages)
def test_what_is_sealed_is_unsealed(message: object) -> None:
    frame = transport.seal(message)
    assert transport.unseal(body_of(frame)) == message
    assert int(frame.partition(b">")[0]) == len(body_of(frame))


@given(messages, st.data())
def test_any_changed_byte_is_refused_unread(message: object, data: st.DataObject) -> None:
    body = bytearray(body_of(transport.seal((message, Bomb()))))
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FrameRefusedError):
        transport.unseal(bytes(body))
    assert unpickled == []


@given(st.binary(max_size=100))
def test_no_bytes_are_unpickled(data: bytes) -> None:
    with pytest.raises(FrameRefusedError):
        transport.unseal(data + pickle.dumps(Bomb()))
    assert unpickled == []


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_refusal_or_an_end(data: bytes) -> None:
    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        with pytest.raises((FrameRefusedError, asyncio.IncompleteReadError)):
            await read_frame(reader)

    asyncio.run(read())
    assert unpickled == []


@given(st.lists(messages, max_size=3), st.integers(1, 40))
def test_frames_are_read_however_they_are_cut(sent: list[object], size: int) -> None:
    async def read() -> list[object]:
        reader = asyncio.StreamReader()
        stream = b"".join(map(transport.seal, sent))
        for start in range(0, len(stream), size):
            reader.feed_data(stream[start : start + size])
        reader.feed_eof()
        return [await read_frame(reader) for _message in sent]

    assert asyncio.run(read()) == sent


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=6))
def test_thespians_buffer_survives_any_bytes(chunks: list[bytes]) -> None:
    """Stock, a negative length passes and the next read ends the actor."""
    buffer = TCPTransport.ReceiveBuffer(TCPTransport.serializer.loads)
    try:
        for chunk in chunks:
            buffer.addMore(chunk)
            assert 0 <= buffer.remainingAmount() <= transport.MAX_FRAME_BYTES
            assert len(buffer._buf) <= max(transport.MAX_HEADER_BYTES, buffer._size or 0)
    except (FrameRefusedError, ValueError):
        pass  # Thespian hangs up on either


def test_a_frame_of_the_largest_size_passes_and_one_more_byte_does_not() -> None:
    async def read(size: int) -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(b"%d>" % size)
        reader.feed_eof()
        await read_frame(reader)

    with pytest.raises(asyncio.IncompleteReadError):
        asyncio.run(read(transport.MAX_FRAME_BYTES))
    with pytest.raises(FrameRefusedError):
        asyncio.run(read(transport.MAX_FRAME_BYTES + 1))


async def test_a_frame_that_begins_and_does_not_end_is_given_up() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"100>abc")
    with pytest.raises(TimeoutError):
        await read_frame(reader, rest_s=0.05)


def test_another_key_is_another_installation() -> None:
    frame = body_of(transport.seal("ours"))
    transport.install(b"another key, thirty-two bytes ok")
    with pytest.raises(FrameRefusedError):
        transport.unseal(frame)


@pytest.mark.parametrize("bind", ["0.0.0.0", "", "localhost", "::", "224.0.0.1", "10.0.0"])
def test_every_interface_is_refused(bind: str) -> None:
    with pytest.raises(TransportError):
        transport.install(KEY, bind)


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 31])
def test_a_weak_key_is_refused(key: bytes) -> None:
    with pytest.raises(TransportError, match="32"):
        transport.install(key)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "127.0.0.1"])
def test_every_socket_binds_the_one_address(address: str | None) -> None:
    for external in (True, False, ("", 1900)):
        details = IPBase.TCPv4ActorAddress(address, 4242, external=external)
        assert details.bindArgs == (("127.0.0.1", 4242),)


def test_the_acknowledgements_are_signed() -> None:
    assert transport.unseal(body_of(TCPTransport.ackMsg)) == transport.ACK
    assert transport.unseal(body_of(TCPTransport.ackDataErrMsg)) == transport.REFUSED
