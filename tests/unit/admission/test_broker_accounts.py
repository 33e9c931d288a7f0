"""Accounts at the broker: secrets, names, rules, and the file that both brokers start with."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import Grants
from drivers.topics import covers, overlap
from lics_actors.admission import accounts
from lics_actors.admission.accounts import RECEIVE, SEND, SUBSCRIBE, Secret, hashed
from lics_actors.device.messages import DeviceSpec

SALT = b"twelve bytes"
SECRETS = {accounts.OWN: hashed("own", SALT), accounts.CONTROL: hashed("control", SALT)}
prefixes = st.sampled_from(["", "labs/a/", "labs/b/"])


def native(prefix: str) -> tuple[DeviceSpec, Grants]:
    spec = DeviceSpec(uuid4(), "pump", "pump", "native", {})
    grants = accounts.device_grants(spec, prefix)
    assert grants is not None
    return spec, grants


def test_a_hash_is_mosquittos() -> None:
    """Made by `mosquitto_passwd`'s way: PBKDF2-HMAC-SHA512, 101 rounds, 64 bytes; hashlib's own known answer."""
    import hashlib

    secret = hashed("wörd", SALT)
    assert secret.hash == hashlib.pbkdf2_hmac("sha512", "wörd".encode(), SALT, 101, 64)
    assert secret.text.startswith("$7$101$") and secret.text.count("$") == 4
    assert "hash" not in repr(secret) and "salt" not in repr(secret)


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_only_the_secret_is_the_secret(word: str, other: str) -> None:
    made = hashed(word.encode("utf-8", "ignore").decode(), SALT)
    usable = other.encode("utf-8", "ignore").decode()
    assert made.is_of(usable) is (usable == word.encode("utf-8", "ignore").decode())


@given(st.binary(min_size=1, max_size=64), st.binary(min_size=1, max_size=16), st.integers(1, 10_000))
def test_an_account_is_read_as_it_was_written(digest: bytes, salt: bytes, rounds: int) -> None:
    secret = Secret(digest, salt, rounds)
    assert accounts.secret_of(accounts.account("u", secret, "r", "c")) == secret


@pytest.mark.parametrize(
    "found", [{}, {"password": "???"}, {"password": "YQ==", "salt": "YQ==", "iterations": "x"}, {"password": 1}]
)
def test_what_is_no_secret_is_none(found: dict[str, Any]) -> None:
    assert accounts.secret_of(found) is None


@given(prefixes, prefixes)
def test_no_two_devices_share_a_topic_whatever_their_laboratory(mine: str, yours: str) -> None:
    (_, one), (_, other) = native(mine), native(yours)
    assert accounts.shared(one, other) is None
    assert accounts.shared(one, one) is not None


@given(prefixes)
def test_a_device_is_granted_its_own_subtree_and_nothing_of_the_house(prefix: str) -> None:
    spec, grants = native(prefix)
    base = f"{prefix}devices/{spec.device_id}/"
    assert all(each.startswith(base) for each in (*grants.publish, *grants.subscribe))
    assert f"{base}commands" not in grants.publish and f"{base}lease" not in grants.publish
    assert not any(overlap(each, f"{prefix}experiments/#") for each in grants.publish)
    claim = accounts.claim_grants(prefix, "ABCD")
    assert accounts.shared(grants, claim) is None
    assert accounts.shared(claim, accounts.claim_grants(prefix, "ABCE")) is None


@pytest.mark.parametrize("reserved", ["devices", "devices/x", "experiments/r", "provision", "lics"])
def test_no_mqtt_io_device_lives_among_lics_own_topics(reserved: str) -> None:
    from drivers.mqtt_io.settings import MqttIoSettings

    with pytest.raises(ValueError, match="belongs to LICS"):
        MqttIoSettings.model_validate({"topic_prefix": reserved})


def test_two_mqtt_io_devices_of_one_prefix_are_found_out() -> None:
    settings = {"topic_prefix": "rack", "outputs": {"valve": {}}}
    one, other = (accounts.device_grants(DeviceSpec(uuid4(), "c", "controller", "mqtt_io", settings), "") for _ in range(2))
    assert one is not None and other is not None and accounts.shared(one, other) == "rack/status"


def test_only_who_shares_a_topic_is_a_rival() -> None:
    def wired(prefix: str) -> DeviceSpec:
        return DeviceSpec(uuid4(), prefix, "controller", "mqtt_io", {"topic_prefix": prefix, "outputs": {"valve": {}}})

    mine, twin, stranger, native_one = wired("rack"), wired("rack"), wired("shelf"), native("")[0]
    grants = accounts.device_grants(mine, "")
    assert grants is not None
    others = (mine, native_one, stranger, twin)
    found = list(accounts.rivals(accounts.client_name("", mine.device_id), grants, others, ""))
    assert [each for each, _ in found] == [twin]
    assert found[0][1].startswith("rack/")


def test_rules_grant_and_nothing_is_granted_by_default() -> None:
    rules = accounts.acls(Grants(("a/b",), ("a/#",)))
    assert {(each["acltype"], each["topic"]) for each in rules} == {(SEND, "a/b"), (RECEIVE, "a/#"), (SUBSCRIBE, "a/#")}
    assert accounts.same_rules(rules, list(reversed(rules))) and not accounts.same_rules(rules, rules[1:])
    assert not any(accounts.DEFAULTS[each] for each in (SEND, RECEIVE, "subscribe"))


@given(prefixes)
def test_lics_own_accounts_keep_to_their_business(prefix: str) -> None:
    roles = accounts.own_roles(prefix)
    for name, foreign in ((accounts.OWN, "$CONTROL/dynamic-security/v1"), (accounts.CONTROL, f"{prefix}devices/x/telemetry")):
        assert not any(covers(rule["topic"], foreign) for rule in roles[f"{prefix}{name}"])
    assert any(covers(rule["topic"], f"{prefix}devices/x/commands") for rule in roles[f"{prefix}{accounts.OWN}"])


@given(prefixes)
def test_the_file_keeps_what_it_held_and_has_ours_as_they_are_now(prefix: str) -> None:
    theirs = {"username": "device-1", "roles": [{"rolename": "device-1"}]}
    old = {"username": accounts.OWN, "password": "old"}
    loose = {"publishClientReceive": True}
    document = {"defaultACLAccess": loose, "clients": [theirs, old, 7], "roles": [{"rolename": "device-1", "acls": []}], "x": 1}
    made = accounts.with_own_accounts(document, SECRETS, prefix)
    assert made["defaultACLAccess"] == accounts.DEFAULTS and made["x"] == 1
    assert theirs in made["clients"] and old not in made["clients"]
    assert {each["username"] for each in made["clients"]} == {"device-1", *SECRETS}
    assert {each["rolename"] for each in made["roles"]} == {"device-1", *accounts.own_roles(prefix)}
    assert accounts.with_own_accounts(made, SECRETS, prefix) == made
    assert accounts.with_own_accounts({}, SECRETS, prefix)["groups"] == []


def test_names_say_whose_they_are() -> None:
    device_id = uuid4()
    for prefix, other in (("", "labs/a/"), ("labs/a/", "")):
        names = (accounts.client_name(prefix, device_id), accounts.claim_name(prefix, "AB"))
        assert all(accounts.is_ours(prefix, each) and not accounts.is_ours(other, each) for each in names)
        assert not accounts.is_ours(prefix, accounts.OWN) and not accounts.is_ours(prefix, accounts.CONTROL)


def test_a_driver_that_cannot_say_grants_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "driver", lambda _name: object())
    assert accounts.device_grants(DeviceSpec(uuid4(), "x", "other", "odd", {}), "") is None
