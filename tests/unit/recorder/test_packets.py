"""The parser understands the stream wherever the network cuts it, and never takes garbage for a message."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.errors import MalformedPacketError, RecorderError
from lics_actors.recorder.packets import (
    KEPT_OF_OVERSIZE_BYTES,
    MAX_PAYLOAD_BYTES,
    ConnectAnswered,
    PacketParser,
    Parsed,
    PingAnswered,
    SubscribeAnswered,
    UnsubscribeAnswered,
    acknowledgements,
    connect_packet,
    subscribe_packet,
    unsubscribe_packet,
)

NOW = 1_700_000_000_000_000


def framed(first: int, body: bytes) -> bytes:
    """Section 2.2.3, written once more from the standard."""
    length, digits = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        digits += bytes([digit + (128 if length else 0)])
        if not length:
            return bytes([first]) + digits + body


def publish(topic: bytes, payload: bytes, packet_id: int = 0, retained: bool = False) -> bytes:
    numbered = struct.pack(">H", packet_id) if packet_id else b""
    return framed(0x30 | (2 if packet_id else 0) | retained, struct.pack(">H", len(topic)) + topic + numbered + payload)


def parse(stream: bytes, cuts: list[int] | None = None) -> Parsed:
    parser, whole = PacketParser(), Parsed()
    edges = [0, *sorted(cuts or []), len(stream)]
    for start, stop in pairwise(edges):
        part = parser.feed(stream[start:stop], NOW)
        whole.arrivals += part.arrivals
        whole.packet_ids += part.packet_ids
        whole.answers += part.answers
    return whole


messages = st.tuples(st.binary(min_size=1, max_size=300), st.binary(max_size=20_000), st.integers(0, 0xFFFF), st.booleans())
answers = st.sampled_from(
    [
        (framed(0x20, b"\x01\x00"), ConnectAnswered(True, 0)),
        (framed(0x20, b"\x00\x05"), ConnectAnswered(False, 5)),
        (framed(0x90, b"\x00\x07\x01\x80"), SubscribeAnswered(7, b"\x01\x80")),
        (framed(0xB0, b"\x01\x00"), UnsubscribeAnswered(256)),
        (framed(0xD0, b""), PingAnswered()),
    ]
)


@given(st.lists(messages | answers, max_size=12), st.data())
def test_a_stream_says_the_same_wherever_it_is_cut(items: list, data: st.DataObject) -> None:
    stream = b"".join(item[0] if len(item) == 2 else publish(*item) for item in items)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    parsed = parse(stream, cuts)
    said = [item for item in items if len(item) == 4]
    assert parsed.arrivals == [Arrival(topic, payload, NOW, retained) for topic, payload, _, retained in said]
    assert parsed.packet_ids == [packet_id for _, _, packet_id, _ in said]
    assert parsed.answers == [item[1] for item in items if len(item) == 2]


def test_a_stream_may_come_byte_by_byte() -> None:
    stream = publish(b"a/b", b"x" * 200, 5) + framed(0xD0, b"") + publish(b"c", b"") + publish(b"d", b"", 1, True)
    parsed = parse(stream, list(range(len(stream))))
    assert [each.topic for each in parsed.arrivals] == [b"a/b", b"c", b"d"]
    assert parsed.packet_ids == [5, 0, 1]
    assert parsed.arrivals[2].retained


@given(st.integers(1, 3_000_000), st.lists(st.integers(0, 3_100_000), max_size=6), st.booleans())
def test_of_an_oversize_payload_only_the_beginning_is_held(excess: int, cuts: list[int], acknowledged: bool) -> None:
    head = 65535 + 2 if acknowledged else 65535 + 4  # the limit is on the packet, with the longest topic there may be
    size = MAX_PAYLOAD_BYTES + head + excess
    payload = bytes(range(256)) * (size // 256 + 1)
    stream = publish(b"t", payload[:size], 9 if acknowledged else 0) + publish(b"next", b"small", 10)
    parser, seen = PacketParser(), []
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for start, stop in pairwise(edges):
        seen += zip((part := parser.feed(stream[start:stop], NOW)).arrivals, part.packet_ids, strict=True)
    (first, first_id), (second, second_id) = seen
    assert (first.payload, first.size, first_id) == (payload[:KEPT_OF_OVERSIZE_BYTES], size, 9 if acknowledged else 0)
    assert (second.topic, second.payload, second.size, second_id) == (b"next", b"small", None, 10)


def test_an_oversize_message_is_not_acknowledged_before_its_end() -> None:
    stream = publish(b"t", b"x" * (MAX_PAYLOAD_BYTES + 100_000), 9)
    parser = PacketParser()
    assert parser.feed(stream[:-1], NOW).packet_ids == []
    assert parser.feed(stream[-1:], NOW).packet_ids == [9]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x30\xff\xff\xff\xff\x7f",  # a length of five bytes
        framed(0x30, b""),
        framed(0x30, b"\x00"),
        framed(0x30, b"\x00\x00"),  # no topic
        framed(0x32, b"\x00\x00\x00\x01x"),  # no topic, with an id
        framed(0x30, b"\x00\x05abc"),  # a topic longer than its packet
        framed(0x32, b"\x00\x01a\x00"),  # half a packet id
        framed(0x32, b"\x00\x01a\x00\x00x"),  # packet id 0
        framed(0x34, b"\x00\x01a\x00\x01x"),  # QoS 2
        framed(0x36, b"\x00\x01a\x00\x01x"),  # QoS 3
        framed(0x20, b"\x00"),
        framed(0x21, b"\x00\x00"),  # reserved flags
        framed(0x90, b"\x00\x01"),  # an answer to nothing
        framed(0xB0, b""),
        framed(0xD0, b"x"),
        framed(0x10, b"\x00\x04MQTT"),  # what only clients say
        framed(0x00, b""),
        framed(0xF0, b""),
        framed(0x40, b"\x00\x01"),  # a PUBACK, where nothing was published
        framed(0x90, b"\x00\x01\x00" + bytes(2_000_000)),  # an oversize packet that is no message
    ],
)
def test_garbage_is_told(garbage: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        parse(garbage)


@given(st.binary(max_size=2000))
def test_whatever_comes_no_other_error_leaves(stream: bytes) -> None:
    try:
        parse(stream)
    except RecorderError as error:
        assert isinstance(error, MalformedPacketError)


@given(st.lists(st.integers(0, 0xFFFF), max_size=100))
def test_acknowledgements_are_one_puback_each(packet_ids: list[int]) -> None:
    expected = b"".join(framed(0x40, struct.pack(">H", packet_id)) for packet_id in packet_ids if packet_id)
    assert acknowledgements(packet_ids) == expected


def test_connect_asks_for_a_session_that_stays() -> None:
    plain = connect_packet("me", 20)
    assert plain == framed(0x10, b"\x00\x04MQTT\x04\x00\x00\x14\x00\x02me")
    known = connect_packet("me", 20, "user", "pass")
    assert known == framed(0x10, b"\x00\x04MQTT\x04\xc0\x00\x14\x00\x02me\x00\x04user\x00\x04pass")
    assert connect_packet("me", 20, "user")[9] == 0x80


def test_subscriptions_are_as_the_standard_has_them() -> None:
    assert subscribe_packet(3, {"a/+": 1, "b": 0}) == framed(0x82, b"\x00\x03\x00\x03a/+\x01\x00\x01b\x00")
    assert unsubscribe_packet(4, ["a/+"]) == framed(0xA2, b"\x00\x04\x00\x03a/+")


def test_what_does_not_fit_into_mqtt_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        subscribe_packet(1, {"x" * 70_000: 1})
