"""What subjects are given, in tables: over all rigs, with what hands gave and what runs were granted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from config.settings import Settings
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.device.messages import CommandState
from lics_actors.errors import ConflictError, RunNotFoundError
from lics_actors.experiment.messages import CommandSettled, PhaseChanged, RewardAsked, SendCommand, TimerFired
from lics_actors.run.messages import RenewAllowance, RunView, RunWish
from lics_actors.run.orders import Allowance
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.granting import GrantWish
from lics_actors.store.records import encode_record
from lics_actors.store.repository import NewDevice, Repository
from lics_actors.store.run_records import RunStepped
from lics_actors.store.runs import NewRun, Run
from lics_actors.store.shipping import ship_journal
from lics_actors.store.subjects import NewSubject, Subject
from lics_actors.store.welfare import OverrideNotFoundError
from lics_actors.welfare.calibration import Point
from lics_actors.welfare.days import day_of
from lics_actors.welfare.messages import Entry, Fate, Limit, Limits, Override, Substance
from lics_actors.welfare_rounds import WelfareRounds
from tests.contract.run_records import opened
from tests.contract.store_rows import accepted, moved

FLUID = Substance.FLUID
NOW = datetime.now(UTC)
DAY = day_of(NOW, ZoneInfo("Europe/Berlin"))
TOMORROW = day_of(DAY.end, ZoneInfo("Europe/Berlin"))
AFTER = Allowance(1000, TOMORROW.begin, TOMORROW.end)


async def a_subject(repository: Repository, **daily: Any) -> Subject:
    facts = daily or {"fluid_ul": {"min": 200, "max": 1000}}
    return await repository.create_subject(NewSubject(DEFAULT_LABORATORY, f"m-{uuid4().hex[:6]}", "user:1", "mouse", daily=facts))


async def a_run(repository: Repository, subject: Subject) -> Run:
    new = NewRun(uuid4(), DEFAULT_LABORATORY, uuid4(), "cage", uuid4(), "fixed_ratio", 1, 1, "user:1", NOW, "ul")
    return await repository.order_run(replace(new, subject_id=subject.id, subject=subject.name))


class Journal:
    """A run's journal; `ship` brings what was said since."""

    def __init__(self, repository: Repository, run: Run) -> None:
        self.repository, self.run, self.identity, self.n = repository, run, uuid4(), 0
        self.entries: list[tuple[int, Any]] = []

    def say(self, event: Any, *effects: Any, barred: dict[UUID, str] | None = None) -> None:
        step = RunStepped(self.run.id, self.n, NOW + timedelta(milliseconds=self.n), event, effects, None, barred or {})
        encode_record(step)
        self.n += 1
        self.entries.append((self.n, step))

    def reward(self, amount: float, outcome: str | None = "succeeded", barred: str | None = None) -> UUID:
        command = uuid4()
        send = SendCommand(command, "pump", "dispense", {"volume_ul": amount}, 1, amount)
        self.say(RewardAsked(1.0, "user:1", amount), send, barred={command: barred} if barred else None)
        if outcome is not None:
            self.say(CommandSettled(1.5, command, outcome))  # type: ignore[arg-type]
        return command

    def end(self) -> None:
        self.say(TimerFired(2.0, "session"), PhaseChanged("completed"))

    async def ship(self) -> None:
        await ship_journal(self.repository, self.identity, self.entries)
        await ship_journal(self.repository, uuid4(), self.entries)  # the journal was replaced, and says all of it again


def wish(run: Run, wanted: float | None = None) -> GrantWish:
    assert run.subject_id is not None
    return GrantWish(DEFAULT_LABORATORY, run.id, run.subject_id, FLUID, wanted, DAY)


def gift(subject: Subject, amount: float, n: int = 0) -> Entry:
    return Entry(UUID(int=n) if n else uuid4(), subject.id, FLUID, amount, NOW, Fate.CONFIRMED, by="user:2", note="by hand")


async def test_a_day_over_all_rigs_and_hands_counts_each_once(repository: Repository) -> None:
    subject = await a_subject(repository)
    for amounts in ((10, 20), (30,)):
        run = await a_run(repository, subject)
        journal = Journal(repository, run)
        for amount in amounts:
            journal.reward(amount)
        journal.reward(5, None)
        journal.reward(6, "indeterminate")
        journal.reward(7, "rejected")
        journal.reward(8, None, barred="the day's limit")
        journal.end()
        await journal.ship()
    for _ in range(2):
        await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 100, 9))
    with pytest.raises(ConflictError):
        await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 101, 9))

    known = await repository.subject_day(subject.id, DAY)
    assert known.ledger.least(FLUID) == 10 + 20 + 30 + 100
    assert known.ledger.most(FLUID) == 160 + 2 * (5 + 6)
    assert known.limits == Limits(max_fluid=1000, min_fluid=200)
    tomorrow = await repository.subject_day(subject.id, day_of(DAY.end, ZoneInfo("Europe/Berlin")))
    assert not tomorrow.ledger.entries
    assert {each.id for each in await repository.watched_subjects()} == {subject.id}
    assert await repository.watched_subjects(frozenset({uuid4()})) == []


async def test_what_runs_are_granted_is_held_until_their_journal_says_that_they_are_over(repository: Repository) -> None:
    subject = await a_subject(repository)
    first = await a_run(repository, subject)
    assert await repository.grant(wish(first, 700)) == Allowance(700, DAY.begin, DAY.end)
    assert await repository.grant(wish(first, 700)) == Allowance(700, DAY.begin, DAY.end), "asked again it is the same"
    assert await repository.grant(wish(first)) == Allowance(1000, DAY.begin, DAY.end)
    journal = Journal(repository, first)
    journal.reward(250)
    await journal.ship()
    known = await repository.subject_day(subject.id, DAY)
    assert (known.ledger.reserved[FLUID], known.ledger.most(FLUID)) == (750, 1000)
    journal.reward(50, "indeterminate")
    journal.end()
    await journal.ship()
    second = await a_run(repository, subject)
    await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 100))
    assert await repository.grant(wish(second)) == Allowance(600, DAY.begin, DAY.end)
    await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 2000))
    third = replace(second, id=uuid4())
    assert await repository.grant(wish(third)) == Allowance(0, DAY.begin, DAY.end), "a run that no table knows is open"


async def test_who_asks_at_the_same_moment_shares_what_there_is(repository: Repository) -> None:
    subject = await a_subject(repository)
    run = await a_run(repository, subject)
    asked = [repository.grant(wish(replace(run, id=uuid4()), 400)) for _ in range(5)]
    granted = [each.amount for each in await asyncio.gather(*asked) if each is not None]
    assert sorted(granted) == [0, 0, 200, 400, 400]


async def test_without_a_limit_nobody_keeps_a_ledger(repository: Repository) -> None:
    subject = await a_subject(repository, food_mg={"target": 3})
    run = await a_run(repository, subject)
    assert await repository.grant(wish(run)) == Allowance(None, DAY.begin)
    assert await repository.grant(replace(wish(run), following=TOMORROW, began=NOW)) == Allowance(None, DAY.begin)
    await repository.rule_sessions(DEFAULT_LABORATORY, subject.id, 3600, None, "user:1")
    told = await repository.grant(replace(wish(run), substance=None, following=TOMORROW, began=NOW))
    assert told == Allowance(None, DAY.begin, ends=NOW + timedelta(hours=1)), "its session is limited nevertheless"
    assert await repository.subject_limits(uuid4()) == Limits()


async def test_a_limit_that_is_set_while_a_run_gives_counts_what_it_gave_once(repository: Repository) -> None:
    subject = await a_subject(repository, food_mg={"target": 3})
    run = await a_run(repository, subject)
    assert (await repository.grant(wish(run))).amount is None
    journal = Journal(repository, run)
    journal.reward(300)
    await journal.ship()
    await repository.update_subject(subject, {"daily": {"fluid_ul": {"max": 1000}}}, principal="user:1", reason="vet")
    assert await repository.grant(wish(run)) == Allowance(1000, DAY.begin, DAY.end), "the run counts its 300 by itself"
    assert await repository.grant(wish(run)) == Allowance(1000, DAY.begin, DAY.end), "and is not granted more by asking again"
    other = await repository.grant(wish(replace(run, id=uuid4())))
    assert other.amount == 0, "all is held"


async def test_a_run_is_granted_the_day_after_too(repository: Repository) -> None:
    subject = await a_subject(repository)
    run = await a_run(repository, subject)
    told = await repository.grant(replace(wish(run, 300), following=TOMORROW))
    assert told == Allowance(300, DAY.begin, DAY.end, then=Allowance(1000, TOMORROW.begin, TOMORROW.end))
    other = await repository.grant(replace(wish(replace(run, id=uuid4())), following=TOMORROW))
    assert (other.amount, other.then and other.then.amount) == (700, 0), "nothing is granted twice"
    assert told.serial < other.serial, "who was told later has the higher number"


async def test_what_a_hand_gives_takes_from_what_a_run_is_told(repository: Repository) -> None:
    subject = await a_subject(repository)
    run = await a_run(repository, subject)
    assert await repository.grant(wish(run, 700)) == Allowance(700, DAY.begin, DAY.end)
    await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 250))
    assert await repository.grant(wish(run, 700)) == Allowance(700, DAY.begin, DAY.end), "there was room for it"
    await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 400))
    assert await repository.grant(wish(run)) == Allowance(350, DAY.begin, DAY.end)
    await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 900))
    assert await repository.grant(wish(run)) == Allowance(0, DAY.begin, DAY.end)


async def test_an_override_adds_for_a_while_and_ends(repository: Repository) -> None:
    subject, until = await a_subject(repository), NOW + timedelta(minutes=5)
    run = await a_run(repository, subject)
    word = Override(uuid4(), subject.id, Limit.MAX_FLUID, 1500, NOW - timedelta(seconds=1), until, "user:vet", "dehydrated")
    await repository.override_limit(DEFAULT_LABORATORY, word)
    assert await repository.overrides(subject.id, NOW) == (word,)
    assert await repository.grant(wish(run)) == Allowance(1500, DAY.begin, min(until, DAY.end))
    ended = await repository.end_override(subject.id, word.id, datetime.now(UTC), "user:1")
    assert ended.until < until
    assert await repository.grant(wish(run)) == Allowance(1000, DAY.begin, DAY.end), "what was added is there no more"
    for missing in (word.id, uuid4()):
        with pytest.raises(OverrideNotFoundError):
            await repository.end_override(subject.id, missing, datetime.now(UTC), "user:1")


async def test_rules_of_sessions_and_the_last_one(repository: Repository) -> None:
    subject = await a_subject(repository)
    await repository.rule_sessions(DEFAULT_LABORATORY, subject.id, 3600, None, "user:1")
    await repository.rule_sessions(DEFAULT_LABORATORY, subject.id, 5400, 7200, "user:1")
    limits = await repository.subject_limits(subject.id)
    assert (limits.session_s, limits.between_s) == (5400, 7200)
    assert await repository.last_session(subject.id) is None
    journal = Journal(repository, await a_run(repository, subject))
    journal.say(TimerFired(0.0, "x"), PhaseChanged("running"))
    journal.end()
    await journal.ship()
    assert await repository.last_session(subject.id) == NOW + timedelta(milliseconds=1)


async def test_calibrations_have_versions(repository: Repository) -> None:
    device = (await repository.create_device(NewDevice("pump", "pump", "native", "user:1"))).id
    points = [Point(5, 4.6), Point(10, 9.5), Point(20, 19.4)]
    facts: dict[str, Any] = {"made_at": NOW, "valid_until": NOW + timedelta(days=30), "principal": "user:1"}
    first_id = uuid4()
    for _ in range(2):
        first = await repository.add_calibration(first_id, device, points=points, **facts)
    second = await repository.add_calibration(uuid4(), device, points=[*points, Point(40, 39.1)], note="later", **facts)
    assert (first.version, second.version) == (1, 2)
    assert await repository.calibrations(device) == [second, first]
    assert await repository.newest_calibrations([device, uuid4()]) == {device: second}
    with pytest.raises(ConflictError):
        await repository.add_calibration(first_id, device, points=points[:2], **facts)


class Fleet:
    """Hears what runs are told; a run that is over is not found."""

    def __init__(self) -> None:
        self.told: list[RenewAllowance] = []
        self.gone: set[UUID] = set()

    async def steer_run(self, wish: RunWish) -> RunView:
        if wish.run_id in self.gone:
            raise RunNotFoundError("no such run")
        assert isinstance(wish, RenewAllowance)
        self.told.append(wish)
        return cast("RunView", None)


async def test_rounds_renew_what_runs_may_give_and_raise_alarms(repository: Repository) -> None:
    settings = Settings(_env_file=None, timezone="Europe/Berlin")
    subject, fleet, shown = await a_subject(repository), Fleet(), list[Alarm]()
    rounds = WelfareRounds(repository, fleet, settings, shown.extend)
    run = await a_run(repository, subject)
    opened_ = opened(run.id, run.rig_id, run.protocol_version_id)
    await ship_journal(repository, uuid4(), [(1, opened_)])
    for _ in range(2):
        await rounds.round(NOW)
    assert [each.allowance for each in fleet.told] == [Allowance(1000, DAY.begin, DAY.end, then=AFTER)], "told once"
    word = Override(uuid4(), subject.id, Limit.MAX_FLUID, 1500, NOW, NOW + timedelta(hours=1), "user:vet", "ill")
    await repository.override_limit(DEFAULT_LABORATORY, word)
    await rounds.round(NOW)
    raised = fleet.told[-1].allowance
    assert raised is not None and replace(raised, then=None) == Allowance(1500, DAY.begin, min(word.until, DAY.end))
    await repository.end_override(subject.id, word.id, datetime.now(UTC), "user:1")
    await rounds.round(NOW)
    assert fleet.told[-1].allowance == fleet.told[0].allowance
    assert len({each.ask_id for each in fleet.told}) == 3, "what is told again after something else is heard again"
    assert [each.allowance.serial for each in fleet.told if each.allowance] == sorted(
        each.allowance.serial for each in fleet.told if each.allowance
    )
    fleet.gone.add(run.id)
    await repository.rule_sessions(DEFAULT_LABORATORY, subject.id, 3600, None, "user:1")
    await rounds.round(NOW)
    assert len(fleet.told) == 3

    assert shown == []
    await repository.give_by_hand(DEFAULT_LABORATORY, gift(subject, 1600))
    for _ in range(2):
        await rounds.round(NOW)
    assert [(each.source, each.kind, each.severity, each.count) for each in shown] == [
        (f"subject:{subject.id}", "fluid_excess", "high", 1)
    ]


async def test_a_shortfall_is_told_before_the_day_ends_and_is_over_when_the_subject_has_had_its_minimum(
    repository: Repository,
) -> None:
    settings, shown = Settings(_env_file=None, timezone="Europe/Berlin"), list[Alarm]()
    rounds = WelfareRounds(repository, Fleet(), settings, shown.extend)
    subject = await a_subject(repository)
    late = DAY.end - timedelta(minutes=30)
    await rounds.round(late)
    await rounds.round(DAY.end + timedelta(hours=1))
    assert [(each.kind, each.returned_at) for each in shown] == [("fluid_shortfall", None)]
    await repository.give_by_hand(DEFAULT_LABORATORY, structs.replace(gift(subject, 250), at=DAY.end + timedelta(hours=1)))
    await rounds.round(DAY.end + timedelta(hours=2))
    assert [each.returned_at is None for each in shown] == [True, False]


async def test_what_came_out_is_known_by_the_calibration_of_that_time_or_by_the_device(repository: Repository) -> None:
    subject = await a_subject(repository)
    pump = (await repository.create_device(NewDevice("pump", "pump", "native", "user:1"))).id
    facts: dict[str, Any] = {"valid_until": NOW + timedelta(days=30), "principal": "user:1"}
    for made_at, slope in ((NOW - timedelta(days=9), 0.5), (NOW - timedelta(days=1), 0.8), (NOW + timedelta(hours=1), 2.0)):
        points = [Point(10, 10 * slope), Point(20, 20 * slope)]
        await repository.add_calibration(uuid4(), pump, points=points, made_at=made_at, **facts)
    run = await a_run(repository, subject)
    assert (await repository.grant(wish(run))).amount == 1000
    journal, answers = Journal(repository, run), ({"dispensed_ul": 50.0}, {"dispensed_ul": 50.0, "measured_ul": 43.0}, None)
    for n, answer in enumerate(answers):
        command = journal.reward(40)
        told = accepted(n, command, pump, args={"volume_ul": 50.0})
        done = moved(command, 1, CommandState.SUCCEEDED, pump, result=answer)
        await ship_journal(repository, uuid4(), [(1, told), (2, done)])
    journal.reward(40, "indeterminate")
    await journal.ship()
    known = await repository.subject_day(subject.id, DAY)
    found = sorted(known.ledger.entries.values(), key=lambda each: each.at)
    assert [(each.amount, each.commanded, each.confirmed, each.calibration) for each in found] == [
        (40, 50, 50, 2), (40, 50, 50, 2), (40, 50, None, 2), (40, None, None, None)
    ]  # fmt: skip
    assert [each.measured for each in found] == [pytest.approx(40), 43.0, pytest.approx(40), None]
    assert (known.ledger.least(FLUID), known.ledger.most(FLUID)) == (pytest.approx(123), 1000), "the run holds its grant"
    assert (await repository.grant(wish(run))).amount == pytest.approx(997), "its pump gave 3 more than it knows"
