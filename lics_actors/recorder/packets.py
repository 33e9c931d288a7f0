"""MQTT 3.1.1 as the Recorder speaks it: the few packets it sends, and a parser of those it may get. Pure.

Section numbers are those of the OASIS standard MQTT Version 3.1.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.errors import MalformedPacketError

MAX_PAYLOAD_BYTES = 1 << 20  # contracts.md speaks of payloads of 1 MB; larger ones are cut, and later rejected
KEPT_OF_OVERSIZE_BYTES = 4096  # contracts.md section 1: the first 4 KiB of a payload that breaks the contract
_LONGEST_HEAD = 2 + 0xFFFF + 2  # topic length, topic, packet id
_LONGEST_PACKET = _LONGEST_HEAD + MAX_PAYLOAD_BYTES

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
REFUSED_FILTER = 0x80  # section 3.9.3

_CONNACK, _PUBLISH, _SUBACK, _UNSUBACK, _PINGRESP = 2, 3, 9, 11, 13
_FROM_BROKERS = {_CONNACK, _PUBLISH, _SUBACK, _UNSUBACK, _PINGRESP}
_ANSWER_LENGTH = {_CONNACK: 2, _UNSUBACK: 2, _PINGRESP: 0}


@dataclass(frozen=True, slots=True)
class ConnectAnswered:
    """CONNACK; `code` 0 is success."""

    session_present: bool
    code: int


@dataclass(frozen=True, slots=True)
class SubscribeAnswered:
    """SUBACK: the granted QoS, or `REFUSED_FILTER`, for each filter in the order asked."""

    packet_id: int
    codes: bytes


@dataclass(frozen=True, slots=True)
class UnsubscribeAnswered:
    """UNSUBACK."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class PingAnswered:
    """PINGRESP."""


Answer = ConnectAnswered | SubscribeAnswered | UnsubscribeAnswered | PingAnswered


@dataclass(slots=True)
class Parsed:
    """What one piece of the stream held; `packet_ids[i]` acknowledges `arrivals[i]`, 0 where QoS 0 asks for nothing."""

    arrivals: list[Arrival] = field(default_factory=list)
    packet_ids: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class PacketParser:
    """The stream from the broker, in pieces of any size, into packets; an unfinished packet waits for its rest.

    A PUBLISH with more than `MAX_PAYLOAD_BYTES` is never held in memory: its first bytes become the arrival, the rest
    is passed over. (MQTT 3.1.1 has no way to refuse a single message; hanging up would bring it back for ever.)
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = 2
        self._cut: tuple[Arrival, int] | None = None
        self._skip = 0

    def feed(self, data: bytes, received_us: int) -> Parsed:
        """Return what is complete with `data`.

        Raises:
            MalformedPacketError: the stream cannot be understood; the parser is of no further use.
        """
        parsed = Parsed()
        data = self._pass_over(data, parsed)
        if not data:
            return parsed
        self._pieces.append(data)
        self._held += len(data)
        if self._held >= self._needed:
            buffer = data if len(self._pieces) == 1 else b"".join(self._pieces)
            rest = buffer[self._packets(buffer, received_us, parsed) :]
            self._pieces, self._held = ([rest] if rest else []), len(rest)
        return parsed

    def _pass_over(self, data: bytes, parsed: Parsed) -> bytes:
        if self._cut is None:
            return data
        if len(data) < self._skip:
            self._skip -= len(data)
            return b""
        rest = data[self._skip :]
        parsed.arrivals.append(self._cut[0])
        parsed.packet_ids.append(self._cut[1])
        self._cut, self._skip = None, 0
        return rest

    def _packets(self, buffer: bytes, received_us: int, parsed: Parsed) -> int:
        """Take all complete packets; return where the first incomplete one begins and note how much it needs."""
        at, end = 0, len(buffer)
        while end - at >= 2:
            length, start = _remaining_length(buffer, at + 1)
            if length < 0:
                break
            stop = start + length
            first = buffer[at]
            if length > _LONGEST_PACKET:
                return self._cut_oversize(buffer, at, (start, stop), received_us, parsed)
            if stop > end:
                if first >> 4 not in _FROM_BROKERS:
                    raise MalformedPacketError(f"packet type {first >> 4} from a broker")
                self._needed = stop - at
                return at
            if first >> 4 == _PUBLISH:
                arrival, packet_id = _publish(buffer, (first, start, stop), received_us)
                parsed.arrivals.append(arrival)
                parsed.packet_ids.append(packet_id)
            else:
                parsed.answers.append(_answer(first, buffer[start:stop]))
            at = stop
        self._needed = end - at + 1 if end - at >= 2 else 2
        return at

    def _cut_oversize(self, buffer: bytes, at: int, body: tuple[int, int], received_us: int, parsed: Parsed) -> int:
        start, stop = body
        first = buffer[at]
        if first >> 4 != _PUBLISH:
            raise MalformedPacketError(f"packet type {first >> 4} of {stop - start} bytes")
        shown = start + _LONGEST_HEAD + KEPT_OF_OVERSIZE_BYTES
        if len(buffer) < shown:
            self._needed = shown - at
            return at
        arrival, packet_id = _publish(buffer, (first, start, shown), received_us)
        head = shown - start - len(arrival.payload)
        payload = arrival.payload[:KEPT_OF_OVERSIZE_BYTES]
        size = stop - start - head
        self._cut = Arrival(arrival.topic, payload, received_us, arrival.retained, size), packet_id
        self._skip = stop - at
        self._needed = 2
        rest = self._pass_over(buffer[at:], parsed)
        if not rest:
            return len(buffer)
        behind = len(buffer) - len(rest)
        return behind + self._packets(rest, received_us, parsed)


def _remaining_length(buffer: bytes, at: int) -> tuple[int, int]:
    """Return the length and where the body begins (section 2.2.3); length -1 while its bytes are incomplete."""
    byte = buffer[at]
    if byte < 128:
        return byte, at + 1
    length, end = byte & 127, len(buffer)
    for n in (1, 2, 3):
        if at + n >= end:
            return -1, at
        byte = buffer[at + n]
        length |= (byte & 127) << 7 * n
        if byte < 128:
            return length, at + n + 1
    raise MalformedPacketError("remaining length of more than four bytes")


def _publish(buffer: bytes, bounds: tuple[int, int, int], received_us: int) -> tuple[Arrival, int]:
    first, start, stop = bounds
    quality = first & 0x06
    if quality > 2:
        raise MalformedPacketError("QoS above what was subscribed")
    topic = start + 2
    topic_end = topic + (buffer[start] << 8 | buffer[start + 1]) if topic <= stop else topic
    payload = topic_end + quality
    if payload > stop or topic_end == topic:
        raise MalformedPacketError("PUBLISH without a whole topic")
    packet_id = 0
    if quality:
        packet_id = buffer[topic_end] << 8 | buffer[topic_end + 1]
        if not packet_id:
            raise MalformedPacketError("packet id 0")
    return Arrival(buffer[topic:topic_end], buffer[payload:stop], received_us, first & 1 == 1), packet_id


def _answer(first: int, body: bytes) -> Answer:
    kind = first >> 4
    if first & 0x0F or _ANSWER_LENGTH.get(kind, len(body)) != len(body):
        raise MalformedPacketError(f"packet type {kind}, flags {first & 0x0F}, {len(body)} bytes")
    match kind:
        case 2:
            return ConnectAnswered(body[0] & 1 == 1, body[1])
        case 9 if len(body) > 2:
            return SubscribeAnswered(int.from_bytes(body[:2], "big"), body[2:])
        case 11:
            return UnsubscribeAnswered(int.from_bytes(body, "big"))
        case 13:
            return PingAnswered()
        case _:
            raise MalformedPacketError(f"packet type {kind} of {len(body)} bytes from a broker")


def connect_packet(client_id: str, keepalive_s: int, username: str | None = None, password: str | None = None) -> bytes:
    """Return CONNECT for a session that outlives the connection (clean session 0; section 3.1)."""
    flags, credentials = 0, b""
    if username is not None:
        flags, credentials = 0x80, _text(username)
        if password is not None:
            flags, credentials = 0xC0, credentials + _text(password)
    return _packet(0x10, _text("MQTT") + bytes([4, flags]) + keepalive_s.to_bytes(2, "big") + _text(client_id) + credentials)


def subscribe_packet(packet_id: int, filters: Mapping[str, int]) -> bytes:
    """Return SUBSCRIBE for filters and the QoS wanted of each (section 3.8)."""
    body = b"".join(_text(name) + bytes([qos]) for name, qos in filters.items())
    return _packet(0x82, packet_id.to_bytes(2, "big") + body)


def unsubscribe_packet(packet_id: int, filters: Iterable[str]) -> bytes:
    """Return UNSUBSCRIBE (section 3.10)."""
    return _packet(0xA2, packet_id.to_bytes(2, "big") + b"".join(map(_text, filters)))


def acknowledgements(packet_ids: Sequence[int]) -> bytes:
    """Return the PUBACKs of all `packet_ids` but 0 in one piece (section 3.4)."""
    asked = [0x40020000 | packet_id for packet_id in packet_ids if packet_id]
    return struct.pack(f">{len(asked)}I", *asked)


def _packet(first: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    length.append(rest)
    return bytes([first]) + bytes(length) + body


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) > 0xFFFF:
        raise ValueError(f"a string of {len(data)} bytes does not fit into MQTT")
    return len(data).to_bytes(2, "big") + data
