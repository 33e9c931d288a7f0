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
from lics_actors.device.messages import BrokerSpec
from lics_actors.device.session import (
    MAX_OUTGOING,
    BrokerLost,
    BrokerReached,
    DeviceSession,
    Heard,
    MessageArrived,
    client_id,
    subscriptions,
)
from tests.waiting import eventually

DEVICE = UUID(int=6)


def test_of_the_data_plane_an_actor_wants_the_newest_only() -> None:
    filters = [TopicFilter("a", 1), TopicFilter("b", 1, data=True), TopicFilter("c", 1, control=False, data=True)]
    assert subscriptions(filters) == (("a", 1), ("b", 0))


class Running:
    """A session on a broker, and what it heard."""

    def __init__(self, broker: BrokerSpec, *topics: str) -> None:
        self.heard: list[Heard] = []
        self.session = DeviceSession(broker, DEVICE, [TopicFilter(broker.prefix + t, 1) for t in topics], self.heard.append)
        self.task = asyncio.create_task(self.session.run())

    async def __aenter__(self) -> Running:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def reached(self) -> list[BrokerReached]:
        return [each for each in self.heard if isinstance(each, BrokerReached)]

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


@pytest.mark.parametrize("changes", [{"port": 1}, {"host": "no.such.host.invalid"}, {"tls": True, "ca_file": "/nowhere"}])
async def test_a_broker_that_cannot_be_reached_is_tried_again(
    broker: BrokerSpec, changes: dict[str, object], free_port: Callable[[], int], tmp_path: Path
) -> None:
    wrong = replace(broker, **changes)  # type: ignore[arg-type]
    async with Running(wrong, "a") as running:
        await eventually(lambda: len(running.heard) >= 2, 10.0)
        assert all(isinstance(each, BrokerLost) and each.reason for each in running.heard)
        assert not running.task.done()
