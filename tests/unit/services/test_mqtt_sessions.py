"""What a broker remembers: no message that was taken is lost, no acknowledged one comes again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lics_actors.services.mqtt_sessions import MAX_QUEUED, Message, Session, Sessions, matches, valid_filter, valid_topic

LEVELS = st.sampled_from(["a", "b", "", "devices", "$SYS"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)
FILTERS = (
    st.lists(st.sampled_from(["a", "b", "", "devices", "$SYS", "+", "#"]), min_size=1, max_size=4)
    .map("/".join)
    .filter(valid_filter)
)


@given(TOPICS, st.lists(FILTERS, max_size=5))
def test_the_tree_finds_exactly_the_filters_that_match(topic: str, filters: list[str]) -> None:
    sessions = Sessions()
    for number, topic_filter in enumerate(filters):
        session, _ = sessions.open(str(number), clean=True)
        sessions.subscribe(session, topic_filter, 1)
    takers = {session.client_id for session in sessions.route(Message(topic, b"", 1))}
    assert takers == {str(number) for number, topic_filter in enumerate(filters) if matches(topic, topic_filter)}


@given(st.lists(FILTERS, max_size=6))
def test_unsubscribing_leaves_nothing_behind(filters: list[str]) -> None:
    sessions = Sessions()
    session, _ = sessions.open("one", clean=True)
    for topic_filter in filters:
        sessions.subscribe(session, topic_filter, 1)
    for topic_filter in filters:
        sessions.unsubscribe(session, topic_filter)
    assert sessions._root.below == {}


def test_matching_follows_the_standards_own_examples() -> None:  # section 4.7.1
    yes = [("sport/tennis/player1", "sport/tennis/player1/#"), ("sport", "sport/#"), ("/finance", "+/+"), ("/finance", "/+")]
    no = [
        ("sport/tennis/player1/ranking", "sport/tennis/+"),
        ("/finance", "+"),
        ("sport", "sport/+"),
        ("$SYS/a", "#"),
        ("$SYS", "+"),
    ]
    assert all(matches(*pair) for pair in yes)
    assert not any(matches(*pair) for pair in no)
    assert not any(map(valid_filter, ["", "sport+", "sport/tennis#", "sport/#/ranking", "a\0b"]))
    assert not any(map(valid_topic, ["", "a/+", "a/#", "$SYS/x", "a\0"]))


def test_a_message_is_queued_once_with_the_highest_qos_granted() -> None:
    sessions = Sessions()
    session, _ = sessions.open("one", clean=False)
    for topic_filter, qos in (("a/#", 0), ("a/b", 1), ("+/b", 0)):
        sessions.subscribe(session, topic_filter, qos)
    sessions.route(Message("a/b", b"x", 1))
    assert [message.qos for message in session.waiting] == [1]


def test_retained_messages_are_kept_replaced_and_cleared() -> None:
    sessions = Sessions()
    session, _ = sessions.open("one", clean=True)
    for payload in (b"1", b"2"):
        sessions.route(Message("a", payload, 1, retain=True))
    assert sessions.subscribe(session, "+", 0) == [Message("a", b"2", 0, retain=True)]
    sessions.route(Message("a", b"", 0, retain=True))
    assert sessions.subscribe(session, "#", 1) == []


def test_a_full_queue_drops_the_new_and_counts_it() -> None:
    session = Session("one", persistent=True)
    session.waiting.extend([Message("t", b"", 1)] * MAX_QUEUED)
    assert not session.offer(Message("t", b"", 1))
    assert session.dropped == 1


def test_what_was_dropped_is_counted_also_of_sessions_that_are_gone() -> None:
    sessions = Sessions()
    for name in ("one", "two"):
        session, _ = sessions.open(name, clean=False)
        session.dropped = 3
    sessions.remove(session)
    assert sessions.dropped == 6


class Delivery(RuleBasedStateMachine):
    """A client that comes and goes, reads and acknowledges in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions = Sessions()
        self.session, _ = self.sessions.open("recorder", clean=False)
        self.sessions.subscribe(self.session, "data", 1)
        self.published = 0
        self.acknowledged: set[bytes] = set()

    @rule()
    def publish(self) -> None:
        self.sessions.route(Message("data", b"%d" % self.published, 1))
        self.published += 1

    @rule()
    def send(self) -> None:
        if self.session.connected:
            self.session.next_to_send()

    @rule(pick=st.integers(0, 50))
    def acknowledge(self, pick: int) -> None:
        if self.session.connected and self.session.in_flight:
            packet_id = list(self.session.in_flight)[pick % len(self.session.in_flight)]
            self.acknowledged.add(self.session.in_flight[packet_id].payload)
            self.session.acknowledge(packet_id)

    @rule()
    def leave(self) -> None:
        self.sessions.close(self.session)

    @rule()
    def come_back(self) -> None:
        if not self.session.connected:
            self.session, present = self.sessions.open("recorder", clean=False)
            assert present

    @invariant()
    def everything_is_acknowledged_or_still_held_in_order(self) -> None:
        held = [message.payload for message in (*self.session.in_flight.values(), *self.session.waiting)]
        expected = [b"%d" % number for number in range(self.published)]
        assert held == [payload for payload in expected if payload not in self.acknowledged]


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
