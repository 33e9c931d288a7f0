"""The MQTT session's own rules; that it works with brokers is shown in tests/system/test_device_actor.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import aiomqtt
import pytest

from drivers.protocol import Publication, TopicFilter
from lics_actors.device import connection
from lics_actors.device.connection import MAX_OUTGOING
from lics_actors.device.messages import BrokerSpec
from lics_actors.device.session import (
    BrokerLost,
    BrokerReached,
    DataRested,
    DeviceSession,
    Heard,
    Memory,
    MessageArrived,
    client_id,
    data_only,
    subscriptions,
)
from lics_actors.errors import StorageFullError
from lics_actors.journal import Journal
from lics_actors.services.broker import Broker
from lics_actors.services.ports import LOOPBACK
from tests.system.faults.way import Way
from tests.waiting import eventually

DEVICE = UUID(int=6)


def test_of_the_data_plane_an_actor_wants_the_newest_only() -> None:
    filters = [TopicFilter("a", 1), TopicFilter("b", 1, data=True), TopicFilter("c", 1, control=False, data=True)]
    assert subscriptions(filters) == (("a", 1), ("b", 0))
    assert data_only(filters) == ("b",)


def test_an_actor_never_rests_from_what_carries_answers_or_control() -> None:
    answers = TopicFilter("x/output/+", 1, data=True, answers=True)
    filters = [answers, TopicFilter("x/#", 1, data=True), TopicFilter("y/+", 1, data=True), TopicFilter("y/status", 1)]
    assert data_only(filters) == ()
    assert data_only([*filters, TopicFilter("z/+", 0, data=True)]) == ("z/+",)


class Running:
    """A session on a broker, and what it heard."""

    def __init__(self, broker: BrokerSpec, *topics: str, silent_s: float = 30.0, memory: Memory | None = None) -> None:
        self.heard: list[Heard] = []
        filters = [TopicFilter(broker.prefix + t, 1, data=t.startswith("telemetry")) for t in topics]
        self.session = DeviceSession(broker, DEVICE, filters, self.heard.append, lambda: silent_s, memory=memory)
        self.task = asyncio.create_task(self.session.run())

    async def __aenter__(self) -> Running:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def reached(self) -> list[BrokerReached]:
        return [each for each in self.heard if isinstance(each, BrokerReached)]

    def rests(self) -> int:
        return sum(isinstance(each, DataRested) for each in self.heard)

    def messages(self) -> list[bytes]:
        return [each.received.payload for each in self.heard if isinstance(each, MessageArrived)]


async def test_messages_wait_for_the_session_to_return(broker: BrokerSpec) -> None:
    topic = broker.prefix + "a"
    async with Running(broker, "a") as first:
        await eventually(first.reached)
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.publish(topic, b"while away", qos=1)
    async with Running(broker, "a") as second:
        await eventually(second.messages)
    assert isinstance(second.heard[0], BrokerReached), "said before anything that arrived"
    assert second.messages() == [b"while away"]


async def test_a_new_incarnation_fences_the_old_one(broker: BrokerSpec) -> None:
    async with Running(broker, "a") as old:
        await eventually(old.reached)
        async with aiomqtt.Client(broker.host, broker.port, identifier=client_id(DEVICE), clean_session=False):
            await eventually(lambda: any(isinstance(each, BrokerLost) for each in old.heard))


async def test_other_topics_from_now_on(broker: BrokerSpec) -> None:
    async with Running(broker, "a") as running, aiomqtt.Client(broker.host, broker.port) as client:
        await eventually(running.reached)
        running.session.change([TopicFilter(broker.prefix + "b", 1)])
        await eventually(lambda: len(running.reached()) == 2)
        for leaf in ("a", "b"):
            await client.publish(broker.prefix + leaf, leaf.encode(), qos=1)
        await eventually(running.messages)
        assert running.messages() == [b"b"]


async def test_what_an_earlier_incarnation_subscribed_to_is_given_up(broker: BrokerSpec, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "device.db")
    async with Running(broker, "a", "b", memory=journal) as first:
        await eventually(first.reached)
    assert journal.filters() == {broker.prefix + "a", broker.prefix + "b"}
    journal.close()
    journal = Journal(tmp_path / "device.db")
    async with Running(broker, "b", "c", memory=journal) as second, aiomqtt.Client(broker.host, broker.port) as client:
        await eventually(second.reached)
        assert journal.filters() == {broker.prefix + "b", broker.prefix + "c"}
        for leaf in ("a", "b", "c"):
            await client.publish(broker.prefix + leaf, leaf.encode(), qos=1)
        await eventually(lambda: len(second.messages()) == 2)
        assert second.messages() == [b"b", b"c"]
    journal.close()


async def test_a_full_disk_costs_no_session(broker: BrokerSpec) -> None:
    class Full:
        def keep_filters(self, filters: object) -> None:
            raise StorageFullError("no space left")

        def filters(self) -> frozenset[str]:
            return frozenset({broker.prefix + "old"})

    async with Running(broker, "a", memory=Full()) as running:
        await eventually(running.reached)


async def test_a_broker_that_hangs_is_given_up_when_it_acknowledges_nothing(
    broker: BrokerSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 0.5)
    way = await Way((broker.host, broker.port)).open()
    async with Running(replace(broker, port=way.port), "a") as running:
        await eventually(running.reached)
        async with way.hanging():
            running.session.publish(running.reached()[0].session, [Publication(broker.prefix + "b", b"x", 1)])
            await eventually(lambda: [each for each in running.heard if isinstance(each, BrokerLost)])
            (lost,) = [each for each in running.heard if isinstance(each, BrokerLost)]
            assert "does not acknowledge" in lost.reason, lost
        await eventually(lambda: len(running.reached()) == 2)
    await way.close()


async def test_what_was_decided_for_an_earlier_session_is_not_sent(broker: BrokerSpec) -> None:
    async with Running(broker, "a") as running:
        await eventually(running.reached)
        number = running.reached()[0].session
        running.session.publish(number - 1, [Publication(broker.prefix + "a", b"late")])
        running.session.publish(number, [Publication(broker.prefix + "a", b"in time")])
        await eventually(running.messages)
        assert running.messages() == [b"in time"]


async def test_too_much_to_say_starts_a_new_session(broker: BrokerSpec) -> None:
    async with Running(broker, "a") as running:
        await eventually(running.reached)
        flood = [Publication(broker.prefix + "x", b"") for _ in range(MAX_OUTGOING + 1)]
        running.session.publish(running.reached()[0].session, flood)
        await eventually(lambda: len(running.reached()) == 2)


# much telemetry


class Chatty:
    """A device that sends `telemetry` (retained, to make it hard), 400 a second, and `acks` in between at QoS 1."""

    def __init__(self, broker: BrokerSpec) -> None:
        self.broker, self.sent, self.acked = broker, 0, 0

    async def run(self) -> None:
        async with aiomqtt.Client(self.broker.host, self.broker.port) as client:
            while True:
                self.sent += 1
                await client.publish(f"{self.broker.prefix}telemetry", b"t%d" % self.sent, qos=0, retain=True)
                if self.sent % 20 == 0:
                    self.acked += 1
                    await client.publish(f"{self.broker.prefix}acks", b"a%d" % self.acked, qos=1)
                await asyncio.sleep(1 / 400)

    async def __aenter__(self) -> Chatty:
        self.task = asyncio.create_task(self.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_much_telemetry_is_heard_in_samples_and_every_answer(each_broker: Broker) -> None:
    broker = BrokerSpec(LOOPBACK, each_broker.port)
    async with Running(broker, "acks", "telemetry", silent_s=2.0) as running:
        await eventually(running.reached)
        async with Chatty(broker) as device:
            await eventually(lambda: running.rests() >= 3)
            assert running.session.sampled
        sent, acked = device.sent, device.acked
        async with aiomqtt.Client(broker.host, broker.port) as client:
            await client.publish("acks", b"last", qos=1)
        await eventually(lambda: running.messages()[-1] == b"last")
        acks = [message for message in running.messages() if message.startswith(b"a")]
        assert acks == [b"a%d" % n for n in range(1, acked + 1)], "none lost, none twice, in order"
        heard = [int(message[1:]) for message in running.messages() if message.startswith(b"t")]
        assert len(heard) < sent / 3
        assert heard == sorted(set(heard)), "what the broker retains is not heard as new when listening begins again"
        async with aiomqtt.Client(broker.host, broker.port) as client:

            async def calm() -> bool:
                await asyncio.sleep(0.06)  # a device of some 15 messages a second
                await client.publish("telemetry", b"calm", qos=1)
                return not running.session.sampled

            await eventually(calm)
            await client.publish("telemetry", b"heard", qos=1)
            await eventually(lambda: running.messages()[-1] == b"heard")
        assert len(running.reached()) == 1


async def test_a_new_session_listens_to_everything_again(each_broker: Broker) -> None:
    broker = BrokerSpec(LOOPBACK, each_broker.port)
    async with Running(broker, "acks", "telemetry", silent_s=3000.0) as first, Chatty(broker):
        await eventually(lambda: first.session.sampled)
        await eventually(lambda: not first.messages()[-1].startswith(b"t"))
    async with Running(broker, "acks", "telemetry") as second:
        await eventually(second.reached)
        async with aiomqtt.Client(broker.host, broker.port) as client:
            await client.publish("telemetry", b"heard", qos=0)
        await eventually(lambda: b"heard" in second.messages())


@pytest.mark.parametrize("changes", [{"port": 1}, {"host": "no.such.host.invalid"}, {"tls": True, "ca_file": "/nowhere"}])
async def test_a_broker_that_cannot_be_reached_is_tried_again(
    broker: BrokerSpec, changes: dict[str, object], free_port: Callable[[], int], tmp_path: Path
) -> None:
    wrong = replace(broker, **changes)  # type: ignore[arg-type]
    async with Running(wrong, "a") as running:
        await eventually(lambda: len(running.heard) >= 2)
        assert all(isinstance(each, BrokerLost) and each.reason for each in running.heard)
        assert not running.task.done()
