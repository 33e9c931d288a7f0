"""What a simulated device does with a command, and what its ledger remembers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DecodeError
from drivers.native.codec import ACK, DESCRIBE, EVENTS, NATIVE, STATUS, TELEMETRY, device_base
from drivers.native.simulator.connection import FIRST_RETRY_S, LAST_RETRY_S, retry_s
from drivers.native.simulator.faults import Faults, garbage, happens, knobs
from drivers.native.simulator.ledger import Ledger
from drivers.native.simulator.rules import Accept, Entry, Refuse, Repeat, judge
from drivers.native.spec import PUMP
from drivers.protocol import AckState, DeviceRef, OutgoingCommand, Received

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DEVICE = uuid4()


def command(**changes: Any) -> OutgoingCommand:
    fresh: dict[str, Any] = {"command_id": uuid4(), "name": "dispense", "args": {"volume_ul": 20}}
    return OutgoingCommand(**fresh | {"deadline": NOW + timedelta(seconds=1)} | changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Accept()),
        ({"epoch": 7}, Accept()),
        ({"deadline": NOW}, Refuse("expired")),
        ({"epoch": 6}, Refuse("stale_epoch")),
        ({"name": "explode"}, Refuse("unknown_command")),
        ({"args": {"volume_ul": 0}}, Refuse("invalid_arguments: args.volume_ul 0 is less than or equal to the minimum of 0")),
    ],
)
def test_what_is_done_with_a_command(changes: dict[str, Any], verdict: object) -> None:
    assert judge(command(**changes), None, PUMP, 7, NOW) == verdict


@given(st.integers(-9, 9), st.none() | st.integers(0, 9), st.sampled_from(["dispense", "explode"]))
def test_the_ledger_is_asked_before_everything_else(seconds: int, epoch: int | None, name: str) -> None:
    entry = Entry(AckState.SUCCEEDED, {"dispensed_ul": 20.0}, None, 3)
    late = command(deadline=NOW + timedelta(seconds=seconds), epoch=epoch, name=name)
    assert judge(late, entry, PUMP, 7, NOW) == Repeat(entry)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger(path)
    yield opened
    opened.close()


def test_a_boot_is_counted_and_kept(path: Path) -> None:
    for epoch in (1, 2, 3):
        opened = Ledger(path)
        assert opened.boot(DEVICE) == epoch
        opened.close()
    opened = Ledger(path)
    assert opened.boot(uuid4()) == 1
    opened.close()


def test_a_command_is_taken_once(ledger: Ledger) -> None:
    ledger.boot(DEVICE)
    one, two = uuid4(), uuid4()
    assert ledger.entry(DEVICE, one) is None
    assert ledger.begin(DEVICE, one, "dispense") == Entry(AckState.EXECUTING, None, None, 1)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.begin(DEVICE, one, "dispense")
    assert ledger.begin(DEVICE, two, "dispense").ledger_seq == 2  # the refused one used no number
    assert ledger.end(DEVICE, one, {"dispensed_ul": 1.0}, None) == Entry(AckState.SUCCEEDED, {"dispensed_ul": 1.0}, None, 1)
    assert ledger.end(DEVICE, two, None, "stopped") == Entry(AckState.FAILED, None, "stopped", 2)


def test_executions_are_counted_apart_from_the_entries(ledger: Ledger) -> None:
    ledger.boot(DEVICE)
    sent = uuid4()
    assert ledger.executions(DEVICE, sent) == 0
    ledger.count_execution(DEVICE, sent)
    ledger.count_execution(DEVICE, sent)  # the fault it exists to find
    assert ledger.executions(DEVICE, sent) == 2 and ledger.executions(uuid4(), sent) == 0


def test_a_power_cut_interrupts_what_was_executing(path: Path) -> None:
    ids: list[UUID] = [uuid4(), uuid4()]
    opened, other = Ledger(path), uuid4()
    for device in (DEVICE, other):
        opened.boot(device)
        for each in ids:
            opened.begin(device, each, "dispense")
    opened.end(DEVICE, ids[0], 5, None)
    opened.close()
    again = Ledger(path)
    again.boot(DEVICE)
    assert again.entry(DEVICE, ids[0]) == Entry(AckState.SUCCEEDED, 5, None, 1)
    assert again.entry(DEVICE, ids[1]) == Entry(AckState.FAILED, None, "interrupted", 2)
    untouched = again.entry(other, ids[0])
    assert untouched is not None and untouched.state is AckState.EXECUTING
    again.close()


def test_faults_are_turned_by_name() -> None:
    faults = Faults()
    for name in knobs():
        faults.turn(name, 0.5)
        assert getattr(faults, name) == 0.5
    assert faults.drop_states == frozenset(AckState)
    for bad in ("meteor", "drop_states"):
        with pytest.raises(ValueError, match=f"no fault '{bad}'"):
            faults.turn(bad, 1)


def test_certain_and_impossible_things_need_no_dice() -> None:
    dice = Random(1)
    before = dice.getstate()
    assert happens(1, dice) and not happens(0, dice) and dice.getstate() == before
    assert 300 < sum(happens(0.5, dice) for _ in range(1000)) < 700


@given(st.integers(0, 10_000), st.sampled_from([DESCRIBE, STATUS, TELEMETRY, EVENTS, ACK]))
def test_garbage_breaks_the_contract_on_every_topic(seed: int, leaf: str) -> None:
    topic = device_base("", DEVICE) + leaf
    with pytest.raises(DecodeError):
        NATIVE.decode(DeviceRef(DEVICE, {}), Received(topic, garbage(Random(seed)), NOW))


@given(st.integers(0, 10_000), st.integers(0, 100))
def test_retries_come_later_and_later_but_come(attempt: int, seed: int) -> None:
    assert FIRST_RETRY_S <= retry_s(attempt, Random(seed)) <= LAST_RETRY_S
