"""Ordinary telemetry, straight from messages to rows packed for COPY; everything else is left to `decoding`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from drivers.protocol import QuickDriver, QuickReader, QuickTelemetry
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.decoding import Numbered, name_fault
from lics_actors.recorder.routing import NoRoute, Route, Routes
from lics_actors.store.packed import POSTGRES_EPOCH_US, PackedTelemetry, pack_tail, packed_head

REMEMBERED_TOPICS = 100_000
REMEMBERED_METRICS = 1000  # of one topic; the contract allows 256 in a message


@dataclass(slots=True)
class _Lane:
    """A topic with a quick way: how to read it, and the beginnings of its rows in the present epoch."""

    read: QuickReader
    device_id: UUID
    epoch: int = -1
    heads: dict[str, bytes] = field(default_factory=dict)

    def pack(self, said: QuickTelemetry, rows: PackedTelemetry) -> None:
        """Add what is said to `rows`; where this raises, some of it."""
        epoch, seq, readings = said
        if epoch != self.epoch:
            self.epoch = epoch
            self.heads.clear()
        pieces, heads, earliest_us = rows.pieces, self.heads, rows.earliest_us
        for time_us, metrics in readings:
            if time_us < earliest_us:  # noqa: PLR1730 - min() takes three times as long
                earliest_us = time_us
            since = time_us - POSTGRES_EPOCH_US
            for metric, value in metrics.items():
                head = heads.get(metric) or self._head(metric)
                pieces.append(head + pack_tail(since, 8, value, 8, seq))
        rows.earliest_us = earliest_us

    def _head(self, metric: str) -> bytes:
        fault = name_fault(metric)
        if fault:
            raise ValueError(fault)
        if len(self.heads) >= REMEMBERED_METRICS:
            self.heads.clear()
        head = self.heads[metric] = packed_head(self.device_id, metric, self.epoch)
        return head


class Packer:
    """Packs what comes while the laboratory is as `routes` have it; only its memory of topics changes."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self._lanes: dict[bytes, _Lane | None] = {}

    def pack(self, messages: Iterable[Numbered], rows: PackedTelemetry) -> list[Numbered]:
        """Add what `messages` hold to `rows`; return those that `decode` has to look at, in order."""
        others: list[Numbered] = []
        lanes, pieces = self._lanes, rows.pieces
        for message in messages:
            arrival = message[1]
            topic, mark = arrival.topic, len(pieces)
            lane = lanes[topic] if topic in lanes else self._lane(arrival)
            try:
                said = lane.read(arrival.payload) if lane and arrival.size is None else None
                if lane and said:
                    lane.pack(said, rows)
                else:
                    others.append(message)
            except Exception:  # noqa: BLE001 - whatever is wrong with it, `decode` finds and tells it
                del pieces[mark:]
                others.append(message)
        return others

    def _lane(self, arrival: Arrival) -> _Lane | None:
        if len(self._lanes) >= REMEMBERED_TOPICS:
            self._lanes.clear()
        lane = self._lanes[arrival.topic] = _lane_of(self.routes.find(arrival.topic, arrival.received_us), arrival.topic)
        return lane


def _lane_of(found: Route | NoRoute, topic: bytes) -> _Lane | None:
    """Return the quick way of a topic, if there is one; that of a device that is gone would depend on the time."""
    if isinstance(found, NoRoute) or found.gone_us is not None or not isinstance(found.driver, QuickDriver):
        return None
    try:
        read = found.driver.quick_reader(found.device, topic.decode())
    except Exception:  # noqa: BLE001 - as above
        return None
    return read and _Lane(read, found.device.device_id)
