"""The shell of a run over a real journal: nothing leaves before it is written, and what is written says what left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.native.spec import DEVICE_TYPES
from lics_actors.device.messages import RoleSpec
from lics_actors.errors import InvalidError, RunRefusedError, StorageFullError
from lics_actors.experiment.library import protocol_of
from lics_actors.experiment.messages import (
    Armed,
    Arming,
    Broken,
    CommandSettled,
    DeviceSaid,
    MetricSaid,
    PhaseChanged,
    Recovered,
    Scheduled,
    SendCommand,
    TrialEnded,
    Validated,
)
from lics_actors.journal import Journal, JournalReader, journal_path
from lics_actors.run.history import MAX_ASKS, History, begun, interruptions, opened, replayed, unfit, why
from lics_actors.run.messages import (
    AbortRun,
    AnnotateRun,
    PauseRun,
    RenewAllowance,
    ResumeRun,
    RewardRun,
    SetRunParameter,
    StopRun,
)
from lics_actors.run.orders import Allowance, RunOrder
from lics_actors.run.pausing import INTERLOCK, ITSELF
from lics_actors.run.shell import RunShell
from lics_actors.run.standing import BROKER, Standings, Trouble
from lics_actors.store.records import AlarmCleared, AlarmRaised
from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped

ROLES = {"pump": RoleSpec(UUID(int=1), "native", {}), "panel": RoleSpec(UUID(int=2), "native", {})}
DESCRIBED = {"pump": DEVICE_TYPES["pump"], "panel": DEVICE_TYPES["lickometer"]}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def order(protocol: str = "fixed_ratio", **changes: Any) -> RunOrder:
    document = protocol_of(protocol).model_dump(mode="json", by_alias=True, exclude_none=True)
    document |= changes.pop("document", {})
    fields: dict[str, Any] = {"run_id": UUID(int=9), "laboratory_id": UUID(int=1), "rig_id": UUID(int=3), "rig": "cage 1"}
    fields |= {"protocol_version_id": UUID(int=4), "document": document, "roles": ROLES, "seed": 1, "principal": "user:1"}
    fields |= {"ordered_at": NOW, "rehearsed": True, "parameters": {"ratio": 1, "pause": 0.0}}
    return RunOrder(**(fields | changes))


class Bench:
    """A shell, its journal, a clock that the test turns, and all that left."""

    def __init__(self, folder: Path, ordered: RunOrder | None = None, history: History | None = None) -> None:
        self.order = ordered or order()
        self.path = journal_path(folder, f"run-{self.order.run_id}")
        self.journal = Journal(self.path)
        self.clock, self.sent, self.hushes, self.blocks = 0.0, list[SendCommand](), 0, 0
        self.due: float | None = None
        self.standings = Standings(frozenset(ROLES), 0.0)
        self.left_before_written: list[UUID] = []
        if history is None:
            record = opened(self.order, DESCRIBED, NOW)
            self.journal.append([record])
            history = History(record, *begun(record))
        self.shell = RunShell(history, self.journal, self.standings, self, self.order.allowance)

    # what the shell is lent

    def now(self) -> float:
        return self.clock

    def send(self, command: SendCommand, n: int, heard: datetime, decided: datetime) -> None:
        if command.id not in {each.id for each in self.effects(SendCommand)}:
            self.left_before_written.append(command.id)
        self.sent.append(command)
        self.shell.reacted(n, command.id, heard, decided, decided + timedelta(milliseconds=2))

    def hush(self) -> None:
        self.hushes += 1

    def wake_at(self, due: float | None) -> None:
        self.due = due

    def told(self, step: RunStepped) -> None:
        assert step in self.steps()

    def unsynced(self) -> None:
        self.journal.sync()

    def blocked(self) -> None:
        self.blocks += 1

    # what the test does

    def ready(self) -> None:
        for role in (*ROLES, BROKER):
            self.standings.stand(role, None, self.clock)

    def begin(self) -> None:
        self.ready()
        for kind in (Validated, Scheduled, Arming, Armed):
            self.shell.happened(kind(self.clock))

    def touch(self) -> None:
        self.shell.said(DeviceSaid(self.clock, "panel", "touch", {"x": 1, "y": 1}), datetime.now(UTC))

    def passes(self, seconds: float) -> None:
        until = self.clock + seconds
        while self.due is not None and self.due <= until:
            self.clock = max(self.clock, self.due)
            self.shell.woke()
        self.clock = until

    def wishes(self, kind: type[Any], **more: Any) -> Any:
        answers: list[Any] = []
        self.shell.wished(kind(self.order.run_id, more.pop("ask_id", uuid4()), "user:7", **more), answers.append)
        (answer,) = answers
        return answer

    def records(self) -> list[Any]:
        reader = JournalReader(self.path)
        try:
            return [record for _, record in reader.read(0, 100_000)]
        finally:
            reader.close()

    def run_records(self) -> list[Any]:
        return [each for each in self.records() if isinstance(each, RunOpened | RunStepped | RunReacted)]

    def steps(self) -> list[RunStepped]:
        return [each for each in self.records() if isinstance(each, RunStepped)]

    def effects(self, kind: type[Any]) -> list[Any]:
        return [effect for step in self.steps() for effect in step.effects if isinstance(effect, kind)]

    def outcomes(self) -> list[str]:
        return [each.outcome for each in self.effects(TrialEnded)]

    def rewards(self) -> list[SendCommand]:
        return [each for each in self.sent if each.reward is not None]

    def settle(self, command: SendCommand, outcome: str = "succeeded") -> None:
        self.shell.settled(command.id, outcome)

    def fill_disk(self) -> None:
        (pages,) = self.journal._db.execute("PRAGMA page_count").fetchone()
        self.journal._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageFullError):
            for _ in range(99):
                self.journal.append([AlarmRaised(NOW, "x", "x", "x" * 500)])

    def free_disk(self) -> None:
        self.journal._db.execute("PRAGMA max_page_count = 100000")

    def successor(self) -> Bench:
        """Return what the next incarnation makes of the journal, as its actor does."""
        self.journal.close()
        history: History | None = None
        for record in self.run_records():
            if isinstance(record, RunOpened):
                history = History(record, *begun(record))
            elif isinstance(record, RunStepped) and history is not None:
                history.take(record)
        fresh = Bench(self.path.parent, self.order, history)
        fresh.clock = max(self.clock, fresh.shell.history.run.now)
        return fresh


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.begin()
    yield bench
    assert bench.left_before_written == []
    assert replayed(bench.run_records()) is None


def test_a_touch_is_answered_by_a_reward_that_was_written_before(bench: Bench) -> None:
    bench.touch()
    (reward,) = bench.rewards()
    assert bench.shell.history.said.keys() == {each.id for each in bench.sent}
    bench.settle(reward)
    bench.shell.said(DeviceSaid(1.0, "panel", "lick", {}), datetime.now(UTC))
    assert bench.outcomes() == ["earned"]
    view = bench.shell.view()
    assert (view.phase, view.trial, view.rewarded, view.outcomes) == ("running", 2, 10.0, {"earned": 1, "omission": 0})
    assert view.reaction_ms["p50"] >= 2.0
    assert [each.n for each in bench.steps()] == list(range(view.n))


def test_what_nobody_waits_for_is_not_written_down(bench: Bench) -> None:
    before = len(bench.steps())
    bench.shell.said(DeviceSaid(1.0, "panel", "sneeze", {}), NOW)
    bench.shell.said(MetricSaid(1.0, "panel", "lick_rate_hz", 3.0), NOW)
    bench.wishes(PauseRun)
    bench.touch()
    assert len(bench.steps()) == before + 1


def test_timers_fire_in_order_and_once(bench: Bench) -> None:
    bench.passes(59.9)
    assert bench.outcomes() == []
    bench.passes(0.2)
    assert bench.outcomes() == ["omission"]
    bench.passes(3600)
    assert bench.shell.history.run.phase == "completed"
    assert bench.due is None


def test_paused_is_silent_and_a_wish_is_done_once(bench: Bench) -> None:
    ask = uuid4()
    view = bench.wishes(PauseRun, ask_id=ask, reason="look")
    assert (view.phase, bench.hushes) == ("paused", 1)
    said, steps = len(bench.sent), len(bench.steps())
    assert bench.wishes(PauseRun, ask_id=ask).n == view.n
    assert isinstance(bench.wishes(RewardRun, amount=1.0), RunRefusedError)
    bench.passes(100)
    assert len(bench.sent) == said
    assert bench.wishes(ResumeRun).phase == "running"
    assert isinstance(bench.wishes(ResumeRun), RunRefusedError)
    assert len(bench.steps()) == steps + 3


def test_every_wish_of_an_operator(bench: Bench) -> None:
    assert bench.wishes(AnnotateRun, text="calm").n == bench.shell.history.n
    assert bench.wishes(SetRunParameter, name="volume", value=4.0).parameters["volume"] == 10.0
    assert isinstance(bench.wishes(SetRunParameter, name="volume", value=-1.0), RunRefusedError)
    assert bench.wishes(RewardRun, amount=5.0).rewarded == 5.0
    bench.touch()
    bench.settle(bench.rewards()[-1], "failed")
    assert bench.shell.view().parameters["volume"] == 4.0, "from the next trial"
    assert bench.shell.history.parameters == {"volume": 4.0}
    assert bench.wishes(StopRun).last == "by user:7"
    assert bench.wishes(AbortRun).phase == "finishing"
    for command in bench.sent:
        bench.settle(command)
    assert bench.shell.view().phase == "aborted"


def test_what_is_missing_pauses_the_run_until_it_is_back_unless_a_person_paused_it(bench: Bench) -> None:
    bench.standings.stand("pump", Trouble("is offline"), bench.clock)
    bench.shell.looked()
    view = bench.shell.view()
    assert (view.phase, view.holding) == ("paused", ("pump is offline",))
    with pytest.raises(RunRefusedError, match="pump is offline"):
        bench.wishes(ResumeRun)
    bench.shell.looked()
    bench.ready()
    bench.shell.looked()
    assert bench.shell.view().phase == "running"
    bench.standings.stand("pump", Trouble("is offline"), bench.clock)
    bench.shell.looked()
    assert bench.wishes(PauseRun).holding == (), "now it is a person's"
    bench.ready()
    bench.shell.looked()
    assert bench.shell.view().phase == "paused"


def test_an_interlock_pauses_the_run_until_a_person_lets_it_go_on(bench: Bench) -> None:
    bench.standings.stand("panel", Trouble("is offline"), bench.clock)
    bench.shell.looked()
    bench.standings.stand("pump", Trouble("has tripped", tripped=True), bench.clock)
    bench.shell.looked()
    bench.ready()
    bench.shell.looked()
    assert bench.shell.view().phase == "paused"
    bys = [step.event.by for step in bench.steps() if type(step.event).__name__ == "PauseAsked"]
    assert bys == [ITSELF, INTERLOCK]
    assert bench.wishes(ResumeRun).phase == "running"


def test_a_reward_beyond_the_allowance_is_refused_recorded_and_alarmed_never_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path, order(allowance=Allowance(14.0, datetime.now(UTC) - timedelta(hours=1))))
    bench.begin()
    bench.touch()
    assert [each.reward for each in bench.rewards()] == [10.0]
    assert bench.shell.view().allowance_left == 4.0
    bench.settle(bench.rewards()[0], "failed")
    bench.touch()
    assert len(bench.rewards()) == 1
    barred = [step for step in bench.steps() if step.barred]
    ((command_id, why_not),) = barred[0].barred.items()
    assert "4 more, not 10" in why_not
    fates = [each.event for each in bench.steps() if isinstance(each.event, CommandSettled)]
    assert (fates[-1].command_id, fates[-1].outcome) == (command_id, "rejected")
    (alarm,) = [each for each in bench.records() if isinstance(each, AlarmRaised)]
    assert (alarm.source, alarm.kind) == (f"run:{bench.order.run_id}", "reward_barred")
    assert isinstance(bench.wishes(RewardRun, amount=10.0), RunRefusedError)
    view = bench.wishes(RenewAllowance, allowance=Allowance(30.0, datetime.now(UTC), override=None))
    assert view.allowance_left == 30.0
    assert not isinstance(bench.wishes(RewardRun, amount=10.0), RunRefusedError)
    bench.wishes(RenewAllowance, allowance=Allowance(0.0, datetime.now(UTC), override="user:vet"))
    bench.wishes(RenewAllowance, allowance=None)
    assert bench.shell.view().allowance_left is None
    bench.wishes(AbortRun)
    for command in list(bench.sent):
        bench.settle(command)
    assert [each.kind for each in bench.records() if isinstance(each, AlarmCleared)] == ["reward_barred"]
    assert replayed(bench.run_records()) is None


def test_of_two_words_about_an_allowance_the_later_one_holds_in_whatever_order_they_come(tmp_path: Path) -> None:
    begin = datetime.now(UTC) - timedelta(hours=1)
    bench = Bench(tmp_path, order(allowance=Allowance(30.0, begin, serial=5)))
    bench.begin()
    bench.touch()
    before = len(bench.steps())
    assert bench.wishes(RenewAllowance, allowance=Allowance(30.0, begin, serial=6)).allowance_left == 20.0
    assert len(bench.steps()) == before, "nothing new is no step"
    lowered = bench.wishes(RenewAllowance, allowance=Allowance(4.0, begin, serial=8))
    assert (lowered.allowance_left, lowered.overdrawn) == (0.0, 6.0)
    assert bench.wishes(RenewAllowance, allowance=Allowance(30.0, begin, serial=7)).overdrawn == 6.0, "an older word comes late"
    assert isinstance(bench.wishes(RewardRun, amount=1.0), RunRefusedError)
    assert bench.wishes(RenewAllowance, allowance=Allowance(30.0, begin, serial=9)).allowance_left == 20.0


def test_over_the_days_end_a_run_goes_on_with_what_it_was_told_before(tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=0.3)
    after = Allowance(25.0, ends, ends + timedelta(days=1))
    bench = Bench(tmp_path, order(allowance=Allowance(10.0, ends - timedelta(days=1), ends, then=after)))
    bench.begin()
    for at in (ends - timedelta(seconds=0.2), ends - timedelta(seconds=0.1), ends, ends + timedelta(hours=1)):
        bench.shell.said(DeviceSaid(bench.clock, "panel", "touch", {"x": 1, "y": 1}), at)
        for command in bench.rewards():
            bench.settle(command)
        bench.passes(60.0)
    assert [each.reward for each in bench.rewards()] == [10.0, 10.0, 10.0]
    barred = [step.time for step in bench.steps() if step.barred]
    assert barred == [ends - timedelta(seconds=0.1)], "a reward counts for the day in which what it answers was heard"


@pytest.mark.parametrize("phase", ["running", "paused"])
def test_the_subjects_session_ends_when_it_has_lasted_as_long_as_it_may(tmp_path: Path, phase: str) -> None:
    limited = Allowance(None, NOW, ends=NOW + timedelta(seconds=40))
    bench = Bench(tmp_path, order(allowance=limited))
    bench.begin()
    bench.touch()
    for command in list(bench.sent):
        bench.settle(command)
    if phase == "paused":
        bench.wishes(PauseRun)
    assert bench.shell.view().session_ends == limited.ends
    bench.passes(39.9)
    assert bench.shell.view().phase == phase
    bench.passes(0.2)
    for command in list(bench.sent):
        bench.settle(command)
    view = bench.shell.view()
    assert (view.phase, view.reason) == ("completed", "the subject's session has lasted as long as it may")
    assert replayed(bench.run_records()) is None


def test_a_session_limit_that_is_put_off_is_put_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path, order(allowance=Allowance(None, NOW, ends=NOW + timedelta(seconds=40))))
    bench.begin()
    bench.passes(30.0)
    bench.wishes(RenewAllowance, allowance=Allowance(None, NOW, ends=NOW + timedelta(seconds=90), serial=1))
    bench.passes(50.0)
    assert bench.shell.view().phase == "running"
    bench.passes(20.0)
    assert bench.shell.view().phase in {"finishing", "completed"}


def test_a_full_disk_lets_nothing_leave_and_loses_no_fate(bench: Bench) -> None:
    bench.touch()
    reward = bench.rewards()[0]
    sent = len(bench.sent)
    bench.fill_disk()
    bench.settle(reward)
    assert bench.blocks >= 1
    with pytest.raises(StorageFullError):
        bench.wishes(AnnotateRun, text="x")
    bench.touch()
    bench.passes(1000)
    assert len(bench.sent) == sent
    bench.shell.unblock()
    assert len(bench.sent) == sent, "still full"
    bench.free_disk()
    bench.shell.unblock()
    assert reward.id not in bench.shell.history.run.pending
    assert bench.shell.view().phase == "running"
    assert bench.outcomes()[0] == "interrupted"
    bench.shell.unblock()
    assert bench.shell.dropped >= 1


def test_the_next_incarnation_stands_where_the_last_one_did(bench: Bench) -> None:
    bench.wishes(AnnotateRun, text="x", ask_id=UUID(int=5))
    bench.touch()
    reward = bench.rewards()[0]
    fresh = bench.successor()
    assert fresh.shell.history.run == bench.shell.history.run
    assert fresh.shell.history.n == bench.shell.history.n
    assert fresh.shell.history.said.keys() == bench.shell.history.said.keys()
    fresh.ready()
    fresh.shell.happened(Recovered(fresh.clock))
    assert fresh.outcomes() == ["interrupted"]
    assert reward.id not in {each.id for each in fresh.sent}, "it is asked for its fate, not said again"
    fresh.settle(reward)
    assert fresh.wishes(AnnotateRun, text="x", ask_id=UUID(int=5)).n == fresh.shell.history.n
    fresh.touch()
    assert fresh.rewards()[0].id != reward.id
    assert interruptions(fresh.run_records()) == 1
    assert replayed(fresh.run_records()) is None
    bench.journal = fresh.journal


def test_a_run_that_asks_raises_an_alarm_until_a_person_has_decided(tmp_path: Path) -> None:
    bench = Bench(tmp_path, order(document={"recovery": "ask"}))
    bench.begin()
    fresh = bench.successor()
    fresh.ready()
    fresh.shell.happened(Recovered(fresh.clock))
    assert fresh.shell.view().phase == "recovering"
    assert [each.kind for each in fresh.records() if isinstance(each, AlarmRaised)] == ["run_waits"]
    fresh.wishes(ResumeRun)
    assert [each.kind for each in fresh.records() if isinstance(each, AlarmCleared)] == ["run_waits"]


def test_what_cannot_be_opened_says_why() -> None:
    with pytest.raises(InvalidError, match="nobody plays the role pump"):
        opened(order(), {"panel": DESCRIBED["panel"]}, NOW)
    with pytest.raises(InvalidError, match="pump is a lickometer"):
        opened(order(), {"panel": DESCRIBED["panel"], "pump": DESCRIBED["panel"]}, NOW)
    with pytest.raises(InvalidError, match="no parameter 'speed'"):
        opened(order(parameters={"speed": 1}), DESCRIBED, NOW)
    with pytest.raises(InvalidError) as broken:
        opened(order(document={"states": {}}), DESCRIBED, NOW)
    assert "states" in why(broken.value)
    assert why(InvalidError("so")) == "so"
    record, step = unfit(order(), NOW, "no pump", 5)
    assert (record.described, step.n, step.effects) == ({}, 5, (PhaseChanged("failed", "no pump"),))
    assert isinstance(step.event, Broken)
    with pytest.raises(InvalidError):
        replayed([step])


def test_wishes_are_remembered_within_bounds() -> None:
    record = opened(order(), DESCRIBED, NOW)
    history = History(record, *begun(record))
    for n in range(MAX_ASKS + 3):
        history.take(RunStepped(record.run_id, n, NOW, Validated(0.0), (), uuid4()))
    assert len(history.asks) == MAX_ASKS


def test_an_incarnation_knows_when_its_program_would_have_decided_otherwise(bench: Bench) -> None:
    bench.touch()
    first, *steps = [each for each in bench.run_records() if not isinstance(each, RunReacted)]
    history = History(first, *begun(first))
    for step in steps:
        history.take(step)
    assert history.differs is None
    history = History(first, *begun(first))
    for step in steps:
        forged = RunStepped(step.run_id, step.n, step.time, step.event, step.effects[:-1])
        history.take(forged)
    assert history.differs == steps[0].n


def test_a_replay_finds_what_was_changed(bench: Bench) -> None:
    bench.touch()
    records = bench.run_records()
    touched = next(n for n, each in enumerate(records) if isinstance(each, RunStepped) and isinstance(each.event, DeviceSaid))
    forged = RunStepped(records[touched].run_id, records[touched].n, NOW, records[touched].event, ())
    assert replayed([*records[:touched], forged, *records[touched + 1 :]]) is not None


MOVES = st.sampled_from(["touch", "lick", "settle", "fail", "time", "long", "pause", "resume", "gone", "back", "die", "reward"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(moves=st.lists(MOVES, max_size=40))
def test_whatever_happens_nothing_leaves_unwritten_paused_is_silent_and_the_record_replays(
    moves: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench = Bench(tmp_path_factory.mktemp("run"))
    bench.begin()
    for move in moves:
        paused, before = bench.shell.history.run.phase == "paused", len(bench.sent)
        bench = _moved(bench, move)
        if paused and bench.shell.history.run.phase == "paused" and move != "die":
            assert len(bench.sent) == before, "paused is silent"
    assert bench.left_before_written == []
    assert replayed(bench.run_records()) is None
    ids = [each.id for each in bench.effects(SendCommand)]
    assert len(ids) == len(set(ids))
    assert [each.n for each in bench.steps()] == list(range(len(bench.steps())))
    bench.journal.close()


def _moved(bench: Bench, move: str) -> Bench:
    match move:
        case "touch":
            bench.touch()
        case "lick":
            bench.shell.said(DeviceSaid(bench.clock, "panel", "lick", {}), datetime.now(UTC))
        case "settle" | "fail":
            for command in bench.sent[-3:]:
                bench.settle(command, "succeeded" if move == "settle" else "indeterminate")
        case "time" | "long":
            bench.passes(1.0 if move == "time" else 70.0)
        case "gone" | "back":
            bench.standings.stand("pump", Trouble("is offline") if move == "gone" else None, bench.clock)
            bench.shell.looked()
        case "die":
            bench = bench.successor()
            bench.ready()
            bench.shell.happened(Recovered(bench.clock))
        case "pause":
            bench.wishes(PauseRun)
        case "reward":
            bench.wishes(RewardRun, amount=3.0)
        case _:
            if bench.standings.ready():
                bench.wishes(ResumeRun)
    return bench
