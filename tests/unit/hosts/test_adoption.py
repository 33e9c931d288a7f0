"""Which commands of another host are taken over, and when."""

from __future__ import annotations

from uuid import UUID

from lics_actors.hosts.adoption import AGAIN_S, SETTLED_S, Adoption

ONE, TWO = UUID(int=1), UUID(int=2)


def test_only_what_has_not_moved_for_a_while_is_taken_over_and_told_again_later() -> None:
    state, due = Adoption().look([(ONE, 2), (TWO, 1)], 0)
    assert due == frozenset()
    state, due = state.look([(ONE, 2), (TWO, 2)], SETTLED_S)
    assert due == {ONE}, "the other is still being shipped"
    state, due = state.look([(ONE, 2), (TWO, 2)], 2 * SETTLED_S)
    assert due == {TWO}
    state, due = state.look([(ONE, 2)], SETTLED_S + AGAIN_S)
    assert due == {ONE} and set(state.seen) == {ONE}, "what is settled is forgotten"
    state, due = state.look([(ONE, 3)], SETTLED_S + AGAIN_S + 1)
    assert due == frozenset()
