"""Runs in the tables: ordered one at a time, shipped from their journals exactly once, read back whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.errors import ConflictError, RunNotFoundError, RunUnderWayError
from lics_actors.experiment.messages import PhaseChanged, SendCommand, StopAsked, TrialBegan, TrialEnded
from lics_actors.store.records import decode_record, encode_record
from lics_actors.store.repository import Repository
from lics_actors.store.run_records import RunRecord, RunStepped
from lics_actors.store.runs import NewRun, RunFilter
from lics_actors.store.shipping import ship_journal
from tests.contract.run_records import ZERO, by_hand, opened, steps

ELSEWHERE = UUID(int=2)


def order(name: str = "cage 1", **more: Any) -> NewRun:
    made = NewRun(uuid4(), DEFAULT_LABORATORY, uuid4(), name, uuid4(), "fixed_ratio", 1, 2**61, "user:1", ZERO, "ul")
    return replace(made, **more)


def journal(records: list[Any]) -> list[tuple[int, RunRecord]]:
    """Return entries as a journal gives them back."""
    return [(n, decode_record(encode_record(record))) for n, record in enumerate(records, 1)]  # type: ignore[misc]


async def test_a_rig_and_a_subject_are_in_one_run_at_a_time(repository: Repository) -> None:
    first = await repository.order_run(order(subject_id=uuid4(), subject="m-1"))
    assert (first.phase, first.n, first.ended_at, first.unit, first.seed) == ("scheduled", -1, None, "ul", 2**61)
    for other, what in (
        (order(rig_id=first.rig_id), "rig cage 1"),
        (order("cage 2", subject_id=first.subject_id, subject="m-1"), "subject m-1"),
    ):
        with pytest.raises(RunUnderWayError, match=what) as refused:
            await repository.order_run(other)
        assert refused.value.facts["run_id"] == str(first.id)
    with pytest.raises(ConflictError):
        await repository.order_run(order(run_id=first.id))
    await repository.order_run(order("cage 3"))
    await repository.order_run(order("cage 4"))  # without a subject there may be many

    assert await repository.give_run_up(first.id, "aborted", "never begun")
    assert not await repository.give_run_up(first.id, "aborted", "again")
    again = await repository.order_run(
        order(rig_id=first.rig_id, subject_id=first.subject_id, ordered_at=ZERO + timedelta(hours=1))
    )
    assert (await repository.get_run(first.id)).phase == "aborted"
    with pytest.raises(RunNotFoundError):
        await repository.get_run(again.id, frozenset({ELSEWHERE}))


async def test_of_several_phases_in_one_step_the_last_holds(repository: Repository) -> None:
    run = await repository.order_run(order())
    phases = (PhaseChanged("finishing", "enough"), PhaseChanged("stopped", "enough"))
    stopped = RunStepped(run.id, 0, ZERO, StopAsked(0.0, "user:1", "enough"), phases)
    entries = journal([opened(run.id, run.rig_id, run.protocol_version_id), stopped])
    for identity in (uuid4(), uuid4()):  # and again, from a journal that was replaced
        await ship_journal(repository, identity, entries)
        told = await repository.get_run(run.id)
        assert (told.phase, told.why, told.ended_at) == ("stopped", "enough", ZERO)


async def test_a_run_goes_from_its_journal_into_the_tables_exactly_once(repository: Repository) -> None:
    run = await repository.order_run(order())
    done = steps(run.id)
    records = [
        opened(run.id, run.rig_id, run.protocol_version_id),
        *done[:-1],
        *by_hand(run.id, len(done)),
        *by_hand(run.id, len(done) + 2, True),
    ]
    entries, identity = journal(records), uuid4()
    for start in range(0, len(entries), 40):  # a batch, its repeat, and one that overlaps
        await ship_journal(repository, identity, entries[start : start + 40])
        await ship_journal(repository, identity, entries[max(0, start - 20) : start + 40])
    unfinished = await repository.get_run(run.id)
    assert (unfinished.phase, unfinished.ended_at, unfinished.opened_at) == ("finishing", None, ZERO)
    assert not await repository.give_run_up(run.id, "aborted", "it has begun")
    await ship_journal(repository, identity, [(len(entries) + 1, done[-1])])
    await ship_journal(repository, uuid4(), entries)  # the journal was replaced, and says all of it again

    told = await repository.get_run(run.id)
    began = [each for step in done for each in step.effects if isinstance(each, TrialBegan)]
    ended = [each for step in done for each in step.effects if isinstance(each, TrialEnded)]
    sent = [each for step in done for each in step.effects if isinstance(each, SendCommand) and each.reward is not None]
    assert (told.phase, told.trials, sum(told.outcomes.values())) == ("stopped", len(ended), len(ended))
    assert told.commanded == pytest.approx(sum(each.reward or 0.0 for each in sent) + 5.0)
    assert told.confirmed == pytest.approx(told.commanded - 5.0), "nobody said what became of what a hand gave"
    assert (told.began_at, told.ended_at) == (ZERO, done[-1].time)

    trials = (await repository.run_trials(run.id)).items
    assert [(each.number, each.drawn) for each in trials] == [(each.trial, each.drawn) for each in began]
    assert [(each.outcome, each.rewarded) for each in trials] == [(each.outcome, each.rewarded) for each in ended]
    rewards = (await repository.run_rewards(run.id)).items
    assert [each.id for each in rewards][:-2] == [each.id for each in sent]
    assert [(each.principal, each.barred) for each in rewards[-2:]] == [("user:2", None), ("user:2", "the day's limit")]
    assert [each.text for each in (await repository.run_notes(run.id)).items] == ["door\ufffd"] * 2


async def test_the_record_comes_back_as_it_was_and_replays(repository: Repository) -> None:
    run = await repository.order_run(order())
    begin, done = opened(run.id, run.rig_id, run.protocol_version_id), steps(run.id, trials=20)
    await ship_journal(repository, uuid4(), journal([begin, *done, *by_hand(run.id, len(done))]))
    whole = await repository.run_history(run.id)
    assert whole.opened == begin
    assert list(whole.opened.document["states"]) == list(begin.document["states"]), "in the order in which chance is asked"
    assert whole.steps[: len(done)] == tuple(done)
    assert [each.n for each in whole.reacted] == [len(done) + 1]
    seen = await repository.run_steps(run.id, "Armed")
    assert [type(step.event).__name__ for step in seen.items] == ["Armed"]
    with pytest.raises(RunNotFoundError):
        await repository.run_history(uuid4())


async def test_pages_and_filters(repository: Repository) -> None:
    subject, experiment = uuid4(), uuid4()
    made = [await repository.order_run(order(f"cage {n}", ordered_at=ZERO + timedelta(hours=n))) for n in range(3)]
    other = await repository.order_run(
        order("x", subject_id=subject, experiment_id=experiment, laboratory_id=ELSEWHERE, ordered_at=ZERO)
    )
    await repository.give_run_up(made[0].id, "aborted", "")
    page = await repository.list_runs(RunFilter(), 3)
    rest = await repository.list_runs(RunFilter(), 3, page.next)
    assert [row.id for row in page.items + rest.items][:2] == [made[2].id, made[1].id]
    assert {row.id for row in page.items + rest.items} == {row.id for row in (*made, other)}
    for asked, wanted in (
        (RunFilter(laboratories=frozenset({ELSEWHERE})), [other]),
        (RunFilter(laboratories=frozenset()), []),
        (RunFilter(subject_id=subject), [other]),
        (RunFilter(experiment_id=experiment), [other]),
        (RunFilter(rig_id=made[1].rig_id), [made[1]]),
        (RunFilter(phase="aborted"), [made[0]]),
        (RunFilter(unfinished=False), [made[0]]),
        (RunFilter(start=ZERO + timedelta(hours=1), end=ZERO + timedelta(hours=2)), [made[1]]),
    ):
        assert [row.id for row in (await repository.list_runs(asked)).items] == [row.id for row in wanted], asked
    run = made[1]
    done = steps(run.id, trials=5)
    await ship_journal(repository, uuid4(), journal([opened(run.id, run.rig_id, run.protocol_version_id), *done]))
    numbers: list[int] = []
    cursor: str | None = None
    while True:
        found = await repository.run_steps(run.id, None, 7, cursor)
        numbers += [step.n for step in found.items]
        cursor = found.next
        if cursor is None:
            break
    assert numbers == [step.n for step in done]
    first = await repository.run_trials(run.id, None, 2)
    assert [each.number for each in (await repository.run_trials(run.id, None, 2, first.next)).items] == [3, 4]
    rewards = await repository.run_rewards(run.id, 2)
    assert len((await repository.run_rewards(run.id, 2, rewards.next)).items) > 0
    assert (await repository.run_trials(run.id, "nothing")).items == []


async def test_a_run_that_no_table_knows_is_kept_nevertheless(repository: Repository) -> None:
    run_id, rig_id = uuid4(), uuid4()
    done = steps(run_id, trials=3)
    await ship_journal(repository, uuid4(), journal([opened(run_id, rig_id, uuid4()), *done]))
    told = await repository.get_run(run_id)
    assert (told.protocol, told.rig_id, told.phase, told.trials) == ("fixed_ratio", rig_id, "stopped", 3)
    assert isinstance(done[0], RunStepped)
    assert told.ordered_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
