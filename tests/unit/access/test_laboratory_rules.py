"""Who may do what in which laboratory, by the rules alone."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.access.laboratories import (
    DEFAULT_LABORATORY,
    EVERYWHERE,
    MEMBER_ROLES,
    NOWHERE,
    OWN,
    Reach,
    Sight,
    Unplaced,
    grants,
    highest,
    manages,
    meets,
    narrowed,
    placed,
    reach_of,
)
from lics_actors.access.roles import IN_PERSON, TABLE, Role, permissions_of

A, B, C = (UUID(int=n) for n in (10, 11, 12))
laboratories = st.sampled_from([A, B, C, DEFAULT_LABORATORY])
memberships = st.dictionaries(laboratories, st.sampled_from(Role), max_size=4)
permissions = st.sampled_from(sorted(TABLE))
scopes = st.frozensets(permissions)


@given(memberships, laboratories, permissions)
def test_somebody_may_in_a_laboratory_what_his_role_there_may_and_nothing_elsewhere(
    there: dict[UUID, Role], place: UUID, permission: str
) -> None:
    reach = reach_of(Role.OBSERVER, there)
    role = there.get(place)
    member = role in MEMBER_ROLES
    may = role is not None and member and permission in permissions_of(role)
    assert reach.may(permission, place) is may
    assert (place in (reach.where(permission) or ())) is may
    assert reach.sees(place) is member
    expected = Sight.GRANTED if may else Sight.FORBIDDEN if member else Sight.UNKNOWN
    assert reach.judge(permission, place) is expected
    assert reach.judge(permission, None) is Sight.UNKNOWN
    assert not may or permission in reach.anywhere


@given(memberships, laboratories, permissions)
def test_a_super_admin_is_everywhere_and_a_device_nowhere(there: dict[UUID, Role], place: UUID, permission: str) -> None:
    above, below = reach_of(Role.SUPER_ADMIN, there), reach_of(Role.DEVICE, there)
    assert above.judge(permission, place) is Sight.GRANTED
    assert above.where(permission) is None
    assert above.may_all(permission, frozenset())
    assert below == NOWHERE
    assert below.anywhere == frozenset()


def test_who_is_in_no_laboratory_still_has_an_account() -> None:
    assert reach_of(Role.OBSERVER, {}).anywhere == OWN


@given(memberships, scopes, st.none() | laboratories, laboratories, permissions)
def test_a_key_may_never_more_than_its_owner(
    there: dict[UUID, Role], asked: frozenset[str], only: UUID | None, place: UUID, permission: str
) -> None:
    for owner in (reach_of(Role.OBSERVER, there), EVERYWHERE):
        key = narrowed(owner, asked, only)
        may = permission in asked - IN_PERSON and owner.may(permission, place) and only in {None, place}
        assert key.may(permission, place) is may
        assert not key.own
        assert key.anywhere <= asked - IN_PERSON
        if only is not None:
            assert all(not key.sees(each) for each in (A, B, C) if each != only)
            assert key.sees(only) is owner.sees(only)


def test_what_all_share_is_for_those_who_may_in_all() -> None:
    keeper = reach_of(Role.OBSERVER, {A: Role.LAB_ADMIN, B: Role.TECHNICIAN, C: Role.OBSERVER})
    assert keeper.may_all("fleet:restart", frozenset({A, B}))
    assert not keeper.may_all("fleet:restart", frozenset({A, C}))
    assert not keeper.may_all("fleet:restart", frozenset())


@pytest.mark.parametrize(
    ("reach", "named", "expected"),
    [
        (EVERYWHERE, None, DEFAULT_LABORATORY),
        (EVERYWHERE, B, B),
        (reach_of(Role.OBSERVER, {A: Role.RESEARCHER}), None, A),
        (reach_of(Role.OBSERVER, {A: Role.RESEARCHER, B: Role.OBSERVER}), None, A),
        (reach_of(Role.OBSERVER, {A: Role.RESEARCHER, B: Role.OBSERVER}), B, Unplaced.NOT_YOURS),
        (reach_of(Role.OBSERVER, {A: Role.RESEARCHER, B: Role.TECHNICIAN}), None, Unplaced.NAME_ONE),
        (reach_of(Role.OBSERVER, {A: Role.RESEARCHER, B: Role.TECHNICIAN}), B, B),
        (reach_of(Role.OBSERVER, {A: Role.OBSERVER}), None, Unplaced.NOWHERE),
        (reach_of(Role.OBSERVER, {A: Role.RESEARCHER}), C, Unplaced.NOT_YOURS),
    ],
)
def test_something_new_has_one_laboratory(reach: Reach, named: UUID | None, expected: UUID | Unplaced) -> None:
    assert placed(reach, "device:write", named) == expected


@given(memberships.map(lambda there: {place: role for place, role in there.items() if role in MEMBER_ROLES}))
def test_the_highest_role_is_told(there: dict[UUID, Role]) -> None:
    best = highest(there)
    assert best in there.values() or not there
    assert all(MEMBER_ROLES.index(best) <= MEMBER_ROLES.index(each) for each in there.values())


members = st.dictionaries(laboratories, st.sampled_from(MEMBER_ROLES), max_size=4)


@given(members, members, st.sampled_from(Role))
def test_nobody_manages_beyond_his_laboratories(mine: dict[UUID, Role], his: dict[UUID, Role], role: Role) -> None:
    """What concerns a whole account is for those who could give each of its roles; a membership is one laboratory's."""
    reach = reach_of(Role.OBSERVER, mine)
    leads = {place for place, each in mine.items() if each is Role.LAB_ADMIN}
    below = {Role.RESEARCHER, Role.TECHNICIAN, Role.OBSERVER}
    for place in (A, B, C):
        assert grants(reach, place, role) is (place in leads and role in below)
        assert grants(EVERYWHERE, place, role) is (role in MEMBER_ROLES)
    whole = highest(his)
    assert manages(reach, whole, his) is (bool(his) and his.keys() <= leads and set(his.values()) <= below)
    assert not manages(reach, Role.SUPER_ADMIN, his)
    assert manages(EVERYWHERE, role, his)
    assert meets(reach, his) is bool(leads & his.keys())
    assert meets(EVERYWHERE, {})
