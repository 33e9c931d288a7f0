"""The rules of getting in, by examples and properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.access.roles import ADMINS, PEOPLE, TABLE, Role, may_manage, permissions_of
from lics_actors.access.rules import (
    AUDIENCE,
    ISSUER,
    LEEWAY_S,
    MAX_EMAIL,
    MAX_PASSWORD,
    MIN_PASSWORD,
    OF_ACCOUNT,
    OF_ADDRESS,
    Claims,
    Ended,
    Patience,
    Refreshed,
    Refusal,
    Tally,
    attempted,
    claims_made,
    claims_read,
    email_of,
    in_time,
    password_fault,
    refreshed,
    same_origin,
)

NOW = 1_800_000_000.0
CLAIMS = Claims(UUID(int=1), UUID(int=2), 3, "ada@lab.example", Role.RESEARCHER, "j", NOW, NOW, NOW + 900)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at least 12"),
        ("elevensigns", "at least 12"),
        ("x" * (MAX_PASSWORD + 1), "at most"),
        ("aaaaaaaaaaaa", "different"),
        ("abababababab", "different"),
        ("123456789012", "common"),
        ("210987654321", "common"),
        ("abcdefghijkl", "common"),
        ("qwertyuiop[]", "common"),
        ("qwertyuiop123456", "common"),
        ("1qaz2wsx3edc", "common"),
        ("Password1234", "common"),
        ("P@ssw0rd!!!!", "common"),
        ("passwordpassword", "common"),
        ("letmein12345678", "common"),
        ("Summer2026!!!", "common"),
        ("correct horse battery staple", "common"),
        ("iloveyou-2026", "common"),
        ("ada.lovelace1843", "e-mail"),
        ("ada.lovelace@lab.example", "e-mail"),
        ("xx ada.lovelace@lab.example xx", "e-mail"),
    ],
)
def test_passwords_that_are_not_taken(password: str, why: str) -> None:
    assert why in (password_fault(password, "ada.lovelace@lab.example") or "")


@pytest.mark.parametrize(
    "password",
    ["a feeder hums at dawn", "Tr0ub4dor&3-zebra", "пароль который длинный", "ok9#vQ!m2zLp", "日本語の合言葉は長いほど良い"],
)
def test_passwords_that_are_taken(password: str) -> None:
    assert password_fault(password, "ada@lab.example") is None


@given(st.text(max_size=300), st.emails())
def test_any_password_is_judged(password: str, email: str) -> None:
    fault = password_fault(password, email)
    if fault is None:
        assert MIN_PASSWORD <= len(password) <= MAX_PASSWORD


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Ada@Lab.Example ", "ada@lab.example"),
        ("ada@localhost", "ada@localhost"),
        ("a" * MAX_EMAIL + "@x", None),
        ("ada", None),
        ("ada@", None),
        ("@lab", None),
        ("a b@lab", None),
        ("ada@lab..example", None),
        ("ada/key@lab", None),
        ("ada@lab\n", "ada@lab"),
        ("ada@lab\0", None),
        ("", None),
    ],
)
def test_e_mail_addresses(text: str, email: str | None) -> None:
    assert email_of(text) == email


@given(st.text(max_size=60))
def test_an_address_has_one_form(text: str) -> None:
    email = email_of(text)
    assert email is None or email_of(email) == email


@given(st.integers(0, 10_000))
def test_waiting_grows_and_ends(attempts: int) -> None:
    for patience in (OF_ACCOUNT, OF_ADDRESS):
        wait_s = patience.wait_s(attempts)
        assert 0 <= wait_s <= patience.wait_s(attempts + 1) <= patience.most_s
        assert (wait_s == 0) == (attempts <= patience.free)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=60), st.integers(0, 5))
def test_nobody_tries_more_often_than_he_may(pauses: list[float], free: int) -> None:
    patience = Patience(free, 1.0, 60.0, 600.0)
    tally, now, made = Tally(), 1000.0, 0
    last_free_at = 0.0
    for pause in pauses:
        now += pause
        before = tally
        tally, verdict = attempted(tally, now, patience)
        if verdict.wait_s > 0:
            assert now < before.until
            assert (tally.attempts, tally.until) == (before.attempts, before.until)
            assert verdict.first == (not before.told)
            assert tally.told
        else:
            made += 1
            assert now >= last_free_at
            last_free_at = tally.until
            assert not tally.told
            assert tally.attempts == (1 if now - before.last > patience.forget_s else before.attempts + 1)
    assert made >= 1


def test_a_claim_survives_its_token() -> None:
    assert claims_read(claims_made(CLAIMS), NOW) == CLAIMS


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"iss": "lics2"}, Refusal.ISSUER),
        ({"iss": None}, Refusal.ISSUER),
        ({"aud": "other"}, Refusal.AUDIENCE),
        ({"aud": [AUDIENCE]}, Refusal.AUDIENCE),
        ({"exp": NOW}, Refusal.EXPIRED),
        ({"exp": NOW - 1}, Refusal.EXPIRED),
        ({"nbf": NOW + LEEWAY_S + 1}, Refusal.EARLY),
        ({"iat": NOW + LEEWAY_S + 1}, Refusal.EARLY),
        ({"exp": str(NOW + 9)}, Refusal.MALFORMED),
        ({"exp": True}, Refusal.MALFORMED),
        ({"exp": float("inf")}, Refusal.MALFORMED),
        ({"exp": float("nan")}, Refusal.MALFORMED),
        ({"exp": -1}, Refusal.MALFORMED),
        ({"labs": None}, Refusal.MALFORMED),
        ({"labs": {"x": "observer"}}, Refusal.MALFORMED),
        ({"labs": {str(UUID(int=1)): "king"}}, Refusal.MALFORMED),
        ({"labs": {str(UUID(int=1)): 7}}, Refusal.MALFORMED),
        ({"gen": 1.0}, Refusal.MALFORMED),
        ({"gen": True}, Refusal.MALFORMED),
        ({"sub": 7}, Refusal.MALFORMED),
        ({"sub": "ada"}, Refusal.MALFORMED),
        ({"sid": "x"}, Refusal.MALFORMED),
        ({"role": "root"}, Refusal.MALFORMED),
        ({"jti": None}, Refusal.MALFORMED),
    ],
)
def test_claims_that_are_not_for_us_now(change: dict[str, Any], refusal: Refusal) -> None:
    assert claims_read({**claims_made(CLAIMS), **change}, NOW) is refusal


@pytest.mark.parametrize("name", sorted(claims_made(CLAIMS)))
def test_no_claim_may_miss(name: str) -> None:
    said = claims_made(CLAIMS)
    del said[name]
    assert isinstance(claims_read(said, NOW), Refusal)


@given(st.floats(NOW - 2000, NOW + 2000))
def test_a_token_is_valid_between_its_times(now: float) -> None:
    assert (in_time(CLAIMS, now) is None) == (NOW - LEEWAY_S <= now < NOW + 900)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)


@given(st.dictionaries(st.sampled_from(sorted(claims_made(CLAIMS))), JSON))
def test_whatever_a_token_says_is_read_or_refused(said: dict[str, Any]) -> None:
    assert isinstance(claims_read({**said, "iss": ISSUER, "aud": AUDIENCE}, NOW), Claims | Refusal)


def test_what_is_ended() -> None:
    account, other, session, key = (UUID(int=n) for n in range(4))
    ended = Ended(frozenset({session}), {account: 4}, frozenset({key}))
    assert not Ended().ends(account, 1, session=session)
    assert ended.ends(account, 3)
    assert not ended.ends(account, 4)
    assert not ended.ends(other, 1, session=other, key=other)
    assert ended.ends(other, 9, session=session)
    assert ended.ends(other, 9, key=key)


WHEN = datetime(2026, 1, 31, tzinfo=UTC)


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.integers(-5, 5))
def test_a_refresh_token_is_rotated_only_where_nothing_is_wrong(
    known: bool, used: bool, ended: bool, disabled: bool, left_s: int
) -> None:
    what = refreshed(known=known, used=used, ended=ended, disabled=disabled, expires=WHEN + timedelta(seconds=left_s), now=WHEN)
    fine = known and not used and not ended and not disabled and left_s > 0
    assert (what is Refreshed.ROTATED) == fine
    assert (what is Refreshed.REUSED) == (known and used)
    assert (what is Refreshed.UNKNOWN) == (not known)


@pytest.mark.parametrize(
    ("site", "given_token", "ours"),
    [
        (None, "t", True),
        ("same-origin", "t", True),
        ("same-origin", "x", False),
        ("same-origin", None, False),
        (None, None, False),
        (None, "", False),
        ("cross-site", "t", False),
        ("same-site", "t", False),
        ("none", "t", False),
        (None, "ü", False),
    ],
)
def test_a_cookie_comes_from_our_own_page(site: str | None, given_token: str | None, ours: bool) -> None:
    assert same_origin(site, given_token, "t") is ours


# roles


def test_the_table_of_roles() -> None:
    assert permissions_of(Role.SUPER_ADMIN) == frozenset(TABLE)
    assert permissions_of(Role.DEVICE) == frozenset()
    assert all(
        permission.endswith(":read") or permission == "account:write" or permission == "key:write"
        for permission in permissions_of(Role.OBSERVER)
    )
    assert not permissions_of(Role.RESEARCHER) & {"user:write", "audit:read", "fleet:quarantine"}
    assert permissions_of(Role.OBSERVER) <= permissions_of(Role.TECHNICIAN) <= permissions_of(Role.LAB_ADMIN)
    assert permissions_of(Role.OBSERVER) <= permissions_of(Role.RESEARCHER) <= permissions_of(Role.LAB_ADMIN)
    own = {"laboratory:create": frozenset({Role.SUPER_ADMIN})}
    assert all(roles <= PEOPLE and roles >= ADMINS for name, roles in TABLE.items() if own.get(name) != roles)


def test_who_manages_whom() -> None:
    assert all(may_manage(Role.SUPER_ADMIN, role) for role in Role)
    managed = {role for role in Role if may_manage(Role.LAB_ADMIN, role)}
    assert managed == {Role.RESEARCHER, Role.TECHNICIAN, Role.OBSERVER}
    assert not any(
        may_manage(role, other) for role in (Role.RESEARCHER, Role.TECHNICIAN, Role.OBSERVER, Role.DEVICE) for other in Role
    )
