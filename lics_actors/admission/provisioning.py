"""How a device that nobody knows becomes the laboratory's: it shows a claim code, is given credentials, describes itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from drivers.errors import DecodeError
from drivers.native.codec import DESCRIBE, NATIVE, device_base
from drivers.protocol import Described, DeviceRef, Received
from lics_actors.admission.accounts import PROVISION
from lics_actors.admission.claims import ClaimDesk
from lics_actors.admission.desk import CredentialDesk, facts
from lics_actors.admission.rows import Claim
from lics_actors.audit import Asker, AuditLog
from lics_actors.device.messages import DeviceSpec
from lics_actors.errors import ConflictError, LicsError
from lics_actors.store.registration import DEVICE_TYPES
from lics_actors.store.repository import Repository
from lics_actors.store.rows import DeviceRow, NewDevice

GRACE: Final = timedelta(minutes=10)  # to describe itself, after the code is over
AGAIN_S: Final = 60.0  # a device that asks again so soon is told the same: its first answer, or its question, came twice
MAX_TOLD: Final = 1000
MAX_REQUEST_BYTES: Final = 4096

Publish = Callable[[str, bytes], Awaitable[None]]
Tell = Callable[[DeviceSpec], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    answer: bytes
    at: datetime


class Provisioner:
    """`publish` sends a message at QoS 1; `tell` hears of each device that is registered."""

    def __init__(
        self, credentials: CredentialDesk, claims: ClaimDesk, audit: AuditLog, *, prefix: str, publish: Publish, tell: Tell
    ) -> None:
        self._credentials, self._claims, self._audit = credentials, claims, audit
        self._repository: Repository = credentials.repository
        self._prefix, self._publish, self._tell = prefix, publish, tell
        self._told: dict[UUID, _Told] = {}
        self._awaited: dict[UUID, Claim] = {}

    def filters(self) -> list[str]:
        """Return what to listen to: requests, and what devices say of themselves that nobody knows yet."""
        return [f"{self._prefix}{PROVISION}/+/request", *(self.described_topic(each) for each in self._awaited)]

    def described_topic(self, device_id: UUID) -> str:
        """Return where a device describes itself."""
        return device_base(self._prefix, device_id) + DESCRIBE

    async def recall(self) -> None:
        """Find out which devices were given credentials and have not described themselves.

        Raises:
            DatabaseUnavailableError
        """
        self._awaited = {each.device_id: each for each in await self._repository.awaited_claims() if each.device_id is not None}

    async def heard(self, topic: str, payload: bytes) -> UUID | None:
        """Take a message; return a device that is to be listened to from now on.

        Faults are logged: one device's is no other's.
        """
        try:
            words = topic.removeprefix(self._prefix).split("/")
            if words[0] == PROVISION and len(payload) <= MAX_REQUEST_BYTES:
                return await self._asked(words[1])
            await self._described(UUID(words[1]), topic, payload)
        except (LicsError, ValueError) as error:
            log.warning("a device was not let in", extra={"topic": topic, "reason": str(error)})
        return None

    async def _asked(self, code_id: str) -> UUID | None:
        found = [each for each in await self._repository.open_claims() if each.code_id == code_id]
        claim = await self._repository.reserve(found[0].id, uuid4()) if found else None
        if claim is None or claim.device_id is None:
            log.warning("a claim code that is over was shown", extra={"code": code_id})
            return None
        now = datetime.now(UTC)
        told = self._told.get(claim.id)
        if told is None or now - told.at > timedelta(seconds=AGAIN_S):
            told = _Told(await self._let_in(claim, claim.device_id), now)
            self._remember(claim.id, told)
        self._awaited[claim.device_id] = claim
        await self._publish(f"{self._prefix}{PROVISION}/{claim.code_id}/credentials", told.answer)
        return claim.device_id

    async def _let_in(self, claim: Claim, device_id: UUID) -> bytes:
        """Give a device credentials, good until it should have described itself; those it was given before are over."""
        who = Asker(f"device:{device_id}", "mqtt")
        spec = DeviceSpec(device_id, claim.name or "", "other", NATIVE.name, {})
        async with self._audit.act(who, "device.provision", f"device:{device_id}", f"claim {claim.id}") as found:
            await self._credentials.end(device_id, who.principal, "asked again")
            until = claim.expires_at + GRACE
            issued = await self._credentials.new_secret(claim.created_by, spec, claim_id=claim.id, expires_at=until)
            found.after = facts(issued.credential)
        document = {
            "schema": 1,
            "device_id": str(device_id),
            "client_id": issued.client_id,
            "username": issued.credential.username,
            "password": issued.password,
            "base": device_base(self._prefix, device_id),
        }
        return json.dumps(document).encode()

    def _remember(self, claim_id: UUID, told: _Told) -> None:
        self._told[claim_id] = told
        if len(self._told) > MAX_TOLD:
            self._told.pop(next(iter(self._told)))

    async def _described(self, device_id: UUID, topic: str, payload: bytes) -> None:
        """Register a device that says what it is."""
        claim = self._awaited.get(device_id)
        if claim is None:
            return
        try:
            said = NATIVE.decode(DeviceRef(device_id, {}, self._prefix), Received(topic, payload, datetime.now(UTC)))
        except DecodeError as error:
            log.warning("a new device's description cannot be read", extra={"device_id": str(device_id), "reason": str(error)})
            return
        for each in said:
            if isinstance(each, Described):
                kind = each.description.type if each.description.type in DEVICE_TYPES else "other"
                await self._register(claim, device_id, kind)

    async def _register(self, claim: Claim, device_id: UUID, kind: str) -> None:
        who = Asker(f"device:{device_id}", "mqtt")
        async with self._audit.act(who, "device.register", f"device:{device_id}", f"claim {claim.id}") as found:
            row = await self._made(claim, device_id, kind)
            await self._credentials.keep(device_id)
            await self._repository.close_claim(claim.id, registered=True)
            found.after = {"name": row.name, "type": kind, "laboratory": str(claim.laboratory_id), "by": claim.created_by}
        self._awaited.pop(device_id, None)
        self._told.pop(claim.id, None)
        self._tell(row.spec())
        await self._claims.expel(claim)

    async def _made(self, claim: Claim, device_id: UUID, kind: str) -> DeviceRow:
        """Return the device; it may be there already, where we died in between. A name that is taken gets a tail."""
        name = claim.name or kind
        for title in (name, f"{name}-{device_id.hex[:8]}"):
            new = NewDevice(
                name=title,
                type=kind,
                driver=NATIVE.name,
                principal=claim.created_by,
                location=claim.location,
                device_id=device_id,
                laboratory_id=claim.laboratory_id,
            )
            try:
                return await self._repository.create_device(new)
            except ConflictError as error:
                if "device_id" in error.facts:
                    break
        return await self._repository.get_device(device_id)
