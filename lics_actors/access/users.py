"""What administrators do with accounts, and people with their API keys: over REST and the command line, under audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.access.ending import Endings
from lics_actors.access.errors import AccountNotFoundError, NoAccountError, RoleTooHighError
from lics_actors.access.people import Account, ApiKey
from lics_actors.access.roles import IN_PERSON, Role, may_manage, permissions_of
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
    """Every act is by somebody with a role, who manages those below it."""

    repository: Repository
    audit: AuditLog
    endings: Endings

    async def add(self, asker: Asker, by: Role, email: str, role: Role) -> tuple[Account, str]:
        """Make an account; return it, and the one-time code that sets its password within a day.

        Raises:
            InvalidError: this is no e-mail address.
            AccountExistsError, RoleTooHighError, DatabaseUnavailableError
        """
        name = email_of(email)
        if name is None:
            raise InvalidError("this is no e-mail address", ({"field": "email", "message": "no e-mail address"},))
        async with self.audit.act(asker, "user.add", f"user:{name}", None) as found:
            _check(by, role)
            code, kept = opaque()
            expires = datetime.now(UTC) + CODE_LIFETIME
            account = await self.repository.add_account(name, role, asker.principal, code_hash=kept, code_expires_at=expires)
            found.after = facts(account)
        return account, code

    async def change(
        self, asker: Asker, by: Role, account_id: UUID, role: Role | None, *, disabled: bool | None, reason: str | None
    ) -> Account:
        """Give an account another role, disable or enable it. Its tokens end; disabled, its sessions and keys, too.

        Raises:
            AccountNotFoundError, LastAdminError, RoleTooHighError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "user.change", f"user:{account_id}", reason) as found:
            there = await self.repository.account(account_id)
            _check(by, there.role, role)
            before, after = await self.repository.change_account(account_id, role, disabled=disabled)
            found.before, found.after = facts(before), facts(after)
        await self.endings.told()
        return after

    async def reset(self, asker: Asker, by: Role, account_id: UUID) -> tuple[Account, str]:
        """Return a one-time code that sets another password within a day. The present one is valid until then.

        Raises:
            AccountNotFoundError, RoleTooHighError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "user.reset", f"user:{account_id}", None):
            _check(by, (await self.repository.account(account_id)).role)
            code, kept = opaque()
            return await self.repository.set_code(account_id, kept, datetime.now(UTC) + CODE_LIFETIME), code

    async def end_sessions(self, asker: Asker, by: Role, account_id: UUID) -> None:
        """End all sessions of an account.

        Raises:
            AccountNotFoundError, RoleTooHighError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "user.sign-out", f"user:{account_id}", None) as found:
            _check(by, (await self.repository.account(account_id)).role)
            found.after = {"ended": await self.repository.end_sessions(account_id, "ended by an administrator")}
        await self.endings.told()

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
        self, asker: Asker, owner: UUID | None, role: Role, name: str, *, scopes: frozenset[str], lifetime: timedelta
    ) -> tuple[ApiKey, str]:
        """Make a key that may what `scopes` say, as long as its owner may; return it and the key itself, shown once.

        Raises:
            InvalidError: a scope is none, or not the owner's.
            NoAccountError, TooManyKeysError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "key.add", f"key:{name}", None) as found:
            if owner is None:
                raise NoAccountError("this token has no account, so no keys; make an account first")
            wrong = sorted(scopes - (permissions_of(role) - IN_PERSON))
            if wrong:
                raise InvalidError("these are not yours to give", tuple({"field": "scopes", "message": each} for each in wrong))
            key_id, (secret, kept) = uuid4(), opaque()
            expires = datetime.now(UTC) + min(lifetime, MAX_KEY_LIFETIME)
            key = await self.repository.add_key(key_id, owner, name, kept, scopes=scopes, expires_at=expires)
            found.after = {"key": str(key.id), "scopes": sorted(scopes), "expires_at": key.expires_at.isoformat()}
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


def _check(by: Role, *roles: Role | None) -> None:
    for role in roles:
        if role is not None and not may_manage(by, role):
            raise RoleTooHighError(f"{by} does not manage {role}")


def facts(account: Account) -> dict[str, Any]:
    """Return what the audit keeps of an account."""
    return {
        "user": str(account.id),
        "email": account.email,
        "role": account.role.value,
        "disabled": account.disabled_at is not None,
    }
