"""Doorkeeper: the leaf that keeps the broker's accounts as the tables have them, and lets in devices that bring a claim code.

It is there where LICS has an account that changes accounts. Of several hosts' one is at work; all it knows is in the tables.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import aiomqtt

from config.settings import Settings
from drivers.protocol import Grants
from lics_actors.admission import rounds
from lics_actors.admission.accounts import claim_grants, claim_name, client_name, device_grants, rivals
from lics_actors.admission.claims import ClaimDesk
from lics_actors.admission.control import BrokerAccounts
from lics_actors.admission.desk import CredentialDesk
from lics_actors.admission.provisioning import Provisioner
from lics_actors.audit import AuditLog
from lics_actors.broker import tls_context
from lics_actors.device.messages import DeviceSpec
from lics_actors.errors import LicsError, StorageFullError
from lics_actors.fleet.messages import DeviceProvisioned, DoorkeeperSpec
from lics_actors.journal import JournalError, journal_path
from lics_actors.journal.alarms import AlarmJournal
from lics_actors.runtime.leaf import LeafActor
from lics_actors.store.repository import Repository

NAME: Final = "doorkeeper"
LOCK: Final = 0x6C696364  # advisory, for the session: one doorkeeper a database
PASS_S: Final = 1800.0
IDLE_S: Final = 10.0  # until another host's is looked for again

log = logging.getLogger(__name__)


class Doorkeeper(LeafActor):
    """Begins with a `DoorkeeperSpec`. Sends `DeviceProvisioned` for each device it has registered."""

    def __init__(self) -> None:
        super().__init__()
        self.word = "starting"
        self.failures = self.accounts = self.let_in = 0
        self._specs: dict[UUID, DeviceSpec] = {}
        self._alarms: AlarmJournal | None = None

    def begin(self, spec: object) -> None:
        """Start keeping."""
        assert isinstance(spec, DoorkeeperSpec)
        self.spec = spec
        self.start_loop()

    def state_word(self) -> str:
        """Return how it goes: keeping, idle (another host's keeps), waiting (broker or database are away)."""
        return self.word

    def stats(self) -> Mapping[str, float]:
        """Return how many accounts there are, and how many devices were let in."""
        return {"broker_accounts": float(self.accounts), "devices_provisioned": float(self.let_in)}

    def on_events(self, events: list[object]) -> None:
        """Tell the fleet of new devices; wake, so that operators see the word that changed."""
        for event in events:
            if isinstance(event, DeviceSpec):
                self.let_in += 1
                self.send(self.supervisor, DeviceProvisioned(event))

    async def run(self) -> None:
        """Keep until stopped."""
        repository: Repository | None = None
        try:
            while True:
                try:
                    repository = repository or await Repository.connect(self.spec.database_url, pool_size=2, max_overflow=1)
                    async with _alone(repository) as ours:
                        if ours:
                            await self._keep(repository)
                    self._say("idle")
                    rest = IDLE_S
                except (LicsError, aiomqtt.MqttError, OSError, ValueError, TimeoutError) as error:
                    self.failures += 1
                    rest = rounds.retry_s(self.failures, random.random())  # noqa: S311 - spreads attempts, guards nothing
                    self._say("waiting")
                    log.warning("the doorkeeper has to wait", extra={"reason": str(error), "seconds": round(rest, 1)})
                await asyncio.sleep(rest)
        finally:
            if self._alarms is not None:
                self._alarms.close()
            if repository is not None:
                await repository.close()

    async def _keep(self, repository: Repository) -> None:
        """Keep and listen for a while; whatever goes wrong ends both."""
        audit = AuditLog(Settings(data_dir=Path(self.spec.data_dir)))
        accounts = BrokerAccounts(self.spec.control)
        prefix = self.spec.broker.prefix
        desk, claims = CredentialDesk(repository, audit, accounts, prefix), ClaimDesk(repository, audit, accounts, prefix)
        works = [
            asyncio.create_task(self._rounds(repository, accounts)),
            asyncio.create_task(self._listen(desk, claims, audit)),
        ]
        try:
            done, _ = await asyncio.wait(works, timeout=PASS_S - 60, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            audit.close()

    async def _rounds(self, repository: Repository, accounts: BrokerAccounts) -> None:
        doubtful: frozenset[str] = frozenset()
        while True:
            kept = await accounts.kept()
            wanted = await self._wanted(repository, kept.clients)
            todo = rounds.compare(kept, wanted, doubtful)
            if todo.expel or todo.forget:
                log.warning("accounts that are over are taken from the broker", extra={"usernames": sorted(todo.expel)})
                await accounts.expel(todo.expel, todo.forget)
            for role, grants in todo.allow.items():
                if not self._anothers(role, grants):
                    await accounts.allow(role, grants)
            doubtful, self.failures, self.accounts = todo.doubtful, 0, len(kept.clients)
            self._alarm(rounds.conditions(todo.lost))
            self._say("keeping")
            await asyncio.sleep(rounds.rest_s(len(kept.roles)))

    async def _wanted(self, repository: Repository, kept: frozenset[str]) -> rounds.Wanted:
        prefix = self.spec.broker.prefix
        live = await repository.live_credentials()
        claims = await repository.open_claims()
        specs = self._specs = {each.device_id: each for each in await repository.device_specs()}
        roles = {name: client_name(prefix, device_id) for name, device_id in live.items()}
        rules = {client_name(prefix, each): grants for each in live.values() if (grants := self._grants(specs, each)) is not None}
        for claim in claims:
            name = claim_name(prefix, claim.code_id)
            roles[name], rules[name] = name, claim_grants(prefix, claim.code_id)
        over = await repository.known_usernames(kept - roles.keys())
        return rounds.Wanted(roles, rules, frozenset(over))

    def _anothers(self, role: str, grants: Grants) -> bool:
        """Return whether a device's settings claim another's topics since they were changed; then its rules stay as they were."""
        for other, topic in rivals(role, grants, self._specs.values(), self.spec.broker.prefix):
            log.warning("a device claims another's topics", extra={"role": role, "topic": topic, "other": other.name})
            return True
        return False

    def _grants(self, specs: Mapping[UUID, DeviceSpec], device_id: UUID) -> Grants | None:
        """Return what a device is granted; one that is about to be registered speaks the native contract."""
        spec = specs.get(device_id) or DeviceSpec(device_id, "", "other", "native", {})
        return device_grants(spec, self.spec.broker.prefix)

    async def _listen(self, desk: CredentialDesk, claims: ClaimDesk, audit: AuditLog) -> None:
        """Take what new devices say, until the connection ends."""
        broker = self.spec.broker
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=f"{broker.prefix}lics-{NAME}",
            tls_context=tls_context(broker),
            max_queued_incoming_messages=1000,
        )

        async def publish(topic: str, payload: bytes) -> None:
            await client.publish(topic, payload, qos=1)

        provisioner = Provisioner(desk, claims, audit, prefix=broker.prefix, publish=publish, tell=self.post)
        await provisioner.recall()
        async with client:
            await client.subscribe([(each, 1) for each in provisioner.filters()])
            async for message in client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                expected = await provisioner.heard(message.topic.value, payload)
                if expected is not None:
                    await client.subscribe(provisioner.described_topic(expected), qos=1)

    def _say(self, word: str) -> None:
        if word != self.word:
            self.word = word
            self.post(word)

    def _alarm(self, conditions: Mapping[str, str]) -> None:
        """Journal which alarms stand; where the disk takes nothing, the next round tells them."""
        try:
            self._alarms = self._alarms or AlarmJournal(journal_path(Path(self.spec.journal_dir), NAME), NAME)
        except (StorageFullError, JournalError) as error:
            log.warning("alarms cannot be journalled", extra={"reason": error.message})
            return
        told = self._alarms.standing
        self._alarms.tell(conditions)
        if self._alarms.standing != told:
            self._alarms.trim()


@asynccontextmanager
async def _alone(repository: Repository) -> AsyncIterator[bool]:
    """Give whether no other host's doorkeeper is at work, for at most PASS_S."""
    async with repository.raw(PASS_S) as connection:
        yield bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK))
