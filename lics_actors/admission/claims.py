"""Claim codes: made and taken back by people, used by devices that nobody knows yet."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from lics_actors.admission import codes
from lics_actors.admission.accounts import SALT_BYTES, claim_grants, claim_name, hashed
from lics_actors.admission.control import BrokerAccounts
from lics_actors.admission.errors import BrokerAccountsError, BrokerNotKeptError
from lics_actors.admission.rows import Claim
from lics_actors.audit import Asker, AuditLog
from lics_actors.store.repository import Repository

LIFETIME: Final = timedelta(minutes=15)
MAX_LIFETIME: Final = timedelta(days=1)

log = logging.getLogger(__name__)


class ClaimDesk:
    """`accounts` None: the broker's accounts are not LICS's business."""

    def __init__(self, repository: Repository, audit: AuditLog, accounts: BrokerAccounts | None, prefix: str) -> None:
        self._repository, self._audit, self._accounts, self._prefix = repository, audit, accounts, prefix

    async def new(
        self,
        asker: Asker,
        laboratory_id: UUID,
        *,
        name: str | None = None,
        location: str | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> tuple[Claim, str]:
        """Make a code; return it with what is shown this once.

        Raises:
            BrokerNotKeptError, BrokerAccountsError, DatabaseUnavailableError
        """
        if self._accounts is None:
            raise BrokerNotKeptError("LICS has no account that changes accounts at this broker; `lics broker setup` makes one")
        code = codes.code_of(secrets.token_bytes(codes.CHANCE_BYTES))
        now = datetime.now(UTC)
        expires = now + min(lifetime, MAX_LIFETIME)
        claim = Claim(uuid4(), laboratory_id, codes.code_id(code), now, asker.principal, expires, name, location)
        role = claim_name(self._prefix, claim.code_id)
        async with self._audit.act(asker, "claim.new", f"claim:{claim.id}", None) as found:
            await self._accounts.allow(role, claim_grants(self._prefix, claim.code_id))
            await self._accounts.admit(role, codes.plain(code), role, role)
            hidden = hashed(codes.plain(code), secrets.token_bytes(SALT_BYTES))
            try:
                kept = await self._repository.add_claim(claim, hidden.text)
            except BaseException:
                await self.expel(claim)
                raise
            found.after = {"laboratory": str(laboratory_id), "name": name, "expires_at": expires.isoformat()}
        return kept, code

    async def revoke(self, asker: Asker, claim: Claim) -> None:
        """Take a code back; one whose device is registered stays so.

        Raises:
            DatabaseUnavailableError
        """
        async with self._audit.act(asker, "claim.revoke", f"claim:{claim.id}", None):
            await self._repository.close_claim(claim.id, registered=False)
            if claim.device_id is not None and claim.registered_at is None:
                await self._repository.end_credentials(claim.device_id, asker.principal, "claim revoked")
            await self.expel(claim)

    async def expel(self, claim: Claim) -> None:
        """Have the broker let nobody in by a code any more; while it is away, the Doorkeeper sees to it."""
        if self._accounts is None:
            return
        role = claim_name(self._prefix, claim.code_id)
        try:
            await self._accounts.expel([role], [role])
        except BrokerAccountsError as error:
            log.warning("the broker still has a claim code that is over", extra={"claim": str(claim.id), "reason": error.message})
