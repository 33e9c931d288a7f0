"""A DeviceActor as it runs: own process, own MQTT session on a real broker, own journal; the device is the simulator."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiomqtt
import psutil
import pytest

from drivers.native.codec import device_base
from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from drivers.protocol import AckState
from lics_actors.device.messages import (
    Admin,
    AskCommand,
    BrokerSpec,
    CancelCommand,
    CommandState,
    DeviceActorSpec,
    DeviceSpec,
    RequestCommand,
)
from lics_actors.errors import (
    CommandNotFoundError,
    DeviceNotEnabledError,
    DeviceNotFoundError,
    DeviceUnavailableError,
    FleetUnavailableError,
    InvalidError,
    LicsError,
)
from lics_actors.journal import JournalReader, journal_path
from lics_actors.runtime.messages import AskDoor, DoorAt
from lics_actors.store.records import Command, CommandAccepted, CommandMoved, DeviceChanged, PayloadRejected
from tests.pace import slowness
from tests.system.device_host import DeviceHost
from tests.waiting import PATIENCE_S, eventually

LIFE = ["accepted", "dispatched", "delivered", "executing", "succeeded"]


def actor_spec(folder: Path, broker: BrokerSpec, device_id: UUID | None = None) -> DeviceActorSpec:
    device = DeviceSpec(device_id or uuid4(), "pump 1", "pump", "native", {}, silent_s=30)
    return DeviceActorSpec(device, broker, str(folder / "journals"))


@pytest.fixture
async def host(data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int]) -> AsyncIterator[DeviceHost]:
    async with DeviceHost(data_dir, free_port(), actor_spec(data_dir, broker)) as running:
        yield running


@pytest.fixture
async def pump(host: DeviceHost, data_dir: Path) -> AsyncIterator[Simulator]:
    spec = SimulatedDeviceSpec(host.spec.device.device_id, "pump", rate_hz=2.0)
    async with Simulator(host.spec.broker, [spec], data_dir / "simulator") as simulator:
        await simulator.online()
        await host.link("online")
        yield simulator


def wish(host: DeviceHost, name: str = "dispense", **changes: Any) -> RequestCommand:
    fields: dict[str, Any] = {"command_id": uuid4(), "device_id": host.spec.device.device_id, "name": name, "wait_s": 5.0}
    fields |= {"args": {"volume_ul": 5} if name == "dispense" else {}, "principal": "user:1"}
    return RequestCommand(**(fields | changes))


def states(command: Command) -> list[str]:
    return [step.state.value for step in command.steps]


def journaled(host: DeviceHost) -> list[Any]:
    reader = JournalReader(journal_path(Path(host.spec.journal_dir), f"device-{host.spec.device.device_id}"))
    try:
        return [record for _, record in reader.read(0, 100_000)]
    finally:
        reader.close()


def executions(data_dir: Path, command_id: UUID) -> int:
    with sqlite3.connect(data_dir / "simulator" / "ledger.sqlite") as ledger:
        query = "SELECT count(*) FROM execution WHERE command_id = ?"
        (count,) = ledger.execute(query, (str(command_id),)).fetchone()
    ledger.close()
    return int(count)


async def settled(host: DeviceHost, command_id: UUID, timeout_s: float = PATIENCE_S) -> Command:
    async def found() -> Command | None:
        command = await host.ask(AskCommand(host.spec.device.device_id, command_id))
        return command if command.state.terminal and command.state is not CommandState.INDETERMINATE else None

    command: Command = await eventually(found, timeout_s, "the command is settled")
    return command


async def test_a_command_succeeds_and_its_journal_has_every_state_with_its_time(
    host: DeviceHost, pump: Simulator, data_dir: Path
) -> None:
    asked = wish(host, reason="reward")
    command = await host.ask(asked)
    assert states(command) == LIFE
    assert command.steps[-1].result["dispensed_ul"] == pytest.approx(5)
    assert executions(data_dir, asked.command_id) == 1

    records = journaled(host)
    (accepted,) = [record for record in records if isinstance(record, CommandAccepted)]
    moves = [record for record in records if isinstance(record, CommandMoved)]
    assert [accepted.command.steps[0], *(move.step for move in moves)] == list(command.steps)
    times = [step.time for step in command.steps]
    assert times == sorted(times)
    assert [move.n for move in moves] == [1, 2, 3, 4]
    assert (accepted.command.reason, command.epoch) == ("reward", (await host.twin()).epoch)
    assert [record.link for record in records if isinstance(record, DeviceChanged)] == ["connecting", "online"]

    again = await host.ask(asked)
    assert again == command
    assert await host.ask(AskCommand(asked.device_id, asked.command_id)) == command
    assert executions(data_dir, asked.command_id) == 1


async def test_refusals_reach_the_peer(host: DeviceHost, pump: Simulator) -> None:
    with pytest.raises(InvalidError) as refused:
        await host.ask(wish(host, args={"volume_ul": "all"}))
    assert refused.value.fields[0]["field"] == "args.volume_ul"
    with pytest.raises(DeviceNotFoundError):
        await host.ask(replace(wish(host), device_id=uuid4()))
    with pytest.raises(CommandNotFoundError):
        await host.ask(AskCommand(host.spec.device.device_id, uuid4()))
    with pytest.raises(LicsError):
        await host.ask("what are you")
    await host.change(replace(host.spec.device, admin=Admin.MAINTENANCE))

    async def in_maintenance() -> bool:
        return (await host.twin()).status == "maintenance"

    await eventually(in_maintenance)
    with pytest.raises(DeviceNotEnabledError):
        await host.ask(wish(host))
    await host.change(host.spec.device)
    command = await eventually(lambda: host.ask(wish(host)))
    assert command.state is CommandState.SUCCEEDED
    await pump.devices[0].power_off()
    await host.link("offline")
    with pytest.raises(DeviceUnavailableError):
        await host.ask(wish(host))


async def test_commands_wait_their_turn_and_can_be_cancelled(host: DeviceHost, pump: Simulator, data_dir: Path) -> None:
    pump.devices[0].faults.execution = 0.4
    first, second, third = (wish(host, wait_s=10.0, timeout_s=10.0) for _ in range(3))
    asked = [asyncio.create_task(host.ask(each, 15.0)) for each in (first, second, third)]
    await eventually(lambda: host.ask(AskCommand(third.device_id, third.command_id)), 3.0)
    cancelled = await host.ask(CancelCommand(third.device_id, third.command_id, "user:2"))
    assert states(cancelled) == ["accepted", "cancelled"]
    done = await asyncio.gather(*asked)
    assert [command.state.value for command in done] == ["succeeded", "succeeded", "cancelled"]
    assert done[0].steps[-1].time <= done[1].steps[1].time, "one at a time"
    assert executions(data_dir, third.command_id) == 0


async def test_a_device_switched_off_mid_command_is_asked_when_it_returns(
    host: DeviceHost, pump: Simulator, data_dir: Path
) -> None:
    device = pump.devices[0]
    device.faults.execution = 20.0
    asked = wish(host, timeout_s=4.0)
    answer = asyncio.create_task(host.ask(asked))
    await eventually(lambda: executions(data_dir, asked.command_id) == 1)
    await device.power_off()
    command = await answer
    assert states(command)[-1] == "indeterminate"
    await host.link("offline")

    device.faults.execution = None
    await device.power_on()
    command = await settled(host, asked.command_id)
    assert states(command)[-2:] == ["indeterminate", "failed"]
    assert command.steps[-1].error == "interrupted"
    assert executions(data_dir, asked.command_id) == 1


async def test_a_lost_acknowledgement_is_made_good_from_the_ledger(host: DeviceHost, pump: Simulator, data_dir: Path) -> None:
    device = pump.devices[0]
    device.faults.drop_acks = 1.0
    device.faults.drop_states = frozenset({AckState.SUCCEEDED})
    asked = wish(host, timeout_s=1.0)
    command = await host.ask(asked)
    assert states(command)[-1] == "indeterminate"
    device.faults.drop_acks = 0.0
    await device.power_off()
    await host.link("offline")
    await device.power_on()
    command = await settled(host, asked.command_id)
    assert states(command)[-1] == "succeeded"
    assert executions(data_dir, asked.command_id) == 1


async def test_an_actor_killed_mid_command_settles_it_in_its_next_life(host: DeviceHost, pump: Simulator, data_dir: Path) -> None:
    pump.devices[0].faults.execution = 1.0
    for _ in range(3):
        asked = wish(host, timeout_s=20.0, wait_s=0.0)
        command = await host.ask(asked)
        assert command.state is CommandState.ACCEPTED
        await eventually(lambda asked=asked: executions(data_dir, asked.command_id) == 1)
        before = await host.kill()
        twin = await host.link("online")
        assert twin.incarnation == before + 1
        assert twin.description is not None
        command = await settled(host, asked.command_id)
        assert states(command)[-1] == "succeeded"
        assert executions(data_dir, asked.command_id) == 1
    assert len([record for record in journaled(host) if isinstance(record, CommandAccepted)]) == 3


async def test_the_door_serves_all_that_the_actor_answers_and_moves_with_each_incarnation(
    host: DeviceHost, pump: Simulator, data_dir: Path
) -> None:
    async def door() -> tuple[str, int]:
        at: DoorAt = await host.ask(AskDoor())
        assert at.port is not None
        return "127.0.0.1", at.port

    first, asked = await door(), wish(host)
    commands = await asyncio.gather(*(host.peer.visit(first, asked, 10) for _ in range(5)))
    assert all(command == commands[0] for command in commands)
    assert states(commands[0]) == LIFE
    assert executions(data_dir, asked.command_id) == 1
    assert await host.peer.visit(first, AskCommand(asked.device_id, asked.command_id), 5) == commands[0]
    with pytest.raises(InvalidError):
        await host.peer.visit(first, wish(host, args={"volume_ul": "all"}), 5)
    with pytest.raises(DeviceNotFoundError):
        await host.peer.visit(first, replace(wish(host), device_id=uuid4()), 5)
    with pytest.raises(LicsError, match="answers no str"):
        await host.peer.visit(first, "what are you", 5)

    pump.devices[0].faults.execution = 1.0
    followed = wish(host, timeout_s=20.0, wait_s=15.0)
    waiting = asyncio.create_task(host.peer.visit(first, followed, 17))
    await eventually(lambda: executions(data_dir, followed.command_id) == 1)
    await host.kill()
    with pytest.raises(FleetUnavailableError) as died:
        await waiting
    assert died.value.facts["delivered"] is True
    again = await host.peer.visit(await door(), followed, 17)
    assert isinstance(again, Command)
    assert states(again)[-1] == "succeeded"
    assert executions(data_dir, followed.command_id) == 1


async def test_a_broker_that_goes_and_comes_costs_nothing_but_time(
    data_dir: Path, own_broker: Any, free_port: Callable[[], int]
) -> None:
    spec = actor_spec(data_dir, own_broker.spec)
    simulated = SimulatedDeviceSpec(spec.device.device_id, "pump", rate_hz=2.0)
    async with (
        DeviceHost(data_dir, free_port(), spec) as host,
        Simulator(own_broker.spec, [simulated], data_dir / "simulator") as pump,
    ):
        await pump.online()
        await host.link("online")
        own_broker.kill()
        twin = await host.link("connecting")
        assert "broker" in (twin.reason or "")
        waiting = asyncio.create_task(host.ask(wish(host, wait_s=30.0, timeout_s=30.0), 35.0))
        await own_broker.start()
        await host.link("online")
        command = await waiting
        assert command.state is CommandState.SUCCEEDED
        assert executions(data_dir, command.command_id) == 1


def rubbish(dice: random.Random) -> bytes:
    return dice.choice(
        [
            dice.randbytes(dice.randrange(200)),
            b"\xff\xfe" * 50,
            b"[" * 100_000,
            b"{" * 20 + b"}" * 20,
            b"null",
            b"1e999",
            b"x" * 1_000_000,
            b'{"state":"online","epoch":-1,"ts":"2026-01-01T00:00:00Z"}',
            b'{"state":"online","epoch":99999999999999999999,"ts":"2026-01-01T00:00:00Z"}',
            b'{"schema":1,"type":"\\u0000","firmware":"","commands":{"a":{"args":{"$ref":"#"},"idempotent":1,"actuates":0}}}',
            b'{"id":"nobody","state":"succeeded","ts":"now"}',
            b'{"epoch":0,"seq":0,"ts":"2026-01-01T00:00:00Z","metrics":{"a":1e999}}',
        ]
    )


async def test_rubbish_on_every_topic_is_counted_and_changes_nothing(host: DeviceHost, pump: Simulator) -> None:
    base, dice = device_base(host.spec.broker.prefix, host.spec.device.device_id), random.Random(1)
    before = await host.where()
    async with aiomqtt.Client(host.spec.broker.host, host.spec.broker.port, max_inflight_messages=100) as client:
        for _ in range(40):
            for leaf in ("describe", "status", "commands/ack", "telemetry", "events"):
                await client.publish(base + leaf, rubbish(dice), qos=1)

    async def counted() -> bool:
        return (await host.twin()).rejected_payloads >= 100

    await eventually(counted)
    twin = await host.twin()
    assert (twin.link, twin.status) == ("online", "online")
    assert (await host.ask(wish(host))).state is CommandState.SUCCEEDED
    assert await host.where() == before, "no restart"
    kept = [record for record in journaled(host) if isinstance(record, PayloadRejected)]
    assert 0 < len(kept) <= 60, "ten a minute and topic, over two minutes at most"
    assert all(len(record.payload) <= 4096 for record in kept)


async def test_stopping_keeps_the_session_and_says_why(host: DeviceHost, pump: Simulator) -> None:
    asked = wish(host, wait_s=20.0, timeout_s=20.0)
    pump.devices[0].faults.execution = 3.0
    answer = asyncio.create_task(host.ask(asked))
    await eventually(lambda: any(isinstance(record, CommandAccepted) for record in journaled(host)))
    await host.stop()
    assert (await answer).state in {CommandState.DISPATCHED, CommandState.DELIVERED, CommandState.EXECUTING}
    changes = [record for record in journaled(host) if isinstance(record, DeviceChanged)]
    assert (changes[-1].link, changes[-1].reason) == ("connecting", "the fleet has stopped")
    log = (host.folder / "host.log").read_text()
    assert "Traceback" not in log, log


def cpu_s(pid: int) -> float:
    """Return what all threads of a process have used, in seconds, to the nanosecond (psutil: to 10 ms)."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


@pytest.mark.alone
@pytest.mark.linux
async def test_an_idle_device_costs_little(data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int]) -> None:
    spec = actor_spec(data_dir, broker)
    simulated = SimulatedDeviceSpec(spec.device.device_id, "pump", rate_hz=0.0)
    async with DeviceHost(data_dir, free_port(), spec) as host, Simulator(broker, [simulated], data_dir / "simulator"):
        await host.link("online")
        _, pid, _ = await host.where()
        began_s, measured_s = cpu_s(pid), float(os.environ.get("LICS_IDLE_S", "4"))
        await asyncio.sleep(measured_s)  # the measurement itself, not synchronisation
        share = (cpu_s(pid) - began_s) / measured_s
        unique_mib = psutil.Process(pid).memory_full_info().uss / 2**20
        print(f"idle: {unique_mib:.2f} MiB unique, {share:.4%} of a core")
        bar_mib = 6.5 if sys.version_info >= (3, 12) else 12.0  # docs/performance.md: 3.11 shares less after a fork
        assert unique_mib < bar_mib, "the bar is 6 on a quiet machine; 5.0 to 5.3 were measured"
        assert share < 0.002 * slowness(), "the bar is 0.05 % on a quiet machine"
