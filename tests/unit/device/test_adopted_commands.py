"""Commands that another host accepted, and lost: the device's ledger settles them, and nothing is done twice."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from lics_actors.device.events import ActorStarted, CommandsAdopted, SessionOpened, TimerFired
from lics_actors.device.messages import CommandState
from lics_actors.store.records import Command, CommandStep
from tests.unit.device.laboratory import DEVICE, MUTE, World, acks, asks, at, described, presence

S = CommandState


def left(*states: CommandState, idempotent: bool = False) -> Command:
    """Return a command as the other host's journal has it, its deadline long over."""
    steps = tuple(CommandStep(state, at(n * 0.01)) for n, state in enumerate(states))
    return Command(uuid4(), DEVICE, "dispense", {"ul": 5}, "user:1", idempotent, True, at(1), steps, epoch=1)


def online(world: World, seconds: float) -> World:
    world.feed(ActorStarted(at(seconds)), SessionOpened(at(seconds)), described(seconds), presence(seconds))
    return world


def repeated(world: World) -> list[UUID]:
    return [effect.command.command_id for effect in world.published if effect.repeat]


@pytest.mark.parametrize("states", [(S.ACCEPTED, S.DISPATCHED), (S.ACCEPTED, S.DISPATCHED, S.EXECUTING, S.INDETERMINATE)])
def test_the_ledger_settles_what_was_dispatched(states: tuple[CommandState, ...]) -> None:
    world, command = online(World(), 20), left(*states)
    world.feed(CommandsAdopted(at(21), (command,)), TimerFired(at(21.1)))
    assert repeated(world) == [command.command_id] and not [each for each in world.published if not each.repeat]
    world.feed(acks(21.2, command.command_id, "succeeded"))
    assert world.states(command.command_id)[-1] == "succeeded"
    fresh = asks(22)
    world.feed(fresh, CommandsAdopted(at(22), (command,)) if world.state.book.find(command.command_id) else TimerFired(at(22)))
    assert world.published[-1].command.command_id == fresh.request.command_id, "new commands go out again"


def test_what_never_left_is_expired_and_never_said() -> None:
    world, command = online(World(), 20), left(S.ACCEPTED)
    world.feed(CommandsAdopted(at(21), (command,)), TimerFired(at(21.1)))
    assert world.states(command.command_id) == ["accepted", "expired"] and not world.published


def test_taking_over_the_same_twice_changes_nothing() -> None:
    world, command = World(), left(S.ACCEPTED, S.DISPATCHED)
    world.feed(ActorStarted(at(20)), CommandsAdopted(at(21), (command,)))
    before = world.state.book
    world.feed(CommandsAdopted(at(21), (command,)))
    assert world.state.book == before and len(world.journal) == 1


def test_without_a_ledger_nobody_can_say_what_became_of_it() -> None:
    world, command = online(World(MUTE), 20), left(S.ACCEPTED, S.DISPATCHED)
    world.feed(CommandsAdopted(at(21), (command,)), TimerFired(at(21.1)))
    assert world.states(command.command_id)[-1] == "indeterminate" and not world.published


def test_until_the_device_is_back_it_waits() -> None:
    world, command = World(), left(S.ACCEPTED, S.DISPATCHED)
    world.feed(ActorStarted(at(20)), CommandsAdopted(at(21), (command,)), TimerFired(at(21.1)))
    assert world.states(command.command_id)[-1] == "indeterminate" and not world.published
    world.restart(22)
    online(world, 23)
    assert repeated(world) == [command.command_id]
