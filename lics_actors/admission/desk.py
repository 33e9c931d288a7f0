"""Devices' credentials: issued, rotated, revoked, under audit, in the tables and at the broker. Web and command line share it.

The broker is told before the table when somebody gets in, after it when somebody is to stay out: a death between the two leaves
an account that nobody knows of, which the Doorkeeper takes away, or one that is over and that it takes away, too.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from drivers.protocol import Grants
from lics_actors.admission.accounts import SALT_BYTES, client_name, device_grants, hashed, rivals
from lics_actors.admission.control import BrokerAccounts
from lics_actors.admission.errors import BrokerAccountsError, BrokerNotKeptError, SharedTopicsError
from lics_actors.admission.rows import Credential, NewCredential
from lics_actors.audit import Asker, AuditLog
from lics_actors.device.messages import DeviceSpec
from lics_actors.errors import ConflictError
from lics_actors.store.repository import Repository

SECRET_BYTES: Final = 32
MAX_OVERLAP: Final = timedelta(days=7)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Issued:
    """New credentials. `password` is told this once; `client_id` is what the device must call itself."""

    credential: Credential
    client_id: str
    grants: Grants
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Revoked:
    """Credentials that are over. `pending`: the broker is away and is told as soon as it is back."""

    credentials: tuple[Credential, ...]
    pending: bool


class CredentialDesk:
    """`accounts` None: the broker's accounts are not LICS's business."""

    def __init__(self, repository: Repository, audit: AuditLog, accounts: BrokerAccounts | None, prefix: str) -> None:
        self.repository, self._audit, self._accounts, self._prefix = repository, audit, accounts, prefix

    async def issue(self, asker: Asker, device_id: UUID, reason: str | None = None) -> Issued:
        """Give a device credentials beside those it has.

        Raises:
            BrokerNotKeptError, BrokerAccountsError, TooManyCredentialsError
            SharedTopicsError: another device has topics of this one; DeviceNotEnabledError: it is retired.
            DeviceNotFoundError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "credential.issue", f"device:{device_id}", reason) as found:
            issued = await self._issue(asker.principal, device_id)
            found.after = facts(issued.credential)
        return issued

    async def rotate(self, asker: Asker, device_id: UUID, overlap: timedelta, reason: str | None = None) -> Issued:
        """Give a device new credentials; those it had end now, or after `overlap`. Raises: as `issue`."""
        async with self._audit.act(asker, "credential.rotate", f"device:{device_id}", reason) as found:
            before = [each for each in await self.repository.credentials(device_id) if each.live(datetime.now(UTC))]
            issued = await self._issue(asker.principal, device_id)
            if overlap > timedelta(0):
                until = datetime.now(UTC) + min(overlap, MAX_OVERLAP)
                await self.repository.limit_credentials(device_id, until, issued.credential.id)
            elif before:
                only = [each.id for each in before]
                await self._expel(await self.repository.end_credentials(device_id, asker.principal, "rotated", only))
            found.before = {"usernames": [each.username for each in before]}
            found.after = {**facts(issued.credential), "overlap_s": overlap.total_seconds()}
        return issued

    async def revoke(self, asker: Asker, device_id: UUID, credential_id: UUID | None, reason: str | None) -> Revoked:
        """End a device's credentials, or one of them; whoever came in by them is cut off. Again is no fault.

        Raises:
            CredentialNotFoundError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "credential.revoke", f"device:{device_id}", reason) as found:
            only = None if credential_id is None else [(await self.repository.credential(device_id, credential_id)).id]
            ended = await self.repository.end_credentials(device_id, asker.principal, reason, only)
            pending = not await self._expel(ended)
            found.after = {"usernames": [each.username for each in ended], "pending": pending}
            if credential_id is not None:
                ended = [await self.repository.credential(device_id, credential_id)]
        return Revoked(tuple(ended), pending)

    async def new_secret(
        self, principal: str, spec: DeviceSpec, *, claim_id: UUID | None = None, expires_at: datetime | None = None
    ) -> Issued:
        """Let a device in with a new secret, at the broker and in the table. Raises: as `issue`."""
        accounts = self._kept_accounts()
        grants = device_grants(spec, self._prefix)
        if grants is None:
            raise ConflictError(f"devices of {spec.driver} have no accounts at the broker", driver=spec.driver)
        await self._check_alone(spec, grants)
        credential_id, password = uuid4(), secrets.token_urlsafe(SECRET_BYTES)
        role = client_name(self._prefix, spec.device_id)
        username = f"{role}-{credential_id.hex[:8]}"
        hidden = hashed(password, secrets.token_bytes(SALT_BYTES))
        await accounts.allow(role, grants)
        await accounts.admit(username, password, role, role)
        new = NewCredential(credential_id, spec.device_id, username, principal, hidden.text, claim_id, expires_at)
        try:
            kept = await self.repository.add_credential(new)
        except BaseException:
            await self._expel_names([username])
            raise
        return Issued(kept, role, grants, password)

    async def end(self, device_id: UUID, principal: str, reason: str) -> None:
        """End a device's credentials without an act of their own: a part of another.

        Raises:
            DatabaseUnavailableError
        """
        await self._expel(await self.repository.end_credentials(device_id, principal, reason))

    async def keep(self, device_id: UUID) -> None:
        """Have a device's credentials not end by themselves any more.

        Raises:
            DatabaseUnavailableError
        """
        for each in await self.repository.credentials(device_id):
            if each.live(datetime.now(UTC)):
                await self.repository.limit_credentials(device_id, None, each.id)

    async def _issue(self, principal: str, device_id: UUID) -> Issued:
        return await self.new_secret(principal, (await self.repository.get_device(device_id)).spec())

    async def _check_alone(self, spec: DeviceSpec, grants: Grants) -> None:
        """See that no other device could be spoken for, or listened to, with what this one is granted."""
        if spec.driver == "native":
            return
        role = client_name(self._prefix, spec.device_id)
        for other, topic in rivals(role, grants, await self.repository.device_specs(), self._prefix):
            raise SharedTopicsError(f"{topic} is a topic of {other.name}, too", topic=topic, other=str(other.device_id))

    def _kept_accounts(self) -> BrokerAccounts:
        if self._accounts is None:
            text = "LICS has no account that changes accounts at this broker; `lics broker setup` makes one"
            raise BrokerNotKeptError(text)
        return self._accounts

    async def _expel(self, ended: list[Credential]) -> bool:
        return await self._expel_names([each.username for each in ended])

    async def _expel_names(self, usernames: list[str]) -> bool:
        """Return whether the broker lets them in no longer."""
        if self._accounts is None or not usernames:
            return True
        try:
            await self._accounts.expel(usernames)
        except BrokerAccountsError as error:
            log.warning("the broker still has accounts that are over", extra={"usernames": usernames, "reason": error.message})
            return False
        return True


def facts(credential: Credential) -> dict[str, str]:
    """Return what the audit is told of a credential: never its secret."""
    return {"credential": str(credential.id), "username": credential.username}
