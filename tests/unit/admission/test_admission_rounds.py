"""What the broker holds against what the tables say; claim codes; and what a claim is in a word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import Grants
from lics_actors.admission import codes, rounds
from lics_actors.admission.accounts import acls
from lics_actors.admission.rounds import Wanted, compare
from lics_actors.admission.rows import Claim, Credential, Kept, NewCredential

NAMES = [f"device-{letter}" for letter in "abcdef"]
names = st.frozensets(st.sampled_from(NAMES))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def own(name: str) -> Grants:
    return Grants((f"{name}/x",), (f"{name}/#",))


def apply(kept: Kept, todo: rounds.Round) -> Kept:
    roles = {name: rules for name, rules in kept.roles.items() if name not in todo.forget}
    roles |= {role: acls(grants) for role, grants in todo.allow.items()}
    return Kept(kept.clients - todo.expel, roles)


@given(names, names, names, names)
def test_after_two_rounds_the_broker_holds_who_is_wanted_and_nobody_else(
    held: frozenset[str], roles: frozenset[str], live: frozenset[str], over: frozenset[str]
) -> None:
    wanted = Wanted({name: name for name in live}, {name: own(name) for name in live}, over - live)
    kept, doubtful = Kept(held, {name: [] for name in roles}), frozenset[str]()
    for _ in range(2):
        todo = compare(kept, wanted, doubtful)
        assert not todo.expel & live and not todo.forget & live
        kept, doubtful = apply(kept, todo), todo.doubtful
    assert kept.clients == held & live
    assert set(kept.roles) == live
    last = compare(kept, wanted, doubtful)
    assert not last.expel and not last.forget and not last.allow and last.lost == live - held


def test_who_is_known_to_be_over_goes_at_once_and_a_stranger_only_the_second_time() -> None:
    kept = Kept(frozenset({"device-a", "device-b"}), {})
    first = compare(kept, Wanted({}, {}, frozenset({"device-a"})), frozenset())
    assert first.expel == {"device-a"} and first.doubtful == {"device-b"}
    assert compare(kept, Wanted({"device-b": "r"}, {}), first.doubtful).expel == {"device-a"} & first.doubtful
    assert compare(kept, Wanted({}, {}), first.doubtful).expel == {"device-b"}


def test_rules_that_are_as_they_must_be_are_left_alone() -> None:
    wanted = Wanted({"u": "r"}, {"r": own("r"), "nobody's": own("n")})
    assert compare(Kept(frozenset({"u"}), {"r": acls(own("r"))}), wanted, frozenset()).allow == {}
    assert set(compare(Kept(frozenset({"u"}), {"r": acls(own("q"))}), wanted, frozenset()).allow) == {"r"}


def test_what_is_lost_is_an_alarm_that_names_some() -> None:
    assert rounds.conditions(frozenset()) == {}
    said = rounds.conditions(frozenset(NAMES))[rounds.ALARM]
    assert "6 accounts" in said and "device-a" in said and "device-f" not in said


@given(st.integers(1, 1000), st.floats(0, 1))
def test_retries_are_bounded(failures: int, luck: float) -> None:
    assert 0.5 * rounds.RETRY_S <= rounds.retry_s(failures, luck) <= rounds.RETRY_MAX_S
    assert rounds.rest_s(0) == rounds.EVERY_S and rounds.rest_s(2000) == 100.0


@given(st.binary(min_size=codes.CHANCE_BYTES, max_size=codes.CHANCE_BYTES))
def test_a_code_is_one_however_it_is_typed(chance: bytes) -> None:
    code = codes.code_of(chance)
    assert codes.is_code(code) and len(code) == 29 and code.count("-") == 5
    assert codes.plain(code.lower().replace("-", " ")) == codes.plain(code)
    assert codes.plain(code.replace("0", "O").replace("1", "l")) == codes.plain(code)
    assert codes.plain(code).startswith(codes.code_id(code)) and len(codes.code_id(code)) == codes.NAME_CHARS


@pytest.mark.parametrize("text", ["", "ABCD", "!" * 24, "A" * 23, "A" * 25])
def test_what_is_no_code(text: str) -> None:
    assert not codes.is_code(text)


def test_a_claim_in_a_word() -> None:
    claim = Claim(uuid4(), uuid4(), "ABCD", NOW, "user:ada", NOW + timedelta(minutes=1))
    assert claim.open(NOW) and claim.state(NOW) == "open"
    assert not claim.open(claim.expires_at) and claim.state(claim.expires_at) == "expired"
    facts = {name: getattr(claim, name) for name in claim.__dataclass_fields__}
    assert Claim(**{**facts, "device_id": uuid4()}).state(NOW) == "used"
    assert Claim(**{**facts, "revoked_at": NOW}).state(NOW) == "revoked"
    assert not Claim(**{**facts, "revoked_at": NOW}).open(NOW)
    registered = Claim(**{**facts, "registered_at": NOW})
    assert registered.state(NOW) == "registered" and not registered.open(NOW)


def test_a_credential_is_live_until_it_is_over() -> None:
    credential = Credential(uuid4(), uuid4(), "u", NOW, "user:ada", expires_at=NOW + timedelta(minutes=1))
    assert credential.live(NOW) and not credential.live(NOW + timedelta(minutes=1))
    facts = {name: getattr(credential, name) for name in credential.__dataclass_fields__}
    assert not Credential(**{**facts, "revoked_at": NOW}).live(NOW)
    assert Credential(**{**facts, "expires_at": None}).live(NOW)
    assert "hidden" not in repr(NewCredential(uuid4(), uuid4(), "u", "user:ada", "hidden"))
