"""The command lifecycle of contracts.md, section 2, by example."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from drivers.protocol import OutgoingCommand
from lics_actors.device.commands import MAX_DOUBTFUL, MAX_WAITERS, MAX_WAITING, RECONCILE_S
from lics_actors.device.events import (
    Answer,
    CommandUnsayable,
    Keep,
    PublishCommand,
    SessionLost,
    SessionOpened,
    SpecChanged,
    TimerFired,
)
from lics_actors.device.messages import Admin, CommandState, Link
from lics_actors.errors import (
    CommandNotFoundError,
    ConflictError,
    DeviceNotEnabledError,
    DeviceNotFoundError,
    DeviceUnavailableError,
    GuaranteeTooWeakError,
    IdempotencyKeyReusedError,
    InvalidError,
    LicsError,
    QueueFullError,
    UnknownCommandError,
)
from lics_actors.store.records import Command, CommandAccepted, CommandMoved
from tests.unit.device.laboratory import (
    DEVICE,
    WEAK,
    World,
    acks,
    asks,
    at,
    cancels,
    described,
    online,
    presence,
    telemetry,
    with_admin,
)


def test_a_command_goes_through_its_states_and_is_durable_before_it_is_sent_and_before_it_is_told() -> None:
    world = online()
    wish = asks(1)
    command_id = wish.request.command_id
    effects = world.feed(wish)
    assert [type(effect) for effect in effects[:3]] == [Keep, Keep, PublishCommand]
    accepted, dispatched, publish = effects[:3]
    assert isinstance(accepted, Keep)
    assert isinstance(accepted.record, CommandAccepted)
    assert isinstance(dispatched, Keep)
    assert isinstance(dispatched.record, CommandMoved)
    assert accepted.durable
    assert dispatched.durable
    assert publish == PublishCommand(OutgoingCommand(command_id, "dispense", {"ul": 5}, at(6), 1))

    world.feed(acks(1.1, command_id, "delivered"), acks(1.2, command_id, "executing"))
    assert world.answers == {}
    effects = world.feed(acks(1.3, command_id, "succeeded", result={"ul": 4.9}, ledger_seq=8))
    assert isinstance(effects[0], Keep)
    assert not effects[0].durable, "the device's ledger has it, and would say it again"
    assert isinstance(effects[1], Answer)
    assert world.states(command_id) == ["accepted", "dispatched", "delivered", "executing", "succeeded"]
    told = world.answer(command_id)
    assert told == world.journal[command_id]
    assert isinstance(told, Command)
    assert (told.steps[-1].result, told.steps[-1].ledger_seq, told.steps[-1].time) == ({"ul": 4.9}, 8, at(1.3))
    assert told.epoch == 1
    assert world.state.book.counts["commands_succeeded"] == 1


def test_one_is_in_flight_and_others_wait_in_order() -> None:
    world = online()
    wishes = [asks(1 + n / 10) for n in range(3)]
    ids = [wish.request.command_id for wish in wishes]
    world.feed(*wishes)
    assert [p.command.command_id for p in world.published] == ids[:1]
    world.feed(acks(2, ids[0], "failed", error="empty"))
    world.feed(acks(3, ids[1], "succeeded"))
    assert [p.command.command_id for p in world.published] == ids
    assert not any(p.repeat for p in world.published)


def refusal_of(world: World, **changes: Any) -> LicsError:
    wish = asks(1, **changes)
    before = len(world.records)
    world.feed(wish)
    answer = world.answer(wish.request.command_id)
    assert isinstance(answer, LicsError)
    assert len(world.records) == before, "nothing is journaled"
    assert not world.published
    return answer


def test_what_cannot_be_done_is_refused_and_not_journaled() -> None:
    world = online()
    unknown = refusal_of(world, name="explode")
    assert isinstance(unknown, UnknownCommandError)
    assert "dispense, measure, stop" in unknown.fields[0]["message"]
    bad = refusal_of(world, args={"ul": "much"})
    assert isinstance(bad, InvalidError)
    assert bad.fields[0]["field"] == "args.ul"
    assert isinstance(refusal_of(world, device_id=uuid4()), DeviceNotFoundError)
    for changes in ({"timeout_s": 0}, {"timeout_s": float("nan")}, {"timeout_s": 1e300}, {"reason": "\0"}, {"args": None}):
        assert isinstance(refusal_of(world, **changes), InvalidError)
    world.feed(TimerFired(at(40)))
    assert world.state.link is Link.STALE
    assert type(refusal_of(world)) is DeviceUnavailableError
    world.feed(presence(41, "offline", reason="unplugged"))
    assert "unplugged" in refusal_of(world).message
    assert isinstance(refusal_of(online(description=None)), DeviceUnavailableError)
    assert isinstance(refusal_of(online(WEAK)), GuaranteeTooWeakError)
    assert world.state.book.counts["commands_refused"] == 10


@pytest.mark.parametrize("admin", [Admin.MAINTENANCE, Admin.QUARANTINED, Admin.RETIRED])
def test_a_device_not_enabled_refuses_and_forgets_what_waited(admin: Admin) -> None:
    world = online()
    flying, waiting = asks(1), asks(1)
    world.feed(flying, waiting, SpecChanged(at(2), with_admin(admin)))
    told = world.answer(waiting.request.command_id)
    assert isinstance(told, Command)
    assert told.state is CommandState.CANCELLED
    assert admin.value in (told.steps[-1].error or "")
    world.feed(acks(3, flying.request.command_id, "succeeded"))
    assert world.journal[flying.request.command_id].state is CommandState.SUCCEEDED
    late = asks(4)
    world.feed(late)
    assert isinstance(world.answer(late.request.command_id), DeviceNotEnabledError)
    world.feed(SpecChanged(at(5), with_admin(Admin.ENABLED)))
    world.feed(asks(6))
    assert len(world.published) == 2


def test_the_queue_is_bounded() -> None:
    world = online()
    world.feed(*(asks(1, wait_s=0) for _ in range(MAX_WAITING + 1)))
    wish = asks(1)
    world.feed(wish)
    assert isinstance(world.answer(wish.request.command_id), QueueFullError)


def test_the_same_id_again_is_the_same_command() -> None:
    world = online()
    wish = asks(1)
    command_id = wish.request.command_id
    world.feed(wish, replace(wish, now=at(1.5), reply="second"))
    assert len(world.published) == 1
    world.feed(acks(2, command_id, "succeeded"))
    assert world.answer("second") == world.answer(command_id)
    world.feed(replace(wish, now=at(3), reply="third"))
    assert world.answer("third") == world.journal[command_id], "from the journal"
    other = replace(wish.request, args={"ul": 6})
    world.feed(replace(wish, now=at(3), reply="fourth", request=other))
    assert isinstance(world.answer("fourth"), IdempotencyKeyReusedError)
    world.feed(presence(4, "offline"), replace(wish, now=at(5), reply="fifth"))
    assert world.answer("fifth") == world.journal[command_id], "also when the device is gone"


def test_waits_end_where_the_caller_said() -> None:
    world = online()
    at_once, short = asks(1, wait_s=0), asks(1, wait_s=1)
    nonsense = asks(1, wait_s=float("nan"))
    world.feed(at_once, short, nonsense)
    told = world.answer(at_once.request.command_id)
    assert isinstance(told, Command)
    assert told.state is CommandState.ACCEPTED
    assert str(nonsense.request.command_id) in world.answers
    assert str(short.request.command_id) not in world.answers
    world.feed(TimerFired(at(2)))
    told = world.answer(short.request.command_id)
    assert isinstance(told, Command)
    assert told.state is CommandState.ACCEPTED


def test_waiters_are_bounded() -> None:
    world = online()
    wish = asks(1)
    world.feed(wish, *(replace(wish, reply=f"r{n}") for n in range(MAX_WAITERS)))
    assert list(world.answers) == [f"r{MAX_WAITERS - 1}"]


def test_a_deadline_while_waiting_means_it_was_never_sent() -> None:
    world = online()
    first, second = asks(1, timeout_s=60), asks(1, timeout_s=2)
    world.feed(first, second, TimerFired(at(3)))
    told = world.answer(second.request.command_id)
    assert isinstance(told, Command)
    assert (told.state, told.steps[-1].error) == (CommandState.EXPIRED, "not sent before its deadline")
    assert len(world.published) == 1


def test_a_deadline_in_flight_depends_on_whether_repeating_is_harmless() -> None:
    world = online()
    stop = asks(1, "stop")
    world.feed(stop, TimerFired(at(6)))
    assert world.states(stop.request.command_id)[-1] == "expired"
    world.feed(acks(7, stop.request.command_id, "succeeded"))
    assert world.states(stop.request.command_id)[-1] == "expired"
    assert world.state.book.counts["acks_unknown"] == 1

    dispense = asks(8)
    command_id = dispense.request.command_id
    world.feed(dispense, presence(9, "offline"), TimerFired(at(13)))
    told = world.answer(command_id)
    assert isinstance(told, Command)
    assert told.state is CommandState.INDETERMINATE
    world.feed(replace(dispense, now=at(14), reply="again"))
    assert world.answer("again") == told
    world.feed(acks(20, command_id, "executing"))
    assert world.states(command_id)[-1] == "indeterminate"
    world.feed(acks(21, command_id, "succeeded", result=1), acks(22, command_id, "failed"))
    assert world.states(command_id)[-2:] == ["indeterminate", "succeeded"]
    assert len(world.answers[str(command_id)]) == 1


def test_a_device_that_lost_an_acknowledgement_is_asked_at_once() -> None:
    world = online()
    wish, later = asks(1), asks(1, timeout_s=60)
    command_id = wish.request.command_id
    world.feed(wish, later, TimerFired(at(6)))
    assert [(p.command.command_id, p.repeat) for p in world.published] == [(command_id, False), (command_id, True)]
    assert world.published[0].command == world.published[1].command
    world.feed(acks(6.1, command_id, "succeeded"))
    assert world.states(command_id)[-2:] == ["indeterminate", "succeeded"]
    assert world.published[-1] == PublishCommand(OutgoingCommand(later.request.command_id, "dispense", {"ul": 5}, at(61), 1))


def test_a_device_that_does_not_answer_blocks_for_seconds_only() -> None:
    world = online()
    wish, later = asks(1), asks(1, timeout_s=60)
    world.feed(wish, later, TimerFired(at(6)), TimerFired(at(6 + RECONCILE_S - 0.1)))
    assert len(world.published) == 2
    world.feed(TimerFired(at(6 + RECONCILE_S)))
    assert world.published[-1].command.command_id == later.request.command_id


@pytest.mark.parametrize(
    ("error", "state"), [("expired", "expired"), ("stale_epoch", "rejected"), ("busy", "rejected"), (None, "rejected")]
)
def test_what_the_ledger_says_it_never_did(error: str | None, state: str) -> None:
    world = online()
    wish = asks(1)
    world.feed(wish, presence(2, "offline"), TimerFired(at(7)), presence(60, epoch=2))
    assert world.published[-1].repeat
    assert world.published[-1].command.epoch == 1
    world.feed(acks(61, wish.request.command_id, "rejected", error=error))
    assert world.states(wish.request.command_id)[-2:] == ["indeterminate", state]


def test_after_a_reconnect_the_device_is_asked_before_it_is_told_anything_new() -> None:
    world = online()
    flying, waiting = asks(1, timeout_s=60), asks(1, timeout_s=60)
    world.feed(flying, waiting, SessionLost(at(2), "gone"), SessionOpened(at(3)), presence(3.1, retained=True))
    assert [(p.command.command_id, p.repeat) for p in world.published[1:]] == [(flying.request.command_id, True)]
    world.feed(presence(3.2))
    assert len(world.published) == 2, "said once per connection"
    world.feed(acks(3.3, flying.request.command_id, "succeeded"))
    assert world.published[-1].command.command_id == waiting.request.command_id


def test_a_reboot_is_a_reason_to_ask() -> None:
    world = online()
    wish = asks(1, timeout_s=60)
    world.feed(wish, telemetry(2, epoch=2))
    assert world.published[-1] == PublishCommand(world.published[0].command, repeat=True)


def test_without_a_ledger_only_the_harmless_is_repeated_in_time() -> None:
    world = online(WEAK)
    measure, stop = asks(1, "measure", timeout_s=60), asks(1, "stop", timeout_s=60)
    world.feed(measure, SessionLost(at(2), "x"), SessionOpened(at(3)), presence(3))
    assert len(world.published) == 1
    world.feed(TimerFired(at(61)))
    assert world.states(measure.request.command_id)[-1] == "indeterminate"
    world.feed(presence(62, "offline"), presence(63))
    assert len(world.published) == 1

    world = online(WEAK)
    world.feed(stop, SessionLost(at(2), "x"), SessionOpened(at(3)), presence(3))
    assert [p.repeat for p in world.published] == [False, True]
    world.feed(SessionLost(at(4), "x"), SessionOpened(at(61)), presence(61))
    assert len(world.published) == 2
    assert world.states(stop.request.command_id)[-1] == "expired"


def test_a_new_incarnation_goes_on_where_the_last_one_was_killed() -> None:
    world = online()
    flying, waiting = asks(1, timeout_s=60), asks(1, timeout_s=60)
    lost = asks(1, timeout_s=4)
    world.feed(flying, waiting, lost)
    world.restart(5)
    world.feed(SessionOpened(at(5)), presence(5, retained=True))
    assert [(p.command.command_id, p.repeat) for p in world.published[1:]] == [(flying.request.command_id, True)]
    assert world.published[1].command == world.published[0].command
    assert world.states(lost.request.command_id)[-1] == "expired"
    world.feed(acks(6, flying.request.command_id, "succeeded"), acks(7, waiting.request.command_id, "succeeded"))
    assert world.states(waiting.request.command_id) == ["accepted", "dispatched", "succeeded"]
    assert world.state.book.find(waiting.request.command_id) is None


def test_an_indeterminate_command_is_settled_over_incarnations() -> None:
    world = online()
    wish = asks(1)
    world.feed(wish, presence(2, "offline"), TimerFired(at(7)))
    world.restart(100)
    world.feed(SessionOpened(at(100)), presence(100))
    world.feed(acks(101, wish.request.command_id, "failed", error="interrupted"))
    assert world.states(wish.request.command_id)[-2:] == ["indeterminate", "failed"]


def test_doubts_are_bounded() -> None:
    world = online()
    for n in range(MAX_DOUBTFUL + 3):
        world.feed(presence(10 * n), asks(10 * n + 3), presence(10 * n + 4, "offline"), TimerFired(at(10 * n + 8)))
    assert len(world.state.book.doubtful) == MAX_DOUBTFUL


def test_acknowledgements_only_move_forward() -> None:
    world = online()
    wish = asks(1, timeout_s=60)
    command_id, waiting = wish.request.command_id, asks(1, timeout_s=60)
    world.feed(wish, waiting)
    world.feed(*(acks(2, command_id, state) for state in ("executing", "delivered", "executing")))
    assert world.states(command_id) == ["accepted", "dispatched", "executing"]
    assert world.state.book.counts["acks_repeated"] == 2
    world.feed(acks(3, uuid4(), "succeeded"), acks(3, None, "succeeded"), acks(3, waiting.request.command_id, "succeeded"))
    assert world.state.book.counts["acks_unknown"] == 3
    assert world.states(waiting.request.command_id) == ["accepted"]


def test_only_what_was_not_sent_can_be_cancelled() -> None:
    world = online()
    flying, waiting = asks(1), asks(1)
    world.feed(flying, waiting, cancels(2, waiting.request.command_id))
    told = world.answers["canceller"][-1]
    assert told == world.journal[waiting.request.command_id] == world.answer(waiting.request.command_id)
    assert isinstance(told, Command)
    assert (told.state, told.steps[-1].error) == (CommandState.CANCELLED, "cancelled by user:2: spilt")
    world.feed(cancels(3, waiting.request.command_id))
    assert world.answers["canceller"][-1] == told
    world.feed(cancels(3, flying.request.command_id))
    assert isinstance(world.answers["canceller"][-1], ConflictError)
    world.feed(acks(4, flying.request.command_id, "succeeded"), cancels(5, flying.request.command_id))
    assert isinstance(world.answers["canceller"][-1], ConflictError)
    world.feed(cancels(6, UUID(int=99)))
    assert isinstance(world.answers["canceller"][-1], CommandNotFoundError)


def test_a_cancellation_needs_no_reason() -> None:
    world = online()
    waiting = asks(1)
    wish = cancels(2, waiting.request.command_id)
    world.feed(asks(1), waiting, replace(wish, request=replace(wish.request, reason=None)))
    assert world.journal[waiting.request.command_id].steps[-1].error == "cancelled by user:2"


def test_what_the_driver_cannot_say_is_rejected() -> None:
    world = online()
    wish, following = asks(1), asks(1)
    world.feed(wish, following)
    unsayable = CommandUnsayable(at(1), world.published[0].command, "too long")
    world.feed(unsayable)
    told = world.answer(wish.request.command_id)
    assert isinstance(told, Command)
    assert (told.state, told.steps[-1].error) == (CommandState.REJECTED, "too long")
    assert world.published[-1].command.command_id == following.request.command_id
    records = len(world.records)
    world.feed(unsayable)
    assert len(world.records) == records


def test_who_waits_is_answered_before_the_actor_ends() -> None:
    from lics_actors.device.events import ActorStopping

    world = online()
    wishes = [asks(1), asks(1)]
    world.feed(*wishes, ActorStopping(at(2)))
    states = [world.answer(wish.request.command_id) for wish in wishes]
    assert [s.state for s in states if isinstance(s, Command)] == [CommandState.DISPATCHED, CommandState.ACCEPTED]


def test_a_connecting_device_keeps_commands_waiting() -> None:
    world = online()
    wish = asks(2)
    world.feed(SessionLost(at(1), "x"), wish)
    assert not world.published
    assert world.states(wish.request.command_id) == ["accepted"]
    world.feed(SessionOpened(at(3)), described(3), presence(3))
    assert len(world.published) == 1
    assert world.journal[wish.request.command_id].device_id == DEVICE


def test_several_answers_to_repeats_are_awaited() -> None:
    world = online()
    doubts = []
    for n in range(2):
        wish = asks(10 * n + 3)
        doubts.append(wish.request.command_id)
        world.feed(presence(10 * n), wish, presence(10 * n + 4, "offline"), TimerFired(at(10 * n + 8)))
    world.feed(presence(30), *[fresh := asks(30.1)])
    assert [p.command.command_id for p in world.published[-2:]] == doubts
    world.feed(acks(30.2, doubts[0], "succeeded"))
    assert world.published[-1].repeat
    world.feed(acks(30.3, doubts[1], "failed"))
    assert world.published[-1].command.command_id == fresh.request.command_id
