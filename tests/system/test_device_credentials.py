"""Devices' credentials through the desk: tables and a real broker, of both kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from config.settings import Settings
from drivers.native.simulator import ClaimRefusedError, present
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.admission.accounts import client_name
from lics_actors.admission.claims import ClaimDesk
from lics_actors.admission.control import BrokerAccounts
from lics_actors.admission.desk import CredentialDesk, Issued
from lics_actors.admission.doorkeeper import Doorkeeper
from lics_actors.admission.errors import BrokerAccountsError, BrokerNotKeptError, SharedTopicsError, TooManyCredentialsError
from lics_actors.admission.setup import set_up
from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import DeviceNotEnabledError, DeviceNotFoundError
from lics_actors.fleet.messages import DoorkeeperSpec
from lics_actors.store.credentials import MAX_LIVE
from lics_actors.store.repository import DeviceRow, NewDevice, Repository
from tests.system.guarded import Badge, Guarded, cut_off, granted, refused
from tests.waiting import eventually

ADA = Asker("user:ada", "rest")


@asynccontextmanager
async def tables(database_url: str) -> AsyncIterator[Repository]:
    repository = await Repository.connect(database_url)
    try:
        yield repository
    finally:
        await repository.close()


def desk_of(repository: Repository, guarded: Guarded | None, data_dir: Path) -> CredentialDesk:
    accounts = None if guarded is None else guarded.accounts
    return CredentialDesk(repository, AuditLog(Settings(data_dir=data_dir)), accounts, "")


async def device(repository: Repository, name: str = "pump", driver: str = "native", **settings: object) -> DeviceRow:
    return await repository.create_device(NewDevice(name=name, type="other", driver=driver, principal="t", settings=settings))


def written_somewhere(folder: Path, word: str) -> bool:
    return any(word.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def badge(issued: Issued) -> Badge:
    device_id = issued.credential.device_id
    return Badge(device_id, issued.client_id, issued.credential.username, issued.password, f"devices/{device_id}/")


async def test_issued_credentials_let_in_to_what_is_ones_own_and_are_kept_hashed(
    guarded: Guarded, database_url: str, data_dir: Path
) -> None:
    async with tables(database_url) as repository:
        row = await device(repository)
        issued = await desk_of(repository, guarded, data_dir).issue(ADA, row.id)
        async with guarded.client(badge(issued)) as client:
            assert await granted(client, f"devices/{row.id}/commands") and not await granted(client, "#")
        async with repository.raw(5) as connection:
            kept = await connection.fetchrow("SELECT * FROM device_credential")
        assert issued.password not in str(dict(kept)) and issued.password not in repr(issued)
        assert kept["secret_hash"].startswith("$7$") and kept["created_by"] == ADA.principal
        assert [each.username for each in await repository.credentials(row.id)] == [issued.credential.username]
    assert not written_somewhere(data_dir, issued.password)


async def test_rotating_cuts_the_old_ones_off_or_lets_them_run_out(guarded: Guarded, database_url: str, data_dir: Path) -> None:
    async with tables(database_url) as repository:
        desk, row = desk_of(repository, guarded, data_dir), await device(repository)
        first = badge(await desk.issue(ADA, row.id))
        async with guarded.client(first) as old:
            second = badge(await desk.rotate(ADA, row.id, timedelta(0), "yearly"))
            assert await cut_off(old)
        assert await refused(guarded.client(first)) and not await refused(guarded.client(second))
        third = badge(await desk.rotate(ADA, row.id, timedelta(hours=1)))
        assert not await refused(guarded.client(second)) and not await refused(guarded.client(third))
        newest, middle, oldest = await repository.credentials(row.id)
        assert newest.expires_at is None and middle.expires_at is not None and middle.revoked_at is None
        assert oldest.revoked_at is not None and oldest.reason == "rotated"


async def test_revoking_is_for_one_or_for_all_and_again_is_no_fault(guarded: Guarded, database_url: str, data_dir: Path) -> None:
    async with tables(database_url) as repository:
        desk, row = desk_of(repository, guarded, data_dir), await device(repository)
        first, second = await desk.issue(ADA, row.id), await desk.issue(ADA, row.id)
        async with guarded.client(badge(first)) as client:
            done = await desk.revoke(ADA, row.id, first.credential.id, "stolen")
            assert await cut_off(client) and not done.pending
        assert (await desk.revoke(ADA, row.id, first.credential.id, None)).credentials[0].reason == "stolen"
        assert not await refused(guarded.client(badge(second)))
        assert len((await desk.revoke(ADA, row.id, None, None)).credentials) == 1
        assert await refused(guarded.client(badge(second)))
        assert await repository.live_credentials() == {}


async def test_nothing_is_issued_that_the_broker_does_not_know_and_what_is_revoked_stays_so(
    guarded: Guarded, database_url: str, data_dir: Path
) -> None:
    async with tables(database_url) as repository:
        desk, row = desk_of(repository, guarded, data_dir), await device(repository)
        issued = await desk.issue(ADA, row.id)
        await guarded.server.stop()
        with pytest.raises(BrokerAccountsError):
            await desk.issue(ADA, row.id)
        assert len(await repository.credentials(row.id)) == 1
        assert (await desk.revoke(ADA, row.id, None, None)).pending
        assert not (await repository.credentials(row.id))[0].live(issued.credential.created_at)


async def test_what_may_not_be_issued_is_refused_and_leaves_no_account(
    guarded: Guarded, database_url: str, data_dir: Path
) -> None:
    async with tables(database_url) as repository:
        desk, row = desk_of(repository, guarded, data_dir), await device(repository)
        with pytest.raises(DeviceNotFoundError):
            await desk.issue(ADA, uuid4())
        for _ in range(MAX_LIVE):
            await desk.issue(ADA, row.id)
        with pytest.raises(TooManyCredentialsError):
            await desk.issue(ADA, row.id)
        assert len((await guarded.accounts.kept()).clients) == MAX_LIVE
        twin = await device(repository, "one", "mqtt_io", topic_prefix="rack")
        other = await device(repository, "two", "mqtt_io", topic_prefix="rack")
        below = await device(repository, "three", "mqtt_io", topic_prefix="rack/status")
        for each in (twin, other):
            with pytest.raises(SharedTopicsError):
                await desk.issue(ADA, each.id)
        await desk.issue(ADA, below.id)
        await repository.retire_device(below.id, expected_version=None, principal="t")
        with pytest.raises(DeviceNotEnabledError):
            await desk.issue(ADA, below.id)
        assert len((await guarded.accounts.kept()).clients) == MAX_LIVE + 1
        with pytest.raises(BrokerNotKeptError):
            await desk_of(repository, None, data_dir).issue(ADA, row.id)


async def test_many_at_once_get_their_own(guarded: Guarded, database_url: str, data_dir: Path) -> None:
    async with tables(database_url) as repository:
        desk = desk_of(repository, guarded, data_dir)
        rows = [await device(repository, f"pump {n}") for n in range(8)]
        issued = await asyncio.gather(*(desk.issue(ADA, row.id) for row in rows))
        assert not any(await asyncio.gather(*(refused(guarded.client(badge(each))) for each in issued)))
        assert (await guarded.accounts.kept()).clients == {each.credential.username for each in issued}
        assert set((await guarded.accounts.kept()).roles) == {client_name("", row.id) for row in rows}


async def test_setting_up_a_broker_again_changes_nothing_but_passwords(guarded: Guarded) -> None:
    """An administrator's account is LICS's control account here; both brokers take the same commands."""
    a = await guarded.device()
    words = {"lics": ("lics", "p" * 40), "lics-control": ("other-control", "q" * 40)}
    for _ in range(2):
        await set_up(guarded.accounts, words, "")
    assert await refused(guarded.client())
    own = Badge(a.device_id, "any", "lics", "p" * 40, "")
    async with guarded.client(own) as client:
        assert await granted(client, "#")
    assert not await refused(guarded.client(a))

    kept = await BrokerAccounts(replace(guarded.control, username="other-control", password="q" * 40)).kept()
    assert kept.clients == {a.username}


async def test_a_claim_code_opens_nothing_but_its_own_door(guarded: Guarded, database_url: str, data_dir: Path) -> None:
    async with tables(database_url) as repository:
        desk = ClaimDesk(repository, AuditLog(Settings(data_dir=data_dir)), guarded.accounts, "")
        (mine, code), (other, other_code) = await desk.new(ADA, DEFAULT_LABORATORY), await desk.new(ADA, DEFAULT_LABORATORY)
        name = f"claim-{mine.code_id}"
        thief = Badge(mine.id, name, name, code.replace("-", ""), "")
        plain = replace(guarded.spec, username=None, password=None)
        async with guarded.client(thief) as client:
            beyond = ("#", "provision/#", "provision/+/credentials", f"provision/{other.code_id}/credentials", "devices/#")
            assert [each for each in beyond if await granted(client, each)] == []
            await client.publish(f"provision/{other.code_id}/request", b"{}", qos=1)
            assert (await repository.claim(other.id)).device_id is None
            await desk.revoke(ADA, mine)
            assert await cut_off(client)
        for word in (code, other_code[:-1] + ("0" if other_code[-1] != "0" else "1"), "no code at all"):
            with pytest.raises(ClaimRefusedError):
                await present(plain, word, 3.0)
        async with repository.raw(5) as connection:
            rows = await connection.fetch("SELECT code_hash FROM device_claim")
        assert all(row["code_hash"].startswith("$7$") for row in rows)
        assert not written_somewhere(data_dir, code) and not written_somewhere(data_dir, code.replace("-", ""))


async def test_settings_that_are_changed_to_anothers_topics_gain_nothing(
    guarded: Guarded, database_url: str, data_dir: Path
) -> None:
    """The Doorkeeper mends rules after a device's settings; its loop runs here, without the actor around it."""
    async with tables(database_url) as repository:
        desk = desk_of(repository, guarded, data_dir)
        victim = await device(repository, "victim", "mqtt_io", topic_prefix="rack", outputs={"valve": {}})
        thief = await device(repository, "thief", "mqtt_io", topic_prefix="mine", outputs={"valve": {}})
        stolen = badge(await desk.issue(ADA, thief.id))
        keeper = Doorkeeper()
        keeper.spec = DoorkeeperSpec(database_url, guarded.spec, guarded.control, str(data_dir), str(data_dir))
        keeping = asyncio.create_task(keeper._rounds(repository, guarded.accounts))
        try:
            changed = {"topic_prefix": "rack", "outputs": {"valve": {}}}
            await repository.update_device(thief.id, {"settings": changed}, expected_version=None, principal="t")
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            keeper.word = "starting"
            keeping = asyncio.create_task(keeper._rounds(repository, guarded.accounts))
            await eventually(lambda: keeper.word == "keeping")
            async with guarded.client(stolen) as client:
                assert not await granted(client, "rack/output/valve/set") and await granted(client, "mine/output/valve/set")
            await repository.retire_device(victim.id, expected_version=None, principal="t")
            keeping.cancel()
            keeping = asyncio.create_task(keeper._rounds(repository, guarded.accounts))
            await eventually(lambda: moved(guarded, stolen))
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def moved(guarded: Guarded, to: Badge) -> bool:
    async with guarded.client(to) as client:
        return await granted(client, "rack/output/valve/set") and not await granted(client, "mine/output/valve/set")
