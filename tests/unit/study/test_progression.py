"""Which stage a subject is in: by example, and what holds for any past."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from lics_actors.study.plans import Criterion, ExperimentPlan, Stage, read_plan
from lics_actors.study.progression import COUNTED, PastRun, Place, holds, place_of

VERSION = UUID(int=7)
GOOD = frozenset({"correct"})


def stages(count: int = 3, runs: int = 2) -> list[Stage]:
    up, down = Criterion(runs=runs, trials=10, share=0.8), Criterion(runs=runs, trials=10, most=0.3)
    return [
        Stage(
            name=f"s{n}",
            protocol_version_id=VERSION,
            advance=up if n + 1 < count else None,
            back=down if n > 0 else None,
        )
        for n in range(count)
    ]


def run(stage: int, correct: int, wrong: int = 0, phase: str = "completed", **more: int) -> PastRun:
    return PastRun(stage, phase, {"correct": correct, "wrong": wrong, **more})


def place(*past: PastRun) -> Place:
    return place_of(stages(), [GOOD] * 3, past)


def test_a_subject_moves_on_when_it_has_mastered_a_stage_and_back_when_it_was_too_hard() -> None:
    good = run(0, 9, 1)
    assert place() == Place(0, 0, "the first stage")
    assert place(good) == Place(0, 1, "the first stage")
    assert place(good, good) == Place(1, 0, "s0 was mastered")
    assert place(good, run(0, 1, 9), good) == Place(0, 3, "the first stage"), "they must be in a row"
    assert place(good, good, run(1, 2, 8)) == Place(1, 1, "s0 was mastered")
    assert place(good, good, run(1, 2, 8), run(1, 3, 7)) == Place(0, 0, "s1 was too hard")
    assert place(good, good, run(0, 9, 1, phase="aborted")) == Place(1, 0, "s0 was mastered"), "an aborted run says nothing"
    assert place(*[run(n, 9, 1) for n in (0, 0, 1, 1, 2, 2, 2)]) == Place(2, 3, "s1 was mastered")


def test_a_person_may_put_a_subject_elsewhere() -> None:
    assert place(run(2, 5, 5)) == Place(2, 1, "it was run in this stage")
    assert place(run(2, 5, 5), run(0, 9, 1)) == Place(0, 1, "it was run in this stage")
    assert place(run(1, 9, 1), run(1, 9, 1)) == Place(2, 0, "s1 was mastered")


def test_what_a_criterion_counts() -> None:
    one = Criterion(trials=10, share=0.5)
    assert holds(one, GOOD, [{"correct": 5, "wrong": 5}])
    assert not holds(one, GOOD, [{"correct": 9}]), "too few trials"
    assert holds(one, GOOD, [{"correct": 5, "wrong": 5, "interrupted": 90}]), "a trial that was cut short says nothing"
    assert not holds(Criterion(outcome="wrong", share=0.6), GOOD, [{"correct": 5, "wrong": 5}])
    assert holds(Criterion(outcome="wrong", most=0.5), GOOD, [{"correct": 5, "wrong": 5}])
    assert not holds(Criterion(runs=2, share=0.0), GOOD, [{"correct": 1}])
    assert not holds(Criterion(share=0.0), GOOD, [{}])


COUNTS = st.integers(0, 40)
RUNS = st.builds(
    PastRun,
    st.integers(-1, 4),
    st.sampled_from(["completed", "stopped", "aborted", "failed"]),
    st.fixed_dictionaries({"correct": COUNTS, "wrong": COUNTS, "interrupted": COUNTS}),
)


@given(st.lists(RUNS, max_size=30), st.integers(1, 3))
def test_any_past_leads_to_a_stage_there_is_by_steps_of_one(past: list[PastRun], runs: int) -> None:
    plan, good = stages(3, runs), [GOOD] * 3
    before = place_of(plan, good, [])
    for n in range(1, len(past) + 1):
        after, last = place_of(plan, good, past[:n]), past[n - 1]
        assert 0 <= after.stage < 3
        if last.phase not in COUNTED or not 0 <= last.stage < 3:
            assert after == before, "what does not count changes nothing"
        else:
            assert abs(after.stage - last.stage) <= 1
            if after.stage > last.stage:
                counts = last.outcomes["correct"] + last.outcomes["wrong"]
                assert last.outcomes["correct"] >= 0.8 * counts
                assert counts >= 10
            assert after.runs <= before.runs + 1
        before = after
    assert place_of(plan, good, past) == place_of(plan, good, [each for each in past if each.phase in COUNTED])


@given(st.lists(st.integers(0, 3), max_size=12))
def test_without_a_way_back_good_runs_never_lead_back(ways: list[int]) -> None:
    plan = [Stage.model_validate({**each.model_dump(), "back": None}) for each in stages(4, 1)]
    at = 0
    for n in range(len(ways)):
        reached = place_of(plan, [GOOD] * 4, [run(min(k, 3), 9, 1) for k in range(n + 1)]).stage
        assert reached >= at
        at = reached


SUBJECT, RIG = UUID(int=1), UUID(int=2)
SOUND = {"stages": [{"name": "one", "protocol_version_id": str(VERSION)}], "subjects": [str(SUBJECT)]}


def test_a_plan_is_kept_as_it_was_said() -> None:
    schedule = {"zone": "Europe/Berlin", "windows": [{"begin": "20:00", "end": "06:00", "days": ["mon"]}], "rigs": {SUBJECT: RIG}}
    plan = read_plan({**SOUND, "schedule": schedule})
    assert isinstance(plan, ExperimentPlan)
    assert read_plan(plan.document()) == plan


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stages": []}, "stages"),
        ({"stages": SOUND["stages"] * 2}, "plan"),
        ({"subjects": SOUND["subjects"] * 2}, "plan"),
        ({"stages": [{**SOUND["stages"][0], "back": {"share": 0.5}}]}, "plan"),  # type: ignore[dict-item]
        ({"stages": [{**SOUND["stages"][0], "advance": {}}]}, "stages.0.advance"),  # type: ignore[dict-item]
        ({"stages": [{**SOUND["stages"][0], "advance": {"share": 0.5, "most": 0.5}}]}, "stages.0.advance"),  # type: ignore[dict-item]
        ({"schedule": {"zone": "Mars/Olympus"}}, "schedule.zone"),
        ({"schedule": {"zone": "../etc/passwd"}}, "schedule.zone"),
        ({"schedule": {"windows": [{"begin": "24:00", "end": "06:00"}]}}, "schedule.windows.0.begin"),
        ({"schedule": {"rigs": {str(RIG): str(RIG)}}}, "plan"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_its_place(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read_plan({**SOUND, **change})
    assert [each["field"] for each in refused.value.fields] == [field]
