"""What goes wrong at the broker and behind the spool reaches a person: the alarm in the table and over REST, with its number."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiomqtt
import asyncpg
import pytest

from drivers.registry import driver, driver_names
from lics_actors.device.messages import BrokerSpec
from lics_actors.fleet.messages import RecorderSpec
from lics_actors.recorder.brokerwatch import BrokerWatch
from lics_actors.recorder.conditions import conditions
from lics_actors.recorder.core import RecorderCore
from lics_actors.recorder.tally import Tally
from lics_actors.services.broker import Amqtt, Mosquitto, mosquitto_program
from lics_actors.services.brokerlook import SENT as SENT_BY_DOCTOR
from lics_actors.services.brokerlook import Look, look
from lics_actors.services.checkup import Verdict, foreign_broker
from lics_actors.services.server import Launch
from tests.contract.raw_mqtt import RawClient
from tests.system.laboratory import Laboratory
from tests.system.recorder_load import devices, payload
from tests.waiting import eventually

PROGRAM = mosquitto_program()
QUEUED, SENT = 10, 70
DRIVERS = {name: driver(name) for name in driver_names()}


class TinyBroker(Mosquitto):
    """mosquitto that queues next to nothing, and says so every second."""

    def prepare(self) -> Launch:
        launch = super().prepare()
        conf = self.folder / "mosquitto.conf"
        text = re.sub(r"max_queued_messages \d+", f"max_queued_messages {QUEUED}", conf.read_text())
        text = re.sub(r"max_inflight_messages \d+", "max_inflight_messages 1", text)
        conf.write_text(re.sub(r"sys_interval \d+", "sys_interval 1", text))
        return launch


@pytest.fixture
async def tiny_broker(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[BrokerSpec]:
    if PROGRAM is None:
        pytest.skip("mosquitto is not installed")
    broker = TinyBroker(data_dir / "broker", data_dir / "broker.log", free_port(), PROGRAM)
    await broker.start()
    yield BrokerSpec("127.0.0.1", broker.port, "labs/one/")
    await broker.stop()


async def overflow(broker: BrokerSpec) -> None:
    """Have the broker drop all but a few of `SENT` messages: a client with a session stays away."""
    async with RawClient(broker.port, "sleeper") as sleeper:
        await sleeper.subscribe("elsewhere/#")
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for n in range(SENT):
            await client.publish("elsewhere/x", str(n).encode(), qos=1)


@pytest.mark.mosquitto
async def test_messages_that_mosquitto_dropped_are_an_alarm_with_their_number(
    tiny_broker: BrokerSpec, data_dir: Path, database_url: str, redis_url: str, free_port: Callable[[], int]
) -> None:
    async with Laboratory(data_dir, database_url, redis_url, tiny_broker, free_port) as laboratory:
        await eventually((data_dir / "spool" / "broker.json").exists, what="the broker's figures were heard")
        await overflow(tiny_broker)

        async def told() -> Any:
            page = await laboratory.get("/api/v1/alarms")
            return next((alarm for alarm in page["items"] if alarm["kind"] == "broker-dropped"), None)

        alarm = await eventually(told)
        assert alarm["source"] == "recorder"
        number = re.search(r"dropped (\d+) messages", alarm["message"])
        assert number is not None
        assert 0 < int(number[1]) <= SENT - QUEUED


@pytest.mark.mosquitto
async def test_what_was_dropped_while_nobody_listened_is_told_by_the_next(tiny_broker: BrokerSpec, tmp_path: Path) -> None:
    async def listen(watch: BrokerWatch, until: Callable[[], object]) -> None:
        task = asyncio.create_task(watch.run())
        await eventually(until)
        task.cancel()

    first = BrokerWatch(tiny_broker, tmp_path, Tally())
    await listen(first, lambda: first.facts.total is not None and first.facts.stored is not None)
    assert first.facts.lost == 0
    await overflow(tiny_broker)
    second = BrokerWatch(tiny_broker, tmp_path, Tally())
    await listen(second, lambda: second.facts.lost == SENT - QUEUED)


@pytest.mark.mosquitto
async def test_doctor_sees_a_narrow_broker_and_that_it_dropped(tiny_broker: BrokerSpec) -> None:
    await overflow(tiny_broker)

    async def seen() -> Look | None:
        found = await look(tiny_broker)
        return found if found.dropped == SENT - QUEUED else None

    found = await eventually(seen)
    assert found.in_flight == 1
    assert found.version is not None
    assert found.version.startswith("mosquitto version 2")
    told = foreign_broker("broker.lab:1883", found)
    assert told.verdict is Verdict.NOTE
    assert "only 1 messages" in told.seen
    again = await look(tiny_broker)
    assert again.dropped == SENT - QUEUED, "looking drops nothing"


async def test_doctor_finds_nothing_to_say_of_a_broker_that_is_wide_enough(broker: BrokerSpec) -> None:
    found = await look(broker)
    assert (found.in_flight, found.narrow) == (SENT_BY_DOCTOR, False)


@pytest.mark.parametrize(
    ("seen", "verdict", "said"),
    [
        (Look(), Verdict.OK, "your own"),
        (Look("mosquitto version 2.0.11", 0, SENT_BY_DOCTOR), Verdict.OK, "2.0.11"),
        (Look(None, 1234, SENT_BY_DOCTOR), Verdict.NOTE, "1,234 messages"),
        (Look(None, None, 20), Verdict.NOTE, "only 20 messages"),
    ],
)
def test_doctor_says_what_is_wrong_with_a_foreign_broker(seen: Look, verdict: Verdict, said: str) -> None:
    finding = foreign_broker("b:1883", seen)
    assert finding.verdict is verdict
    assert said in finding.seen
    assert (finding.next_step is None) is (verdict is Verdict.OK)


async def test_the_fallback_broker_says_what_it_dropped(tmp_path: Path, data_dir: Path, free_port: Callable[[], int]) -> None:
    broker = Amqtt(data_dir / "broker", data_dir / "broker.log", free_port())
    await broker.start()
    try:
        watch = BrokerWatch(BrokerSpec("127.0.0.1", broker.port), tmp_path, Tally())
        task = asyncio.create_task(watch.run())
        await eventually(lambda: watch.facts.total == 0)
        task.cancel()
    finally:
        await broker.stop()


async def test_lag_is_an_alarm_until_the_tables_have_caught_up(
    broker: BrokerSpec, database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (device,) = devices(1)
    spec = RecorderSpec(broker, str(data_dir / "spool"), str(data_dir / "journals"), database_url, 1 << 30, lag_alarm_s=1.0)
    core = RecorderCore(spec, DRIVERS)
    core.devices_known([device])
    blocker = await asyncpg.connect(database_url)
    task = asyncio.create_task(core.run())
    try:
        await eventually(lambda: core.tally.subscriptions)
        block = blocker.transaction()
        await block.start()
        await blocker.execute("LOCK TABLE telemetry IN ACCESS EXCLUSIVE MODE")
        async with aiomqtt.Client(broker.host, broker.port) as client:
            await client.publish(f"{broker.prefix}devices/{device.device_id}/telemetry", payload(device.device_id, 0), qos=1)
        await eventually(lambda: "ingest-lag" in conditions(core.standing))
        assert core.standing.lag_s >= 1.0
        await block.rollback()
        await eventually(lambda: "ingest-lag" not in conditions(core.standing))
    finally:
        await blocker.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
