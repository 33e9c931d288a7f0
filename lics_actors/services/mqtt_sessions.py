"""What an MQTT broker remembers: sessions with their queues, subscriptions, retained messages. Pure.

amqtt keeps these too, but its broker forgets unacknowledged messages on reconnect, drops those without a PUBACK after 5 s,
sends retained messages of other clients' filters, expires anonymous sessions after a second and notices no dead client.
Section numbers are those of the OASIS standard MQTT Version 3.1.1.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

MAX_QUEUED = 200_000  # messages a session, as in mosquitto.conf.template
MAX_IN_FLIGHT = 20_000
MAX_QUEUED_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One application message. QoS 2 is granted to nobody, so 0 or 1."""

    topic: str
    payload: bytes
    qos: int
    retain: bool = False


@dataclass(slots=True)
class Session:
    """A client's session: it outlives its connection unless the client asked for a clean one."""

    client_id: str
    persistent: bool
    username: str = ""  # of the account that opened it last
    filters: dict[str, int] = field(default_factory=dict)
    waiting: deque[Message] = field(default_factory=deque)
    in_flight: OrderedDict[int, Message] = field(default_factory=OrderedDict)  # sent, not acknowledged, in order
    connected: bool = False
    dropped: int = 0
    _bytes: int = 0
    _last_id: int = 0

    def offer(self, message: Message) -> bool:
        """Queue a message for the client; return whether it was taken."""
        if message.qos == 0 and not self.connected:
            return False
        if len(self.waiting) >= MAX_QUEUED or self._bytes + len(message.payload) > MAX_QUEUED_BYTES:
            self.dropped += 1
            return False
        self.waiting.append(message)
        self._bytes += len(message.payload)
        return True

    def next_to_send(self) -> tuple[int | None, Message] | None:
        """Return the next message with its packet id (None for QoS 0), now in flight; None where there is none or no room."""
        if not self.waiting or (self.waiting[0].qos and len(self.in_flight) >= MAX_IN_FLIGHT):
            return None
        message = self.waiting.popleft()
        self._bytes -= len(message.payload)
        if message.qos == 0:
            return None, message
        self._last_id = self._last_id % 65535 + 1
        while self._last_id in self.in_flight:  # MAX_IN_FLIGHT is below 65535: there is a free one
            self._last_id = self._last_id % 65535 + 1
        self.in_flight[self._last_id] = message
        return self._last_id, message

    def acknowledge(self, packet_id: int) -> None:
        """Forget a message that the client has; an unknown id is nothing (section 4.3.2)."""
        self.in_flight.pop(packet_id, None)

    def disconnect(self) -> None:
        """The connection is gone: what was QoS 0 is gone with it."""
        self.connected = False
        self.waiting = deque(message for message in self.waiting if message.qos)
        self._bytes = sum(len(message.payload) for message in self.waiting)


@dataclass(slots=True)
class _Node:
    """One level of the subscriptions' tree."""

    below: dict[str, _Node] = field(default_factory=dict)
    sessions: dict[str, int] = field(default_factory=dict)  # client id → QoS


def valid_filter(topic_filter: str) -> bool:
    """Return whether a client may subscribe to it (section 4.7.1)."""
    levels = topic_filter.split("/")
    wild_inside = any(("+" in level and level != "+") or ("#" in level and level != "#") for level in levels)
    return bool(topic_filter) and not wild_inside and "#" not in levels[:-1] and "\0" not in topic_filter


def valid_topic(topic: str) -> bool:
    """Return whether a client may publish to it (sections 3.3.2, 4.7)."""
    return bool(topic) and not any(sign in topic for sign in "+#\0") and not topic.startswith("$")


def anybody(_username: str, _topic: str) -> bool:
    """Return True: of a broker without accounts."""
    return True


class Sessions:
    """All sessions of a broker. `may_receive`: whether an account may be told what is published to a topic."""

    def __init__(self, may_receive: Callable[[str, str], bool] = anybody) -> None:
        self._may_receive = may_receive
        self.by_id: dict[str, Session] = {}
        self.retained: dict[str, Message] = {}
        self._root = _Node()
        self._dropped_for_others = 0  # whose sessions are gone

    @property
    def dropped(self) -> int:
        """Return how many messages found a full queue, for anybody, ever."""
        return self._dropped_for_others + sum(session.dropped for session in self.by_id.values())

    def open(self, client_id: str, *, clean: bool, username: str = "") -> tuple[Session, bool]:
        """Return the session for a new connection and whether it was there already (section 3.2.2.2)."""
        known = self.by_id.get(client_id)
        if known is not None and (clean or not known.persistent):
            self.remove(known)
            known = None
        session = known or Session(client_id, persistent=not clean)
        self.by_id[client_id] = session
        session.connected, session.username = True, username
        return session, known is not None

    def close(self, session: Session) -> None:
        """The session's connection is gone."""
        session.disconnect()
        if not session.persistent and self.by_id.get(session.client_id) is session:
            self.remove(session)

    def remove(self, session: Session) -> None:
        """Forget a session with all it holds."""
        for topic_filter in list(session.filters):
            self.unsubscribe(session, topic_filter)
        self._dropped_for_others += session.dropped
        self.by_id.pop(session.client_id, None)

    def subscribe(self, session: Session, topic_filter: str, qos: int) -> list[Message]:
        """Subscribe; return the retained messages that match (section 3.8.4), flagged as such."""
        session.filters[topic_filter] = qos
        node = self._root
        for level in topic_filter.split("/"):
            node = node.below.setdefault(level, _Node())
        node.sessions[session.client_id] = qos
        who = session.username
        found = (message for topic, message in self.retained.items() if matches(topic, topic_filter))
        kept = [message for message in found if self._may_receive(who, message.topic)]
        return [replace(message, qos=min(message.qos, qos), retain=True) for message in kept]

    def unsubscribe(self, session: Session, topic_filter: str) -> None:
        """Unsubscribe; an unknown filter is nothing (section 3.10.4)."""
        if session.filters.pop(topic_filter, None) is None:
            return
        path = [self._root]
        levels = topic_filter.split("/")
        for level in levels:
            path.append(path[-1].below[level])
        path[-1].sessions.pop(session.client_id, None)
        for node, level in zip(reversed(path[:-1]), reversed(levels), strict=True):
            if node.below[level].sessions or node.below[level].below:
                break
            del node.below[level]

    def route(self, message: Message) -> list[Session]:
        """Retain the message if it asks for it, queue it for every subscriber once; return those it was queued for."""
        if message.retain:
            self._retain(message)
        granted: dict[str, int] = {}
        for node in self._matching(message.topic):
            for client_id, qos in node.sessions.items():
                granted[client_id] = max(qos, granted.get(client_id, 0))
        takers = []
        for client_id, qos in granted.items():
            session = self.by_id[client_id]
            may = self._may_receive(session.username, message.topic)
            if may and session.offer(Message(message.topic, message.payload, min(qos, message.qos))):
                takers.append(session)
        return takers

    def _retain(self, message: Message) -> None:
        if message.payload:
            self.retained[message.topic] = message
        else:  # section 3.3.1.3
            self.retained.pop(message.topic, None)

    def _matching(self, topic: str) -> Iterator[_Node]:
        nodes = [self._root]
        for depth, level in enumerate(topic.split("/")):
            wild = depth > 0 or not level.startswith("$")  # section 4.7.2
            nodes_below: list[_Node] = []
            for node in nodes:
                if wild and "#" in node.below:
                    yield node.below["#"]
                names = (level, "+") if wild else (level,)
                nodes_below += [node.below[name] for name in names if name in node.below]
            nodes = nodes_below
        for node in nodes:
            yield node
            if "#" in node.below:  # "sport/#" matches "sport", too (section 4.7.1.2)
                yield node.below["#"]


def matches(topic: str, topic_filter: str) -> bool:
    """Return whether a topic falls under a filter (section 4.7)."""
    names, levels = topic.split("/"), topic_filter.split("/")
    if names[0].startswith("$") and levels[0] in {"+", "#"}:
        return False
    for depth, level in enumerate(levels):
        if level == "#":
            return True
        if depth >= len(names) or level not in {"+", names[depth]}:
            return False
    return len(names) == len(levels)
