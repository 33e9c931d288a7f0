"""The plan of faults: a seed says all of it, and it leaves its victims the peace they need to prove something."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.system.chaos.plan import ROOT_PEACE_S, Fault, Kind, Scope, choices, drawn

SCOPES = st.builds(
    Scope,
    devices=st.integers(1, 40),
    racks=st.integers(1, 3),
    recorders=st.integers(1, 4),
    workers=st.integers(1, 4),
    runs=st.integers(0, 5),
    servers=st.sets(st.sampled_from(["broker", "postgres", "redis"])).map(frozenset),
    longest_s=st.floats(0.5, 60.0),
)
SEEDS, COUNTS, SECONDS = st.integers(), st.integers(0, 300), st.floats(1.0, 1200.0)
ROOTS = {"fleet", "admin", "launcher", "up", "everything"}


@given(SEEDS, COUNTS, SECONDS, SCOPES)
def test_a_seed_says_all_of_it(seed: int, count: int, seconds: float, scope: Scope) -> None:
    faults = drawn(seed, count, seconds, scope)
    assert faults == drawn(seed, count, seconds, scope)
    assert len(faults) == count
    assert all(0 <= fault.at_s <= seconds + 0.001 and 0 <= fault.duration_s <= scope.longest_s for fault in faults)
    assert all(one.at_s <= other.at_s for one, other in pairwise(faults))


@given(SEEDS, COUNTS, SECONDS, SCOPES)
def test_only_what_there_is_is_struck_by_what_it_can_suffer(seed: int, count: int, seconds: float, scope: Scope) -> None:
    allowed = {(choice.kind, target) for choice in choices(scope) for target in choice.targets}
    for fault in drawn(seed, count, seconds, scope):
        assert (fault.kind, fault.target) in allowed
        name, _, number = fault.target.partition(":")
        if number.isdigit():
            bound = {"actor": scope.devices, "device": scope.devices, "rack": scope.racks}
            bound |= {"recorder": scope.recorders, "run": scope.runs}
            assert int(number) < bound.get(name, scope.workers)
        if name in {"broker", "postgres", "redis"}:
            assert name in scope.servers


@given(SEEDS, st.integers(0, 200), SCOPES)
def test_what_takes_all_down_leaves_time_to_come_back(seed: int, count: int, scope: Scope) -> None:
    times = [fault for fault in drawn(seed, count, 600.0, scope) if fault.target in ROOTS]
    assert all(later.at_s - one.at_s - one.duration_s >= ROOT_PEACE_S - 0.01 for one, later in pairwise(times))


@given(SEEDS, SCOPES)
def test_no_target_suffers_two_things_at_once(seed: int, scope: Scope) -> None:
    over: dict[str, float] = {}
    for fault in drawn(seed, 100, 1200.0, scope):
        assert fault.at_s >= over.get(fault.target, 0.0) - 0.01 or fault.target.startswith("actor")
        over[fault.target] = fault.at_s + fault.duration_s


def test_different_seeds_are_different_days_and_a_long_day_has_everything_in_it() -> None:
    scope = Scope(24, recorders=2, workers=2)
    assert drawn(1, 50, 60.0, scope) != drawn(2, 50, 60.0, scope)
    faults = drawn(1, 1000, 1000.0, scope)
    assert {fault.kind for fault in faults} == set(Kind)
    struck = {fault.target.partition(":")[0] for fault in faults}
    assert struck >= {"actor", "device", "rack", "recorder", "registrar", "housekeeper", "web", "worker", "link", "broker"}
    assert struck & ROOTS
    overlapping = sum(later.at_s < one.at_s + one.duration_s for one, later in pairwise(faults))
    assert overlapping > 100


def test_a_fault_says_itself_in_a_line() -> None:
    assert str(Fault(12.34, Kind.PAUSE, "recorder:1", 3.0)).split() == ["12.3", "s", "pause", "recorder:1", "for", "3.0", "s"]
    assert str(Fault(1.0, Kind.KILL, "up")).endswith("kill up")
