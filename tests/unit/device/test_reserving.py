"""A device that a run has: who may still command it, how long that lasts, and who is told how it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from drivers.native import device_side
from drivers.protocol import AckState, CommandSpec, PresenceState
from lics_actors.device import reserving
from lics_actors.device.events import Answer, CommandAwaited, PublishCommand, ReservationChanged, SessionOpened, TimerFired
from lics_actors.device.messages import AskCommand, CommandState, DeviceTwin, FreeDevice, KeepDevice
from lics_actors.device.reserving import KEPT_S, Reservation
from lics_actors.device.stepping import stepped
from lics_actors.device.twin import twin_of
from lics_actors.device.watching import MAX_WATCHERS
from lics_actors.errors import DeviceReservedError
from lics_actors.store.records import Command
from tests.unit.device.laboratory import DEVICE, PUMP, START, World, acks, asks, at, described, presence
from tests.unit.device.test_shell import Bench

RUN, OTHER = UUID(int=77), UUID(int=78)
HOLDER = f"run:{RUN}"


def keep(run_id: UUID = RUN, **more: Any) -> KeepDevice:
    return KeepDevice(DEVICE, run_id, f"run:{run_id}", **more)


def online(**releasing: CommandSpec) -> World:
    world = World()
    pump = replace(PUMP, commands={**PUMP.commands, **releasing})
    world.feed(SessionOpened(at(0)), described(0, pump), presence(0))
    return world


def test_a_reservation_is_renewed_by_its_run_and_refused_to_others_until_it_has_run_out() -> None:
    mine = reserving.kept(None, keep(), at(0))
    assert mine == Reservation(RUN, HOLDER, at(KEPT_S))
    assert reserving.kept(mine, keep(), at(9)).until == at(9 + KEPT_S)
    with pytest.raises(DeviceReservedError) as refused:
        reserving.kept(mine, keep(OTHER), at(KEPT_S - 1))
    assert refused.value.facts == {"holder": HOLDER, "run_id": str(RUN), "until": mine.until.isoformat()}
    assert reserving.kept(mine, keep(OTHER), at(KEPT_S)).run_id == OTHER
    assert reserving.standing(mine, at(KEPT_S - 1)) is mine
    assert reserving.standing(mine, at(KEPT_S)) is reserving.standing(None, at(0)) is None


def test_a_run_lets_go_only_what_is_its_own() -> None:
    mine = reserving.kept(None, keep(), at(0))
    assert reserving.freed(mine, FreeDevice(DEVICE, RUN)) is None
    assert reserving.freed(mine, FreeDevice(DEVICE, OTHER)) is mine
    assert reserving.freed(None, FreeDevice(DEVICE, RUN)) is None


def test_only_its_run_commands_a_reserved_device_and_anybody_makes_it_safe() -> None:
    world = online(halt=CommandSpec({}, idempotent=True, actuates=True, releases=True))
    world.feed(ReservationChanged(at(1), Reservation(RUN, HOLDER, at(60))))
    world.feed(asks(2, reply="stranger"), asks(2, principal=f"run:{OTHER}", reply="rival"), asks(2, "measure", reply="reader"))
    for refused in ("stranger", "rival", "reader"):
        assert isinstance(world.answer(refused), DeviceReservedError)
    halting = asks(3, "halt", reply="safe")
    world.feed(halting, acks(3, halting.request.command_id, "succeeded"))
    mine = asks(4, principal=HOLDER)
    world.feed(mine, acks(4, mine.request.command_id, "succeeded"))
    assert [each.command.name for each in world.published] == ["halt", "dispense"]
    late = asks(61, reply="later")
    world.feed(presence(60), late, acks(61, late.request.command_id, "succeeded"))
    assert isinstance(world.answer("later"), Command), "the run is gone"


def test_the_next_incarnation_knows_of_it_and_a_clock_that_is_set_does_not_end_it() -> None:
    world = online()
    world.feed(ReservationChanged(at(1), Reservation(RUN, HOLDER, at(60))))
    world.restart(30)
    assert twin_of(world.state).reserved_by == HOLDER
    assert twin_of(stepped(world.state, timedelta(hours=1))).reserved_until == at(60 + 3600)
    world.restart(61)
    assert (twin_of(world.state).reserved_by, twin_of(world.state).reserved_until) == (None, None)


def test_a_command_is_awaited_until_it_is_settled_or_time_is_over() -> None:
    world = online()
    asked = asks(1)
    world.feed(asked)
    command_id = asked.request.command_id
    question = AskCommand(DEVICE, command_id, 2.0)
    world.feed(CommandAwaited(at(1), question, "patient", world.journal[command_id]))
    world.feed(CommandAwaited(at(1), AskCommand(DEVICE, command_id, 1.0), "hasty", world.journal[command_id]))
    assert "patient" not in world.answers
    world.feed(TimerFired(at(2.5)))
    hasty = world.answer("hasty")
    assert isinstance(hasty, Command) and hasty.state is CommandState.DISPATCHED
    world.feed(acks(2.6, command_id, "succeeded"))
    patient = world.answer("patient")
    assert isinstance(patient, Command) and patient.state is CommandState.SUCCEEDED
    world.feed(CommandAwaited(at(3), question, "late", hasty))
    assert world.answer("late") == hasty, "who comes as it is settled asks again"


def test_who_wants_to_know_when_a_command_left_is_answered_behind_its_publication() -> None:
    world = online()
    effects = world.feed(asks(1, wait_s=0.0, once_said=True, reply="run"))
    kinds = [type(each) for each in effects if isinstance(each, Answer | PublishCommand)]
    assert kinds == [PublishCommand, Answer]
    said = world.answer("run")
    assert isinstance(said, Command) and said.state is CommandState.DISPATCHED
    world.feed(asks(2, wait_s=0.0, once_said=True, reply="queued"))
    queued = world.answer("queued")
    assert isinstance(queued, Command) and queued.state is CommandState.ACCEPTED
    world.feed(asks(3, "no such", once_said=True, reply="unknown"), asks(3, wait_s=9.0, once_said=True, reply="waiting"))
    assert not isinstance(world.answer("unknown"), Command)
    assert "waiting" not in world.answers


def test_a_watcher_hears_of_what_it_does_not_know_and_nobody_waits_for_ever(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.comes_online()
    device = bench.twin().device_id
    heard: list[Any] = []

    def watch(seen: str, wait_s: float = 9.0) -> None:
        assert bench.shell.requested(KeepDevice(device, RUN, HOLDER, seen, wait_s), heard.append)

    watch("")
    (twin,) = heard
    assert isinstance(twin, DeviceTwin) and twin.reserved_by == HOLDER
    watch(twin.standing)
    assert len(heard) == 1
    overs = [each for each in bench.outside.coming if type(each).__name__ == "WatchOver"]
    bench.shell.happened(overs)
    assert len(heard) == 2
    watch(twin.standing)
    bench.shell.happened(overs)
    assert len(heard) == 2, "the time of another is over"
    bench.arrives("status", device_side.status_payload(PresenceState.FAULT, 1, datetime.now(UTC)))
    assert len(heard) == 3
    assert heard[-1].standing != twin.standing
    watch(twin.standing)
    assert len(heard) == 4, "it knows less than is so"
    for _ in range(MAX_WATCHERS + 1):
        watch(heard[-1].standing)
    assert len(heard) == 5, "one too many"
    with pytest.raises(DeviceReservedError):
        bench.shell.requested(KeepDevice(device, OTHER, f"run:{OTHER}"), heard.append)
    bench.shell.requested(FreeDevice(device, RUN), heard.append)
    assert heard[-1] is True
    assert bench.twin().reserved_by is None


def test_a_command_is_waited_for_at_the_door(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.comes_online()
    wish, _ = bench.asks(wait_s=0.0)
    heard: list[Any] = []
    bench.shell.requested(AskCommand(wish.device_id, wish.command_id, 5.0), heard.append)
    assert heard == []
    bench.acks(wish.command_id, AckState.SUCCEEDED)
    bench.shell.requested(AskCommand(wish.device_id, wish.command_id, 5.0), heard.append)
    assert [command.state for command in heard] == [CommandState.SUCCEEDED] * 2
    bench.shell.requested(AskCommand(wish.device_id, uuid4(), 5.0), heard.append)
    assert not isinstance(heard[-1], Command)
    assert at(1) > START
