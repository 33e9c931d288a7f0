"""What travels between peers and device actors arrives as it was, whatever is in it."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.device.messages import CommandState, RequestCommand
from lics_actors.store.records import Command, CommandStep

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)
ARGS = st.dictionaries(st.text(), JSON, max_size=4)
WILD: list[Any] = [2**99, -(2**70), {1: 2}, object, "\ud800", b"\0", {"a": {(1, 2): 3}}]


def there(message: Any) -> Any:
    return pickle.loads(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))


def wish(args: Any, **more: Any) -> RequestCommand:
    return RequestCommand(uuid4(), uuid4(), "dispense", args, "user:1", 5.0, **more)


def command(args: dict[str, Any], result: Any) -> Command:
    now = datetime.now(UTC)
    steps = (CommandStep(CommandState.ACCEPTED, now), CommandStep(CommandState.SUCCEEDED, now, result, None, 7))
    return Command(uuid4(), uuid4(), "dispense", args, "user:1", False, True, now, steps, 3, "reward", None, UUID(int=4))


@given(ARGS, JSON)
def test_wishes_and_commands_arrive_as_they_were(args: dict[str, Any], result: Any) -> None:
    for message in (wish(args), wish(args, timeout_s=7, reason="why", run_id=uuid4(), trial_id=uuid4()), command(args, result)):
        arrived = there(message)
        assert arrived == message
        assert type(arrived) is type(message)
    assert len(pickle.dumps(wish({}), pickle.HIGHEST_PROTOCOL)) < 300


@pytest.mark.parametrize("wild", WILD, ids=repr)
def test_what_no_journal_holds_arrives_too_so_that_the_actor_can_say_so(wild: Any) -> None:
    assert there(wish({"a": wild})).args == {"a": wild}
    assert there(command({"a": wild}, wild)).steps[-1].result == wild


@pytest.mark.parametrize("args", [[1], None, "text", {1: 2}, 5])
def test_arguments_that_are_none_arrive_too(args: Any) -> None:
    assert there(wish(args)).args == args
