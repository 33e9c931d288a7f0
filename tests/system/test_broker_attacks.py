"""Somebody with the stolen credentials of device A: what he may at the broker is what A may, on both brokers."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from contextlib import suppress
from dataclasses import replace

import aiomqtt
import pytest

from drivers.protocol import Grants
from lics_actors.admission.control import TOPIC, BrokerAccounts
from lics_actors.admission.errors import BrokerAccountsError
from tests.system.guarded import Guarded, cut_off, granted, heard_until, refused, thief_and_ear

END = "devices/the-end/telemetry"


async def test_nobody_comes_in_without_credentials_or_with_wrong_ones(guarded: Guarded) -> None:
    badge = await guarded.device()
    for username, password, client_id in (
        (None, None, badge.client_id),
        (badge.username, None, badge.client_id),
        (badge.username, "", badge.client_id),
        (badge.username, badge.password[:-1], badge.client_id),
        ("", badge.password, badge.client_id),
        ("lics", badge.password, badge.client_id),
        (badge.username + "\u0000", badge.password, badge.client_id),
    ):
        with suppress(ValueError):  # paho itself refuses a password without a name, and NUL
            client = guarded.client(badge, client_id=client_id, timeout=1.0)  # a broken packet is not answered
            client._client.username_pw_set(username, password)
            assert await refused(client), (username, client_id)
    assert not await refused(guarded.client(badge))


async def test_a_cannot_be_b_for_the_broker(guarded: Guarded) -> None:
    """Client-id theft: whoever takes over B's session would have B cut off, and get what waits for B."""
    a, b = await guarded.device(), await guarded.device()
    async with guarded.client(b, clean_session=False) as victim:
        assert await granted(victim, f"{b.base}commands")
        for name in (b.client_id, "", "lics-recorder", f"lics-device-{b.device_id}", a.client_id.upper(), a.client_id + "x"):
            thief = guarded.client(a, client_id=name or "x")
            thief._client._client_id = name.encode()
            assert await refused(thief), name
        async with guarded.client() as lics:
            await lics.publish(f"{b.base}commands", b"still here", qos=1)
        assert (await heard_until(victim, f"{b.base}commands"))[-1][1] == b"still here"
    async with guarded.client() as lics:  # B is away: what waits for it stays for it
        await lics.publish(f"{b.base}commands", b"kept", qos=1)
    assert await refused(guarded.client(a, client_id=b.client_id, clean_session=False))
    assert await refused(guarded.client(a, client_id=b.client_id, clean_session=True))
    async with guarded.client(b, clean_session=False) as victim:
        assert (await heard_until(victim, f"{b.base}commands"))[-1][1] == b"kept"


@pytest.mark.parametrize("retain", [False, True])
async def test_what_a_publishes_in_anothers_name_reaches_nobody(guarded: Guarded, retain: bool) -> None:
    a, b = await guarded.device(), await guarded.device()
    foreign = [
        *(f"{b.base}{leaf}" for leaf in ("telemetry", "events", "status", "describe", "commands/ack", "commands", "lease")),
        *(f"{a.base}{leaf}" for leaf in ("commands", "lease", "telemetry/more", "")),  # its own, but not its to say
        *("experiments/1/events", "provision/x/credentials", "devices", "lics/doctor", f"{a.base}../{b.device_id}/telemetry"),
    ]
    async with thief_and_ear(guarded, a) as (thief, ear):
        for topic in foreign:
            await thief.publish(topic, b"forged", qos=1, retain=retain)
        await thief.publish(f"{a.base}telemetry", b"mine", qos=1, retain=retain)
        assert await heard_until(ear, f"{a.base}telemetry") == [(f"{a.base}telemetry", b"mine")]
    async with guarded.client() as later:
        assert await granted(later, "#")
        await later.publish(END, b"", qos=1)
        assert {topic for topic, _ in await heard_until(later, END)} <= {END, f"{a.base}telemetry"}


@pytest.mark.parametrize("topic", ["$SYS/broker/version", TOPIC, "$share/g/devices/x", "$CONTROL/x"])
async def test_what_belongs_to_the_broker_is_not_a_devices_to_say(guarded: Guarded, topic: str) -> None:
    a = await guarded.device()
    order = json.dumps({"commands": [{"command": "createClient", "username": "mallory", "password": "m"}]})
    async with guarded.client(a, timeout=0.5) as thief:
        with suppress(aiomqtt.MqttError):  # the connection ends without a PUBACK, or is silent
            await thief.publish(topic, order, qos=1)
    assert (await guarded.accounts.carry_out([{"command": "listClients"}]))[0]["data"]["totalCount"] == 3
    with pytest.raises(BrokerAccountsError):
        await asyncio.wait_for(BrokerAccounts(replace(guarded.spec, username=a.username, password=a.password)).kept(), 10)
    with pytest.raises(BrokerAccountsError):  # nor LICS's own sessions
        await asyncio.wait_for(BrokerAccounts(guarded.spec).kept(), 10)


async def test_a_hears_its_own_and_nothing_else(guarded: Guarded) -> None:
    a, b = await guarded.device(), await guarded.device()
    beyond = [
        *("#", "+/#", "/#", "devices/#", "devices/+/#", "+/+/commands", "devices/+/commands", f"+/{a.device_id}/#"),
        *(f"{b.base}#", f"{b.base}commands", f"{b.base}+", f"{a.base[:-1]}x/#", f"{a.base[:-2]}/#"),
        *("$SYS/#", "$SYS/broker/version", "$CONTROL/#", f"{TOPIC}/response", "$share/g/#", f"$share/g/{b.base}commands"),
        *(f"$share/{a.base}#", "$share/g/devices/#", "provision/#", "experiments/#", "+", "+/+/+"),
    ]
    async with guarded.client() as lics, guarded.client(a) as thief:
        await lics.publish(f"{b.base}status", b"retained secret", qos=1, retain=True)
        for topic_filter in beyond:
            assert not await granted(thief, topic_filter), topic_filter
        assert await granted(thief, f"{a.base}#") and await granted(thief, f"{a.base}commands")
        await lics.publish(f"{b.base}commands", b"secret", qos=1)
        await lics.publish(f"{a.base}lease", b"mine", qos=1)
        assert {topic for topic, _ in await heard_until(thief, f"{a.base}lease")} == {f"{a.base}lease"}


async def test_overlapping_filters_of_one_subscribe_are_judged_one_by_one(guarded: Guarded) -> None:
    a, b = await guarded.device(), await guarded.device()
    async with guarded.client() as lics, guarded.client(a) as thief:
        asked = [(f"{a.base}#", 1), ("#", 1), (f"{b.base}commands", 0), (f"{a.base}commands", 1), ("devices/+/lease", 1)]
        codes = [code if isinstance(code, int) else int(code.value) for code in await thief.subscribe(asked)]
        assert [code < 128 for code in codes] == [True, False, False, True, False]
        for topic in (f"{b.base}commands", f"{b.base}lease", f"{a.base}lease"):
            await lics.publish(topic, b"x", qos=1)
        assert {topic for topic, _ in await heard_until(thief, f"{a.base}lease")} == {f"{a.base}lease"}


async def test_a_last_will_says_nothing_in_anothers_name(guarded: Guarded) -> None:
    a, b = await guarded.device(), await guarded.device()
    async with guarded.client() as ear:
        assert await granted(ear, "#")
        for topic in (f"{b.base}status", f"{b.base}commands", TOPIC, "$SYS/broker/version", f"{a.base}status"):
            client = guarded.client(a, will=aiomqtt.Will(topic, b"last will", 1, retain=True))
            with suppress(aiomqtt.MqttError):  # refused at once, or when it is due
                async with client:
                    plug = client._client.socket()
                    assert isinstance(plug, socket.socket)
                    plug.shutdown(socket.SHUT_RDWR)
                    await cut_off(client)
        assert await heard_until(ear, f"{a.base}status") == [(f"{a.base}status", b"last will")]


async def test_a_revoked_credential_is_cut_off_at_once_and_others_stay(guarded: Guarded) -> None:
    a, b = await guarded.device(), await guarded.device()
    async with (
        guarded.client(b) as other,
        guarded.client(a) as gone,
    ):
        assert await granted(other, f"{b.base}commands")
        await guarded.accounts.expel([a.username])
        assert await cut_off(gone)
        assert await refused(guarded.client(a))
        async with guarded.client() as lics:
            await lics.publish(f"{b.base}commands", b"go on", qos=1)
        assert await heard_until(other, f"{b.base}commands")
    await guarded.accounts.expel([a.username, "nobody"])  # again is no fault


async def test_another_grant_holds_for_sessions_that_stand(guarded: Guarded) -> None:
    """A device that gets another prefix hears nothing under the old one, though it stays subscribed."""
    a = await guarded.device()
    async with guarded.client() as lics, guarded.client(a) as device:
        assert await granted(device, f"{a.base}#")
        moved = Grants((), (f"{a.base}lease",))
        await guarded.accounts.allow(a.client_id, moved)
        for topic in (f"{a.base}commands", f"{a.base}lease"):
            await lics.publish(topic, b"x", qos=1)
        assert await heard_until(device, f"{a.base}lease") == [(f"{a.base}lease", b"x")]


async def test_accounts_and_rules_outlive_the_broker(guarded: Guarded) -> None:
    a, b = await guarded.device(), await guarded.device()
    await guarded.accounts.expel([b.username])
    kept = await guarded.accounts.kept()
    assert kept.clients == {a.username} and set(kept.roles) == {a.client_id, b.client_id}
    guarded.server.kill()
    await guarded.server.ended()
    await guarded.server.start()
    assert await guarded.accounts.kept() == kept
    assert not await refused(guarded.client(a)) and await refused(guarded.client(b))
    async with guarded.client(a) as device:
        assert not await granted(device, "#") and await granted(device, f"{a.base}commands")
    assert guarded.server.accounts_file.stat().st_mode & 0o077 == 0
    text = guarded.server.accounts_file.read_text()
    assert a.password not in text and guarded.spec.password not in (None, "") and str(guarded.spec.password) not in text


async def test_a_damaged_file_of_accounts_lets_nobody_in_but_lics(guarded: Guarded) -> None:
    a = await guarded.device()
    await guarded.server.stop()
    guarded.server.accounts_file.write_text('{"clients": [')
    await guarded.server.start()
    assert await refused(guarded.client(a)) and not await refused(guarded.client())
    assert guarded.server.accounts_file.with_suffix(".damaged").exists()


async def test_an_mqtt_io_device_has_its_own_prefix_and_none_that_lies_below(guarded: Guarded) -> None:
    outer = await guarded.device("mqtt_io", topic_prefix="rack", outputs={"valve": {}}, inputs={"beam": {}}, streams={"rfid": {}})
    await guarded.device("mqtt_io", topic_prefix="rack/cage", outputs={"valve": {}})
    async with thief_and_ear(guarded, outer) as (thief, ear):
        for topic_filter in ("rack/#", "rack/cage/output/valve/set", "rack/+/valve/set", "rack/cage/#"):
            assert not await granted(thief, topic_filter), topic_filter
        for topic in ("rack/output/valve/set", "rack/output/valve/set_on_ms", "rack/stream/rfid/send"):
            assert await granted(thief, topic), topic
        for topic in ("rack/cage/output/valve", "rack/output/valve/set", "rack/stream/other"):
            await thief.publish(topic, b"forged", qos=1)
        for topic in ("rack/output/valve", "rack/input/beam", "rack/stream/rfid", "rack/status"):
            await thief.publish(topic, b"own", qos=1)
        assert {topic for topic, _ in await heard_until(ear, "rack/status")} == {
            *("rack/output/valve", "rack/input/beam", "rack/stream/rfid", "rack/status")
        }


async def test_refused_commands_change_nothing_and_say_so(guarded: Guarded) -> None:
    a = await guarded.device()
    before = await guarded.accounts.kept()
    again = {"command": "createClient", "username": a.username, "password": secrets.token_hex(), "roles": []}
    unknown = {"command": "createClient", "username": "new", "password": "p", "roles": [{"rolename": "none"}]}
    for command in (again, unknown, {"command": "launchMissiles"}, {"command": "deleteRole", "rolename": "none"}):
        with pytest.raises(BrokerAccountsError):
            await guarded.accounts.carry_out([command])
    assert await guarded.accounts.kept() == before and not await refused(guarded.client(a))
