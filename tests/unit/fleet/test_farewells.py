"""Whose session is discarded: who was run here, is not listed any more, and has had time to end."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.fleet.farewells import GRACE_S, Farewells

ONE, TWO, THREE = (UUID(int=n) for n in range(1, 4))
devices = st.frozensets(st.sampled_from([ONE, TWO, THREE]))


def test_nobody_leaves_whom_nobody_ran() -> None:
    state = Farewells().listed([ONE], 0.0)
    assert (state.due(1e9), state.due_at()) == ([], None)


def test_what_the_fleet_stopped_before_any_list_had_it_leaves_too() -> None:
    assert Farewells().removed([TWO], 0.0).due(GRACE_S) == [TWO]


def test_who_left_the_list_is_due_after_a_while_and_then_forgotten() -> None:
    state = Farewells().listed([ONE, TWO], 0.0).listed([TWO], 10.0)
    assert (state.due(10.0), state.due_at()) == ([], 10.0 + GRACE_S)
    assert state.due(10.0 + GRACE_S) == [ONE]
    state = state.listed([TWO], 12.0)
    assert state.due(10.0 + GRACE_S) == [ONE], "a later list does not delay it"
    state = state.done(ONE)
    assert (state.known, state.due(1e9)) == ({TWO}, [])


def test_what_the_fleet_removes_need_not_wait_for_a_list() -> None:
    state = Farewells(frozenset({ONE})).removed([ONE], 5.0)
    assert state.due(5.0 + GRACE_S) == [ONE]
    assert state.removed([ONE], 9.0) is state


def test_who_comes_back_stays() -> None:
    state = Farewells().listed([ONE], 0.0).listed([], 1.0).listed([ONE], 2.0)
    assert state.due(1e9) == []


@given(st.lists(st.tuples(devices, devices, devices), max_size=12))
def test_nobody_listed_last_is_ever_due(history: list[tuple[frozenset[UUID], frozenset[UUID], frozenset[UUID]]]) -> None:
    state, now = Farewells(), 0.0
    for listed, removed, done in history:
        now += 100.0
        state = state.removed(removed, now).listed(listed, now + 1)
        assert not set(state.due(now + 50.0)) & listed
        assert set(state.leaving) <= state.known
        for device in done & set(state.due(now + 50.0)):
            state = state.done(device)
