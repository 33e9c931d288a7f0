"""Simulated devices on a real broker: what they say, what they execute, and what goes wrong when it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import aiomqtt
import pytest

from drivers.errors import DecodeError
from drivers.native.codec import NATIVE
from drivers.native.device_side import Lease, lease_payload
from drivers.native.simulator import Faults, SimulatedDevice, SimulatedDeviceSpec, Simulator, executor
from drivers.native.simulator.connection import Connection
from drivers.native.spec import PUMP
from drivers.protocol import (
    AckState,
    CommandAcked,
    Decoded,
    Described,
    DeviceRef,
    EventReported,
    OutgoingCommand,
    PresenceReported,
    PresenceState,
    Received,
    TelemetryReported,
)
from lics_actors.device.messages import BrokerSpec
from tests.waiting import PATIENCE_S, eventually


class Listener:
    """The other end: hears everything of one device through the native driver, and commands it."""

    def __init__(self, client: aiomqtt.Client, device: DeviceRef) -> None:
        self.client, self.device = client, device
        self.heard: list[Decoded] = []
        self.refused: list[DecodeError] = []

    async def listen(self) -> None:
        async for message in self.client.messages:
            assert isinstance(message.payload, bytes)
            try:
                self.heard += NATIVE.decode(self.device, Received(message.topic.value, message.payload, datetime.now(UTC)))
            except DecodeError as error:
                self.refused.append(error)

    def all(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.heard if isinstance(each, kind)]

    @property
    def presence(self) -> PresenceReported | None:
        said = self.all(PresenceReported)
        return said[-1] if said else None

    def acks(self, command_id: UUID) -> list[CommandAcked]:
        return [each for each in self.all(CommandAcked) if each.command_id == command_id]

    def states(self, command_id: UUID) -> list[str]:
        return [each.state.value for each in self.acks(command_id)]

    async def send(self, name: str, *, command_id: UUID | None = None, **more: Any) -> UUID:
        """Send a command; `more`: `args`, `deadline_s`, `epoch`, `lease`."""
        command_id = command_id or uuid4()
        deadline = datetime.now(UTC) + timedelta(seconds=more.pop("deadline_s", 10))
        command = OutgoingCommand(command_id, name, more.pop("args", {}), deadline, **more)
        for publication in NATIVE.encode(self.device, command):
            await self.client.publish(publication.topic, publication.payload, qos=publication.qos)
        return command_id

    async def settled(self, command_id: UUID, timeout_s: float = PATIENCE_S) -> CommandAcked:
        final = {AckState.SUCCEEDED, AckState.FAILED, AckState.REJECTED}
        return await eventually(
            lambda: next((each for each in self.acks(command_id) if each.state in final), None), timeout_s, f"end of {command_id}"
        )


@asynccontextmanager
async def listener(broker: BrokerSpec, device_id: UUID) -> AsyncIterator[Listener]:
    ref = DeviceRef(device_id, {}, broker.prefix)
    async with aiomqtt.Client(broker.host, broker.port) as client:
        ear = Listener(client, ref)
        await client.subscribe([(each.filter, each.qos) for each in NATIVE.subscriptions(ref)])
        listening = asyncio.create_task(ear.listen())
        try:
            yield ear
        finally:
            listening.cancel()


@asynccontextmanager
async def one(
    broker: BrokerSpec, kind: str = "pump", state_dir: Path | None = None, **spec: Any
) -> AsyncIterator[tuple[SimulatedDevice, Listener]]:
    """One device that is online, and somebody who listens to it."""
    device_id = spec.pop("device_id", None) or uuid4()
    async with listener(broker, device_id) as ear:
        described = SimulatedDeviceSpec(device_id, kind, **{"rate_hz": 0, **spec})
        async with Simulator(broker, [described], state_dir) as simulator:
            await simulator.online()
            await eventually(lambda: ear.presence and ear.presence.state is PresenceState.ONLINE)
            yield simulator.device(device_id), ear


async def test_a_device_describes_itself_and_says_that_it_is_there(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        assert ear.all(Described)[0].description == PUMP
        assert ear.presence is not None and ear.presence.epoch == device.epoch == 1
    assert not ear.refused


async def test_an_orderly_end_says_offline_and_stays_known(broker: BrokerSpec) -> None:
    async with one(broker) as (device, _):
        device_id = device.spec.device_id
    async with listener(broker, device_id) as late:
        said = await eventually(lambda: late.presence)
        assert (said.state, said.reason) == (PresenceState.OFFLINE, "stopped")


async def test_telemetry_is_numbered_without_gaps(broker: BrokerSpec) -> None:
    async with one(broker, "environment", rate_hz=50, samples=2, remember=True) as (device, ear):
        await eventually(lambda: len(ear.all(TelemetryReported)) >= 20)
        device.set_rate(0)
        await eventually(lambda: len(device.confirmed) == device.sent == len(ear.all(TelemetryReported)))
    reports = ear.all(TelemetryReported)
    assert [each.seq for each in reports] == list(range(len(reports)))
    assert {(each.epoch, each.seq) for each in reports} == device.confirmed
    times = [sample.time for each in reports for sample in each.samples]
    assert times == sorted(set(times)) and len(times) == 2 * len(reports)
    assert not ear.refused


async def test_a_lickometer_reports_licks_and_touches(broker: BrokerSpec) -> None:
    async with one(broker, "lickometer", rate_hz=5) as (_, ear):
        await eventually(lambda: {"lick", "touch"} <= {each.type for each in ear.all(EventReported)})
    events = ear.all(EventReported)
    assert [each.seq for each in events] == list(range(len(events)))


async def test_a_pump_dispenses_and_reports_each_state(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        sent = await ear.send("dispense", args={"volume_ul": 20}, epoch=device.epoch)
        end = await ear.settled(sent)
        assert (end.state, end.result, end.error) == (AckState.SUCCEEDED, {"dispensed_ul": 20.0}, None)
        assert ear.states(sent) == ["delivered", "executing", "succeeded"]
        assert end.time - ear.acks(sent)[1].time >= timedelta(seconds=0.09)  # 20 µl at 200 µl/s
        assert device.executions(sent) == 1
        assert device.body.model.metrics(None)["reservoir_ul"] == 19_980.0  # type: ignore[arg-type]
        await eventually(lambda: [each.data for each in ear.all(EventReported)] == [{"volume_ul": 20.0}])


async def test_a_repeated_id_is_answered_from_the_ledger(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        sent = await ear.send("dispense", args={"volume_ul": 20})
        first = await ear.settled(sent)
        ear.heard.clear()
        await ear.send("dispense", command_id=sent, args={"volume_ul": 500}, deadline_s=-5, epoch=99)
        again = await ear.settled(sent)
        assert (again.state, again.result, again.ledger_seq) == (first.state, first.result, first.ledger_seq)
        assert ear.states(sent) == ["succeeded"] and device.executions(sent) == 1


async def test_duplicates_while_it_waits_or_runs_are_not_executed_again(broker: BrokerSpec) -> None:
    async with one(broker, faults=Faults(execution=0.2)) as (device, ear):
        before = await ear.send("dispense", args={"volume_ul": 1})
        waiting = await ear.send("dispense", args={"volume_ul": 2})
        for _ in range(5):
            await ear.send("dispense", command_id=before, args={"volume_ul": 1})
            await ear.send("dispense", command_id=waiting, args={"volume_ul": 2})
        await ear.settled(before)
        await ear.settled(waiting)
        assert device.executions(before) == device.executions(waiting) == 1
        assert "executing" in ear.states(before)


async def test_what_must_not_run_is_rejected(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        cases = {
            "expired": await ear.send("dispense", args={"volume_ul": 1}, deadline_s=-1),
            "stale_epoch": await ear.send("dispense", args={"volume_ul": 1}, epoch=device.epoch + 1),
            "unknown_command": await ear.send("explode"),
            "invalid_arguments: args.volume_ul is required": await ear.send("dispense"),
            "invalid_lease: Object missing required field `expires`": await ear.send(
                "dispense", args={"volume_ul": 1}, lease={"holder": "x"}
            ),
            "lease_expired": await ear.send(
                "dispense", args={"volume_ul": 1}, lease={"holder": "x", "expires": "2026-01-01T00:00:00Z"}
            ),
        }
        for error, sent in cases.items():
            end = await ear.settled(sent)
            assert (end.state, end.error) == (AckState.REJECTED, error)
            assert device.executions(sent) == 0


async def test_power_off_mid_command_is_interrupted_and_never_runs_twice(broker: BrokerSpec, data_dir: Path) -> None:
    async with one(broker, state_dir=data_dir, faults=Faults(execution=30)) as (device, ear):
        sent = await ear.send("dispense", args={"volume_ul": 100})
        await eventually(lambda: "executing" in ear.states(sent))
        await device.power_off()
        gone = await eventually(lambda: ear.presence if ear.presence and ear.presence.state is PresenceState.OFFLINE else None)
        assert gone.reason == "connection lost" and gone.epoch == 1
        device.faults.execution = None
        await device.power_on()
        await eventually(lambda: ear.presence and ear.presence.epoch == 2)
        await ear.send("dispense", command_id=sent, args={"volume_ul": 100}, epoch=1)
        end = await ear.settled(sent)
        assert (end.state, end.error) == (AckState.FAILED, "interrupted")
        assert device.executions(sent) == 1


async def test_the_ledger_and_the_epoch_outlive_the_process(broker: BrokerSpec, data_dir: Path) -> None:
    device_id = uuid4()
    async with one(broker, state_dir=data_dir, device_id=device_id) as (_, ear):
        sent = await ear.send("dispense", args={"volume_ul": 5})
        first = await ear.settled(sent)
    async with one(broker, state_dir=data_dir, device_id=device_id) as (device, ear):
        assert device.epoch == 2
        await ear.send("dispense", command_id=sent, args={"volume_ul": 5})
        assert (await ear.settled(sent)).ledger_seq == first.ledger_seq == 1
        assert device.executions(sent) == 1


async def test_stop_ends_a_dose_at_once(broker: BrokerSpec) -> None:
    async with one(broker) as (_, ear):
        dose = await ear.send("dispense", args={"volume_ul": 1000})  # 5 s
        await eventually(lambda: "executing" in ear.states(dose))
        stop = await ear.send("stop")
        assert (await ear.settled(stop)).result == {"stopped": True}
        end = await ear.settled(dose)
        assert (end.state, end.error) == (AckState.FAILED, "stopped")
        assert 0 < end.result["dispensed_ul"] < 900
        assert (await ear.settled(await ear.send("stop"))).result == {"stopped": False}


async def test_a_lease_that_runs_out_stops_the_actuator(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        expires = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
        dose = await ear.send("dispense", args={"volume_ul": 1000}, lease={"holder": "run:1", "expires": expires})
        end = await ear.settled(dose)
        assert (end.state, end.error) == (AckState.FAILED, "lease_expired")
        await eventually(lambda: ("lease_expired", {"holder": "run:1"}) in [(e.type, e.data) for e in ear.all(EventReported)])
        assert device.lease is None


async def test_what_was_refused_for_its_lease_stays_refused_when_there_is_one(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        gone = {"holder": "run:1", "expires": "2026-01-01T00:00:00Z"}
        dose = await ear.send("dispense", args={"volume_ul": 5}, lease=gone)
        assert (await ear.settled(dose)).error == "lease_expired"
        later = Lease("run:1", datetime.now(UTC) + timedelta(seconds=60))
        await ear.client.publish(f"{broker.prefix}devices/{device.spec.device_id}/lease", lease_payload(later), qos=1)
        await eventually(lambda: device.lease == later)
        await ear.send("dispense", command_id=dose, args={"volume_ul": 5}, lease=gone)  # a broker that was killed says it again
        await eventually(lambda: ear.states(dose) == ["delivered", "rejected", "rejected"])
        assert device.executions(dose) == 0 and ear.acks(dose)[-1].error == "lease_expired"


async def test_a_renewed_lease_lets_it_finish(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        soon, later = (datetime.now(UTC) + timedelta(seconds=s) for s in (3, 30))
        lease = {"holder": "run:1", "expires": soon.isoformat()}
        dose = await ear.send("dispense", args={"volume_ul": 800}, lease=lease)  # 4 s
        topic = f"{broker.prefix}devices/{device.spec.device_id}/lease"
        await ear.client.publish(topic, lease_payload(Lease("run:1", later)), qos=1)
        assert (await ear.settled(dose)).state is AckState.SUCCEEDED
        assert device.lease == Lease("run:1", later)


async def test_commands_sent_while_it_is_off_are_judged_when_it_returns(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        await device.power_off()
        stale = await ear.send("dispense", args={"volume_ul": 1}, epoch=1)
        fresh = await ear.send("dispense", args={"volume_ul": 1})
        await device.power_on()
        assert (await ear.settled(stale)).error == "stale_epoch"
        assert (await ear.settled(fresh)).state is AckState.SUCCEEDED


async def test_a_frozen_device_says_nothing_and_goes_on_later(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        device.freeze()
        sent = await ear.send("dispense", args={"volume_ul": 1})
        marker = await ear.send("identify")
        assert device.connected and ear.acks(sent) == [] == ear.acks(marker)
        device.thaw()
        assert (await ear.settled(sent)).state is AckState.SUCCEEDED


async def test_dropped_acks_leave_the_truth_in_the_ledger(broker: BrokerSpec) -> None:
    final = frozenset({AckState.SUCCEEDED, AckState.FAILED})
    async with one(broker, faults=Faults(drop_acks=1, drop_states=final)) as (device, ear):
        sent = await ear.send("dispense", args={"volume_ul": 1})
        known = await eventually(lambda: entry if (entry := device.entry(sent)) and entry.state in final else None)
        assert known.result == {"dispensed_ul": 1.0}
        device.faults.turn("drop_acks", 0)
        await ear.send("dispense", command_id=sent, args={"volume_ul": 1})
        assert (await ear.settled(sent)).result == known.result
        assert "executing" in ear.states(sent) and device.executions(sent) == 1


async def test_duplicates_and_delays_reach_the_listener(broker: BrokerSpec) -> None:
    async with one(broker, faults=Faults(duplicate=1, delay=0.3)) as (_, ear):
        begun = datetime.now(UTC)
        sent = await ear.send("identify")
        await eventually(lambda: len(ear.acks(sent)) == 6)
        assert datetime.now(UTC) - begun >= timedelta(seconds=0.3)


async def test_garbage_is_refused_and_breaks_nothing(broker: BrokerSpec) -> None:
    async with one(broker, "environment", rate_hz=100, faults=Faults(garbage=1)) as (device, ear):
        await eventually(lambda: len(ear.refused) > 60)
        device.faults.turn("garbage", 0)
        assert (await ear.settled(await ear.send("identify"))).state is AckState.SUCCEEDED
        assert len(ear.all(TelemetryReported)) > 30


async def test_what_waited_too_long_for_its_turn_is_expired(broker: BrokerSpec) -> None:
    async with one(broker, faults=Faults(execution=0.5)) as (device, ear):
        first = await ear.send("dispense", args={"volume_ul": 1})
        second = await ear.send("dispense", args={"volume_ul": 1}, deadline_s=0.2)
        assert (await ear.settled(second)).error == "expired"
        assert (await ear.settled(first)).state is AckState.SUCCEEDED
        assert (device.executions(first), device.executions(second)) == (1, 0)


async def test_a_device_that_reboots_itself_counts_its_boots(broker: BrokerSpec) -> None:
    async with one(broker, "environment", rate_hz=20, faults=Faults(reboot=1)) as (device, ear):
        await eventually(lambda: device.epoch >= 3)
        device.faults.turn("reboot", 0)
        await eventually(lambda: len([each for each in ear.all(TelemetryReported) if each.epoch == device.epoch]) >= 3)
        epochs = [each.epoch for each in ear.all(TelemetryReported)]
        assert epochs == sorted(epochs)
        assert [each.seq for each in ear.all(TelemetryReported) if each.epoch == device.epoch][:3] == [0, 1, 2]


async def test_a_device_that_hangs_keeps_its_connection(broker: BrokerSpec) -> None:
    async with one(broker, "environment", rate_hz=50, faults=Faults(freeze=1)) as (device, ear):
        await eventually(lambda: device.sent == 1)
        sent = await ear.send("identify")
        device.faults.turn("freeze", 0)
        assert device.connected and device.sent == 1 and not ear.acks(sent)
        await device.reboot()  # off and on again helps
        await eventually(lambda: device.sent > 5)


async def test_an_enormous_payload_is_refused(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        assert await device.publish_raw("telemetry", b"x" * 1_000_000)
        (error,) = await eventually(lambda: ear.refused)
        assert "more than 262144" in error.reason
        await device.power_off()
        assert not await device.publish_raw("telemetry", b"{}") and not device.powered and device.lease is None


async def test_switching_on_twice_is_one_boot(broker: BrokerSpec) -> None:
    async with one(broker) as (device, _):
        await device.power_on()
        assert device.epoch == 1
        await device.power_off()
        await device.power_off()
        await device.power_on()
        assert device.epoch == 2


async def test_readings_made_without_a_broker_are_a_visible_gap(own_broker: Any) -> None:
    spec = SimulatedDeviceSpec(uuid4(), "environment", rate_hz=20, remember=True)
    async with Simulator(own_broker.spec, [spec]) as simulator:
        await simulator.online()
        device = simulator.device(spec.device_id)
        await eventually(lambda: len(device.confirmed) > 5)
        await own_broker.stop()
        made = device.sent
        await eventually(lambda: device.sent > made + 5)
        await own_broker.start()
        await eventually(lambda: max(device.confirmed)[1] > made + 5)
        seqs = {seq for _, seq in device.confirmed}
        assert set(range(max(seqs))) - seqs  # lost, and everyone can see it


async def test_rubbish_from_the_other_side_is_counted(broker: BrokerSpec) -> None:
    async with one(broker) as (device, ear):
        base = f"{broker.prefix}devices/{device.spec.device_id}/"
        for leaf in ("commands", "lease"):
            for payload in (b"", b"\xff", b"[" * 50_000, b"{}", b'{"id": 1}'):
                await ear.client.publish(base + leaf, payload, qos=1)
        await eventually(lambda: device.undecodable == 10)
        assert (await ear.settled(await ear.send("identify"))).state is AckState.SUCCEEDED


async def test_a_report_interval_takes_effect(broker: BrokerSpec) -> None:
    async with one(broker, "environment", rate_hz=0) as (_, ear):
        assert ear.all(TelemetryReported) == []
        await ear.settled(await ear.send("set_report_interval", args={"seconds": 0.1}))
        await eventually(lambda: len(ear.all(TelemetryReported)) >= 3)


async def test_devices_come_back_when_the_broker_does(own_broker: Any) -> None:
    spec = SimulatedDeviceSpec(uuid4(), "pump", rate_hz=0, faults=Faults(execution=1.0))
    async with Simulator(own_broker.spec, [spec]) as simulator:
        await simulator.online()
        device = simulator.device(spec.device_id)
        async with listener(own_broker.spec, spec.device_id) as ear:
            sent = await ear.send("dispense", args={"volume_ul": 1})
            await eventually(lambda: "executing" in ear.states(sent))
        own_broker.kill()
        await eventually(lambda: not device.connected)
        ended = await eventually(lambda: entry if (entry := device.entry(sent)) and entry.state is AckState.SUCCEEDED else None)
        await own_broker.start()
        async with listener(own_broker.spec, spec.device_id) as ear:
            await eventually(lambda: device.connected)
            await ear.send("dispense", command_id=sent, args={"volume_ul": 1})
            assert (await ear.settled(sent)).ledger_seq == ended.ledger_seq
        assert device.epoch == 1 and device.executions(sent) == 1


async def test_many_devices_start_together(broker: BrokerSpec) -> None:
    kinds = ("pump", "lickometer", "environment", "feeder")
    specs = [SimulatedDeviceSpec(uuid4(), kinds[n % 4], rate_hz=1) for n in range(40)]
    async with Simulator(broker, specs) as simulator:
        await simulator.online()
        assert all(device.connected for device in simulator.devices)


async def test_who_leaves_while_still_greeting_says_goodbye_behind_it(broker: BrokerSpec) -> None:
    """Others have seen the greeting before its PUBACK has come back: leaving just then must not leave `online` behind."""
    topic, said, answered = f"{broker.prefix}status", asyncio.Event(), asyncio.Event()

    async def greet(client: aiomqtt.Client) -> None:
        await client.publish(topic, b"online", qos=1, retain=True)
        said.set()
        await answered.wait()

    connection = Connection(
        broker,
        f"{broker.prefix}leaving",
        will=lambda: aiomqtt.Will(topic, b"lost", qos=1, retain=True),
        greet=greet,
        receive=lambda _topic, _payload: None,
        gate=asyncio.Semaphore(1),
        dice=Random(1),
        keepalive_s=10,
    )
    life = asyncio.create_task(connection.run())
    async with asyncio.timeout(PATIENCE_S):
        await said.wait()
        goodbye = asyncio.create_task(connection.farewell(topic, b"offline"))
        await asyncio.sleep(0)
        answered.set()
        assert await goodbye
    life.cancel()
    await asyncio.wait([life])
    async with asyncio.timeout(PATIENCE_S), aiomqtt.Client(broker.host, broker.port) as watcher:
        await watcher.subscribe(topic, 1)
        assert (await anext(aiter(watcher.messages))).payload == b"offline"


async def test_what_is_held_falls_with_the_lease_and_with_the_power(broker: BrokerSpec) -> None:
    async with one(broker, "actuator") as (device, ear):

        def events() -> list[Any]:
            return [(e.type, e.data) for e in ear.all(EventReported)]

        expires = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
        await ear.settled(await ear.send("switch_on", lease={"holder": "lics:1", "expires": expires}))
        assert device.body.model.metrics(Random(1))["on"] == 1.0
        await eventually(lambda: ("lease_expired", {"holder": "lics:1"}) in events())
        assert events()[-2:] == [("switched", {"on": False}), ("lease_expired", {"holder": "lics:1"})]
        assert device.body.model.metrics(Random(1))["on"] == 0.0

        far = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await ear.settled(await ear.send("switch_on", lease={"holder": "lics:1", "expires": far}))
        assert (await ear.settled(await ear.send("stop"))).result == {"stopped": True}
        await ear.settled(await ear.send("switch_on", lease={"holder": "lics:1", "expires": far}))
        await device.reboot()
        assert device.body.model.metrics(Random(1))["on"] == 0.0


async def test_no_lease_is_believed_for_longer_than_ten_seconds(broker: BrokerSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "MAX_LEASE_S", 0.3)  # of this device's clock, which may be behind LICS's by any time
    async with one(broker, "actuator") as (device, ear):
        far = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await ear.settled(await ear.send("switch_on", lease={"holder": "lics:1", "expires": far}))
        await eventually(lambda: device.body.model.metrics(Random(1))["on"] == 0.0)
