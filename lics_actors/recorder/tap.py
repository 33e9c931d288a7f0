"""What viewers see of the data plane: events and the newest telemetry, taken where messages arrive.

Before the disk, so that a screen is no later than it must be; beside the record, so that nothing here can disturb it. A message
that breaks its contract is passed over: the record rejects it.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from drivers.errors import DecodeError
from drivers.protocol import Decoded, EventReported, Received, TelemetryReported
from lics_actors.live.messages import EventLive, LiveMessage, TelemetryLive, device_topic
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.routing import Route, Routes

TICK_S: Final = 0.05  # telemetry reaches a screen at most 20 times a second
DECODES: Final = 250  # of telemetry a tick, 12 µs each (measured): 6 % of a core at most
EVENTS: Final = 250  # a tick, so 5,000/s at 15 µs each; more than that waits for the next
RING: Final = 8  # payloads of a topic that a tick can choose from
ANOTHER: Final = 0.25  # how likely a payload is decoded that looks like one decoded already
MAX_EVENTS: Final = 20_000  # waiting
MAX_TOPICS: Final = 100_000  # remembered; a topic forgotten is looked at again

log = logging.getLogger(__name__)


class Publisher(Protocol):
    """What the tap needs of the live bus."""

    def publish(self, topic: str, message: LiveMessage, keep: bool) -> None:
        """Have a message sent."""

    def lost(self, topic: str) -> None:
        """Note that a message was not even made."""

    def watched(self) -> frozenset[str]:
        """Return the topics that somebody listens to."""


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """Whose a topic is; `topic` is where viewers hear of it."""

    route: Route
    topic: str


@dataclass(frozen=True, slots=True, eq=False)
class _Eventful(_Source):
    """A topic of events: each is wanted, whoever looks on, since a viewer may resume."""


@dataclass(frozen=True, slots=True, eq=False)
class _Metered(_Source):
    """A topic of telemetry whose device is watched, with its newest payloads since the last tick."""

    ring: deque[Arrival] = field(default_factory=lambda: deque(maxlen=RING))


class Tap:
    """Hears arrivals with `hear` (a dictionary's look-up each, unless a device is watched), publishes in `tick`; one thread."""

    def __init__(self, routes: Callable[[], Routes], publisher: Publisher) -> None:
        self._routes_now, self._publisher = routes, publisher
        self._routes = routes()
        self._topics: dict[bytes, _Eventful | _Metered | None] = {}  # None: telemetry that nobody watches, or nobody's
        self._telemetry: dict[bytes, _Source] = {}
        self._metered: dict[bytes, _Metered] = {}
        self._events: deque[tuple[_Eventful, Arrival]] = deque()
        self._watched: frozenset[str] = frozenset()
        self._event_budget, self._decode_budget = EVENTS, DECODES
        self._position = 0
        self.faults = 0

    def hear(self, arrivals: Sequence[Arrival]) -> None:
        """Take what has just arrived; never raises."""
        topics = self._topics
        try:
            for arrival in arrivals:
                known = topics.get(arrival.topic, self)
                if type(known) is _Metered:
                    known.ring.append(arrival)
                elif known is not None:
                    self._take(arrival, known)
            if self._events:
                self._say_events()
        except Exception:  # noqa: BLE001 - logged there
            self._fault("live view failed on arrivals")

    def tick(self) -> None:
        """Publish the telemetry since the last tick, and follow who watches what; never raises."""
        self._event_budget, self._decode_budget = EVENTS, DECODES
        try:
            self._follow()
            self._say_events()
            self._say_telemetry()
        except Exception:  # noqa: BLE001 - logged there
            self._fault("live view failed")

    # arrivals

    def _take(self, arrival: Arrival, known: object) -> None:
        if isinstance(known, _Eventful):
            self._wait(known, arrival)
        else:
            self._meet(arrival)

    def _wait(self, source: _Eventful, arrival: Arrival) -> None:
        if len(self._events) >= MAX_EVENTS:
            self._publisher.lost(self._events.popleft()[0].topic)
        self._events.append((source, arrival))

    def _meet(self, arrival: Arrival) -> None:
        """Learn from a message what its topic is for."""
        if len(self._topics) >= MAX_TOPICS:
            self._forget()
        source = self._telemetry.get(arrival.topic)
        if source is None:
            route = self._routes.find(arrival.topic, arrival.received_us)
            if not isinstance(route, Route):
                self._topics[arrival.topic] = None
                return
            self._decode_budget -= 1
            if self._decode_budget < 0 or not (said := self._decoded(route, arrival)):
                return  # the next message on the topic will tell
            source = _Source(route, device_topic(route.device.device_id))
            if any(isinstance(each, EventReported) for each in said):
                self._wait(self._eventful(arrival.topic, source), arrival)
                return
            self._telemetry[arrival.topic] = source
        metered = None
        if source.topic in self._watched:
            metered = self._metered[arrival.topic] = _Metered(source.route, source.topic)
            metered.ring.append(arrival)
        self._topics[arrival.topic] = metered

    def _eventful(self, topic: bytes, source: _Source) -> _Eventful:
        eventful = self._topics[topic] = _Eventful(source.route, source.topic)
        self._metered.pop(topic, None)
        return eventful

    # what is published

    def _say_events(self) -> None:
        while self._events and self._event_budget > 0:
            self._event_budget -= 1
            source, arrival = self._events.popleft()
            self._say(source, self._decoded(source.route, arrival))

    def _say_telemetry(self) -> None:
        """Decode each topic's payloads since the last tick; where they are too many, the newest and those that look different."""
        dirty = [(topic, metered) for topic, metered in self._metered.items() if metered.ring]
        all_of_it = sum(len(metered.ring) for _, metered in dirty) <= self._decode_budget
        for topic, metered in dirty:
            if self._decode_budget <= 0:
                break
            chosen = list(metered.ring) if all_of_it else chosen_of(metered.ring)
            metered.ring.clear()
            self._decode_budget -= len(chosen)
            del self._metered[topic]
            self._metered[topic] = metered  # behind those that this tick may have no time for
            said = [each for arrival in chosen for each in self._decoded(metered.route, arrival)]
            if any(isinstance(each, EventReported) for each in said):
                self._eventful(topic, metered)  # a topic for both
            self._say(metered, said)

    def _say(self, source: _Source, said: Sequence[Decoded]) -> None:
        metered: list[TelemetryReported] = []
        for each in said:
            if isinstance(each, EventReported):
                data = None if each.data is None else dict(each.data)
                event = EventLive(source.route.device.device_id, each.time, each.type, data, each.epoch, each.seq)
                self._publisher.publish(source.topic, event, keep=True)
            elif isinstance(each, TelemetryReported):
                metered.append(each)
        if metered and source.topic in self._watched and (telemetry := telemetry_live(source.route, metered)):
            self._publisher.publish(source.topic, telemetry, keep=False)

    def _decoded(self, route: Route, arrival: Arrival) -> Sequence[Decoded]:
        """Return what a message says; nothing where it breaks its contract, is an old one, or only its beginning was kept."""
        if arrival.retained or arrival.size is not None:
            return ()
        # conventions without a sequence number get one here as in the record, though not the same
        self._position = max(self._position + 1, arrival.received_us)
        message = Received(arrival.topic.decode(errors="replace"), arrival.payload, arrival.received, self._position)
        try:
            return route.driver.decode(route.device, message)
        except DecodeError:
            return ()
        except Exception:  # noqa: BLE001 - a driver's fault, which the record tells of
            self._fault("driver failed to decode")
            return ()

    # who watches what

    def _follow(self) -> None:
        """Take over a changed laboratory, or changed viewers: all topics are looked at again."""
        routes, watched = self._routes_now(), self._publisher.watched()
        if routes is not self._routes:
            self._routes = routes
            self._forget()
        elif watched != self._watched:
            self._topics = {topic: known for topic, known in self._topics.items() if isinstance(known, _Eventful)}
            self._metered.clear()
        self._watched = watched

    def _forget(self) -> None:
        self._topics.clear()
        self._telemetry.clear()
        self._metered.clear()

    def _fault(self, what: str) -> None:
        self.faults += 1
        if self.faults & (self.faults - 1) == 0:  # the 1st, 2nd, 4th, 8th …
            log.exception(what, extra={"faults": self.faults})


def telemetry_live(route: Route, said: Sequence[TelemetryReported]) -> TelemetryLive | None:
    """Return messages of a device, oldest first, as one: the last value of each metric; None where they hold no value."""
    metrics: dict[str, float] = {}
    newest = None
    for each in said:
        for sample in each.samples:
            metrics.update(sample.metrics)
            newest = each, sample.time
    if newest is None or not metrics:
        return None
    return TelemetryLive(route.device.device_id, newest[1], newest[0].epoch, newest[0].seq, metrics)


def chosen_of(ring: Sequence[Arrival]) -> list[Arrival]:
    """Return the newest payload of a ring, those before it that look different, and now and then another, in their order.

    Metrics that come in messages of their own are so seen at once where their names differ in letters, else within some ticks.
    """
    places: list[int] = []
    others: list[int] = []
    seen: set[bytes] = set()
    for place in range(len(ring) - 1, -1, -1):
        look = ring[place].payload.translate(None, b"0123456789.-+")
        (others if look in seen else places).append(place)
        seen.add(look)
    if others and random.random() < ANOTHER:  # noqa: S311 - what is shown, not what is kept
        places.append(random.choice(others))  # noqa: S311
    return [ring[place] for place in sorted(places)]
