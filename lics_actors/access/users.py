"""What administrators do with accounts, and people with their API keys: over REST and the command line, under audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.access.ending import Endings
from lics_actors.access.errors import (
    AccountNotFoundError,
    LaboratoryNeededError,
    LaboratoryNotFoundError,
    NoAccountError,
    RoleTooHighError,
)
from lics_actors.access.laboratories import DEFAULT_LABORATORY, MEMBER_ROLES, Reach, grants, manages, meets, narrowed
from lics_actors.access.people import Account, ApiKey
from lics_actors.access.roles import Role
from lics_actors.access.rules import email_of
from lics_actors.access.tokens import opaque
from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import InvalidError
from lics_actors.store.repository import Repository

CODE_LIFETIME: Final = timedelta(days=1)
MAX_KEY_LIFETIME: Final = timedelta(days=366)
KEY_PREFIX: Final = "lk_"


@dataclass(frozen=True, slots=True)
class Users:
    """Every act is by somebody with a reach, who manages those below him in his laboratories."""

    repository: Repository
    audit: AuditLog
    endings: Endings

    async def add(
        self, asker: Asker, by: Reach, email: str, role: Role, laboratory: UUID = DEFAULT_LABORATORY
    ) -> tuple[Account, str]:
        """Make an account, of a laboratory unless it is super_admin; return it, and the code that sets its password within a day.

        Raises:
            InvalidError: this is no e-mail address.
            AccountExistsError, RoleTooHighError, DatabaseUnavailableError
        """
        name = email_of(email)
        if name is None:
            raise InvalidError("this is no e-mail address", ({"field": "email", "message": "no e-mail address"},))
        async with self.audit.act(asker, "user.add", f"user:{name}", None) as found:
            if not (grants(by, laboratory, role) if role in MEMBER_ROLES else by.everywhere):
                raise _too_high(role)
            if role in MEMBER_ROLES:
                await self.repository.laboratory(laboratory)
            code, kept = opaque()
            expires = datetime.now(UTC) + CODE_LIFETIME
            account = await self.repository.add_account(
                name, role, asker.principal, code_hash=kept, code_expires_at=expires, laboratory=laboratory
            )
            found.after = facts(account)
        return account, code

    async def change(
        self,
        asker: Asker,
        by: Reach,
        account_id: UUID,
        role: Role | None,
        *,
        disabled: bool | None,
        reason: str | None,
        laboratory: UUID | None = None,
        expected: int | None = None,
    ) -> Account:
        """Give an account another role (in `laboratory`, or its only one), disable or enable it.

        Its tokens end; disabled, its sessions and keys, too.

        Raises:
            LaboratoryNeededError: it is in several.
            PreconditionFailedError: its generation is not `expected` (None: whatever it is).
            AccountNotFoundError, LastAdminError, RoleTooHighError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "user.change", f"user:{account_id}", reason) as found:
            there = await self.met(by, account_id)
            place = DEFAULT_LABORATORY if role is None else _place(by, there, role, laboratory)
            if (disabled is not None or role is None) and not manages(by, there.role, there.memberships):
                raise _too_high(there.role)
            if role in MEMBER_ROLES:
                await self.repository.laboratory(place)
            before, after = await self.repository.change_account(
                account_id, role, disabled=disabled, laboratory=place, principal=asker.principal, expected=expected
            )
            found.before, found.after = facts(before), facts(after)
        await self.endings.told()
        return after

    async def reset(self, asker: Asker, by: Reach, account_id: UUID) -> tuple[Account, str]:
        """Return a one-time code that sets another password within a day. The present one is valid until then.

        Raises:
            AccountNotFoundError, RoleTooHighError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "user.reset", f"user:{account_id}", None):
            await self._managed(by, account_id)
            code, kept = opaque()
            return await self.repository.set_code(account_id, kept, datetime.now(UTC) + CODE_LIFETIME), code

    async def end_sessions(self, asker: Asker, by: Reach, account_id: UUID) -> None:
        """End all sessions of an account.

        Raises:
            AccountNotFoundError, RoleTooHighError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "user.sign-out", f"user:{account_id}", None) as found:
            await self._managed(by, account_id)
            found.after = {"ended": await self.repository.end_sessions(account_id, "ended by an administrator")}
        await self.endings.told()

    async def met(self, by: Reach, account_id: UUID) -> Account:
        """Return an account that exists for whoever asks.

        Raises:
            AccountNotFoundError, DatabaseUnavailableError
        """
        account = await self.repository.account(account_id)
        if not meets(by, account.memberships):
            raise AccountNotFoundError(f"no user {account_id}", user=str(account_id))
        return account

    async def _managed(self, by: Reach, account_id: UUID) -> None:
        account = await self.met(by, account_id)
        if not manages(by, account.role, account.memberships):
            raise _too_high(account.role)

    async def named(self, email: str) -> Account:
        """Return the account with this address.

        Raises:
            AccountNotFoundError, DatabaseUnavailableError
        """
        account = await self.repository.account_by_email(email_of(email) or "")
        if account is None:
            raise AccountNotFoundError(f"no user {email!r}; see `lics user list`", user=email)
        return account

    # keys

    async def add_key(
        self,
        asker: Asker,
        owner: UUID | None,
        reach: Reach,
        name: str,
        *,
        scopes: frozenset[str],
        lifetime: timedelta,
        laboratory: UUID | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key that may what `scopes` say, in one `laboratory` or wherever its owner is, as long as its owner may.

        Return it and the key itself, shown once.

        Raises:
            InvalidError: a scope is none, or not the owner's. LaboratoryNotFoundError
            NoAccountError, TooManyKeysError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "key.add", f"key:{name}", None) as found:
            if owner is None:
                raise NoAccountError("this token has no account, so no keys; make an account first")
            if laboratory is not None:
                if not reach.sees(laboratory):
                    raise LaboratoryNotFoundError(f"no laboratory {laboratory}", laboratory=str(laboratory))
                await self.repository.laboratory(laboratory)
            wrong = sorted(scopes - narrowed(reach, scopes, laboratory).anywhere)
            if wrong:
                raise InvalidError("these are not yours to give", tuple({"field": "scopes", "message": each} for each in wrong))
            key_id, (secret, kept) = uuid4(), opaque()
            expires = datetime.now(UTC) + min(lifetime, MAX_KEY_LIFETIME)
            key = await self.repository.add_key(
                key_id, owner, name, kept, scopes=scopes, expires_at=expires, laboratory=laboratory
            )
            place = None if laboratory is None else str(laboratory)
            told = {"key": str(key.id), "scopes": sorted(scopes), "expires_at": key.expires_at.isoformat()}
            found.after = {**told, "laboratory": place}
        return key, f"{KEY_PREFIX}{key_id.hex}_{secret}"

    async def revoke_key(self, asker: Asker, owner: UUID | None, key_id: UUID) -> ApiKey:
        """Revoke a key of one's own.

        Raises:
            KeyNotFoundError, NoAccountError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "key.revoke", f"key:{key_id}", None):
            if owner is None:
                raise NoAccountError("this token has no account, so no keys")
            key = await self.repository.revoke_key(key_id, owner)
        await self.endings.told()
        return key


def _too_high(role: Role) -> RoleTooHighError:
    return RoleTooHighError(f"you do not manage {role} here")


def _place(by: Reach, there: Account, role: Role, named: UUID | None) -> UUID:
    """Return where somebody is to have a role, if whoever asks may give it there."""
    if role not in MEMBER_ROLES or there.role is Role.SUPER_ADMIN:
        if not by.everywhere:
            raise _too_high(role)
        return named or DEFAULT_LABORATORY
    seen = [place for place in there.memberships if by.may("user:write", place)]
    if named is None and len(seen) > 1:
        message = "this account is in several laboratories: name one as `laboratory_id`"
        raise LaboratoryNeededError(message, ({"field": "laboratory_id", "message": "needed here"},))
    place = named or next(iter(seen), DEFAULT_LABORATORY)
    if not by.sees(place):
        raise LaboratoryNotFoundError(f"no laboratory {place}", laboratory=str(place))
    if not (grants(by, place, there.memberships.get(place, role)) and grants(by, place, role)):
        raise _too_high(role)
    return place


def facts(account: Account) -> dict[str, Any]:
    """Return what the audit keeps of an account."""
    return {
        "user": str(account.id),
        "email": account.email,
        "role": account.role.value,
        "laboratories": {str(place): role.value for place, role in account.memberships.items()},
        "disabled": account.disabled_at is not None,
    }
