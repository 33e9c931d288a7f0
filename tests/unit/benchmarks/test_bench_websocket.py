"""The load clients' own few lines of WebSocket: whatever they count must be what was sent."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, Ping, TextMessage

from tests.benchmarks.frames import FINAL_TEXT, PING, PONG, TEXT, FrameReader, masked

# around the three ways in which RFC 6455 (section 5.2) writes a length
payloads = st.one_of(st.binary(max_size=300), st.sampled_from([125, 126, 127, 65535, 65536]).map(lambda size: b"x" * size))


@given(st.lists(st.tuples(payloads, st.sampled_from(["text", "ping"])), max_size=8), st.data())
def test_frames_of_a_server_are_found_however_they_are_cut(said: list[tuple[bytes, str]], data: st.DataObject) -> None:
    server = Connection(ConnectionType.SERVER)
    sent, expected = b"", []
    for body, kind in said:
        if kind == "ping":
            sent += server.send(Ping(body[:125]))
            expected.append((0x80 | PING, body[:125]))
        else:
            text = body.hex()
            sent += server.send(TextMessage(text))
            expected.append((FINAL_TEXT, text.encode()))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=9))), len(sent)]
    reader, found = FrameReader(), []
    for start, stop in itertools.pairwise(cuts):
        found += list(reader.feed(sent[start:stop]))
    assert found == expected
    assert reader.rest == b""


@given(payloads, st.sampled_from([TEXT, PONG]))
def test_a_server_understands_what_a_client_says(body: bytes, opcode: int) -> None:
    said = body.hex().encode() if opcode == TEXT else body[:125]
    server = Connection(ConnectionType.SERVER)
    server.receive_data(masked(opcode, said))
    heard = b""
    for event in server.events():
        assert not isinstance(event, BytesMessage)
        data = getattr(event, "data", getattr(event, "payload", b""))
        heard += data.encode() if isinstance(data, str) else bytes(data)
    assert heard == said
