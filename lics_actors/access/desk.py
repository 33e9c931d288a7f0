"""Where people sign in and out, and set their passwords: throttled, audited, and telling nobody who has an account."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from lics_actors.access.ending import Endings
from lics_actors.access.errors import NoAccountError, PasswordRefusedError, SessionOverError, SignInRefusedError, ThrottledError
from lics_actors.access.passwords import Passwords
from lics_actors.access.people import Account, SignedIn
from lics_actors.access.rules import MAX_PASSWORD, OF_ACCOUNT, OF_ADDRESS, Claims, Refreshed, email_of, password_fault
from lics_actors.access.throttle import Throttle
from lics_actors.access.tokens import AccessTokens, digest, opaque
from lics_actors.audit import Asker, AuditLog
from lics_actors.store.repository import Repository

ANONYMOUS: Final = "anonymous"
WRONG: Final = "the e-mail address or the password is not right"
WRONG_CODE: Final = "the e-mail address or the code is not right, or the code is over"
MAX_AGENT: Final = 200


@dataclass(frozen=True, slots=True)
class Granted:
    """What somebody has who signed in, or came back."""

    account: Account
    session: SignedIn
    claims: Claims
    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """All that people do with their own account. `lifetime`: of a session. `first_code`: makes the first administrator."""

    repository: Repository
    audit: AuditLog
    passwords: Passwords
    tokens: AccessTokens
    throttle: Throttle
    endings: Endings
    lifetime: timedelta
    first_code: Callable[[], str]

    async def sign_in(self, asker: Asker, email: str, password: str, agent: str | None) -> Granted:
        """Let somebody in by password.

        Raises:
            SignInRefusedError: no account, disabled, no password yet, or another one; after the same time each.
            ThrottledError, DatabaseUnavailableError
        """
        name = email_of(email)
        await self._admit(asker, "auth.sign-in", name)
        async with self.audit.act(replace(asker, principal=ANONYMOUS), "auth.sign-in", _target(name), None) as found:
            account = None if name is None else await self.repository.account_by_email(name)
            usable = account is not None and account.disabled_at is None
            kept = account.password_hash if account is not None and usable else None
            right, newer = await self.passwords.verify(password[: MAX_PASSWORD + 1], kept)
            if account is None or kept is None or not right:
                raise SignInRefusedError(WRONG)
            if newer is not None:
                await self.repository.rehash(account.id, kept, newer)
            await self.throttle.succeeded("account", account.email)
            granted = await self._open(account, asker, agent)
            found.after = {"session": str(granted.session.id)}
            return granted

    async def refresh(self, asker: Asker, token: str) -> Granted:
        """Let somebody go on by refresh token, and give the next one for it.

        Raises:
            SessionOverError: the token is not valid (any more). One that was used before has ended its whole session.
            DatabaseUnavailableError
        """
        following, kept = opaque()
        came = await self.repository.refresh_session(digest(token), kept)
        if came.what is Refreshed.ROTATED and came.account is not None and came.session is not None:
            access, claims = self.tokens.issue(came.account, came.session.id)
            who = replace(asker, principal=came.account.principal)
            self.audit.note(who, "auth.refresh", f"session:{came.session.id}")
            return Granted(came.account, came.session, claims, access, following)
        error = SessionOverError("the session is over; sign in again")
        if came.what is Refreshed.REUSED and came.session is not None and came.account is not None:
            await self.endings.told()
            reason = "a refresh token was used twice: its session is ended"
            await self.audit.refused(
                replace(asker, principal=came.account.principal), "auth.refresh", f"session:{came.session.id}", reason, error
            )
        raise error

    async def sign_out(self, asker: Asker, account_id: UUID | None, session_id: UUID | None) -> None:
        """End a session; of the caller's own account only.

        Raises:
            SessionNotFoundError, NoAccountError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "auth.sign-out", f"session:{session_id}", None):
            if account_id is None or session_id is None:
                raise NoAccountError("this token has no session")
            await self.repository.end_session(session_id, account_id, "signed out")
        await self.endings.told()

    async def change_password(self, asker: Asker, claims: Claims | None, old: str, new: str, agent: str | None) -> Granted:
        """Set another password for one's own account; all its sessions end, and another one begins.

        Raises:
            SignInRefusedError: the old one is not right.
            PasswordRefusedError, NoAccountError, ThrottledError, DatabaseUnavailableError
        """
        if claims is None:
            error = NoAccountError("this token has no account, so no password")
            await self.audit.refused(asker, "auth.password", asker.principal, None, error)
            raise error
        await self._admit(asker, "auth.password", claims.email)
        async with self.audit.act(asker, "auth.password", f"user:{claims.email}", None):
            account = await self.repository.account(claims.account)
            right, _ = await self.passwords.verify(old[: MAX_PASSWORD + 1], account.password_hash)
            if not right:
                raise SignInRefusedError("the current password is not right")
            hashed = await self._hashed(new, account.email)
            account = await self.repository.set_password(account.id, hashed, None)
            await self.throttle.succeeded("account", account.email)
            granted = await self._open(account, asker, agent)
        await self.endings.told()
        return granted

    async def redeem(self, asker: Asker, email: str, code: str, new: str) -> None:
        """Set a password by a one-time code.

        Raises:
            SignInRefusedError: the code is not right, or over.
            PasswordRefusedError, ThrottledError, DatabaseUnavailableError
        """
        name = email_of(email)
        await self._admit(asker, "auth.reset", name)
        async with self.audit.act(replace(asker, principal=ANONYMOUS), "auth.reset", _target(name), None):
            hashed = await self._hashed(new, name or "")
            account = None if name is None else await self.repository.redeem_code(name, digest(code), hashed)
            if account is None:
                raise SignInRefusedError(WRONG_CODE)
            await self.throttle.succeeded("account", account.email)
        await self.endings.told()

    async def claim(self, asker: Asker, email: str, code: str, password: str) -> None:
        """Make the first administrator by the code that `lics up` prints, while there is no account.

        Raises:
            SignInRefusedError: the code is not right, or there is an account.
            PasswordRefusedError, ThrottledError, DatabaseUnavailableError
        """
        name = email_of(email)
        await self._admit(asker, "auth.claim", name)
        async with self.audit.act(replace(asker, principal=ANONYMOUS), "auth.claim", _target(name), None):
            if name is None or not hmac.compare_digest(digest(code), digest(self.first_code())):
                raise SignInRefusedError(WRONG_CODE)
            hashed = await self._hashed(password, name)
            if await self.repository.first_account(name, hashed, f"user:{name}") is None:
                raise SignInRefusedError(WRONG_CODE)

    async def _open(self, account: Account, asker: Asker, agent: str | None) -> Granted:
        token, kept = opaque()
        expires = datetime.now(UTC) + self.lifetime
        shown = agent[:MAX_AGENT] if agent else None
        session = await self.repository.open_session(account.id, kept, expires, remote=asker.remote, agent=shown)
        access, claims = self.tokens.issue(account, session.id)
        return Granted(account, session, claims, access, token)

    async def _hashed(self, password: str, email: str) -> str:
        if (fault := password_fault(password, email)) is not None:
            raise PasswordRefusedError(fault, ({"field": "password", "message": fault},))
        return await self.passwords.hashed(password)

    async def _admit(self, asker: Asker, action: str, name: str | None) -> None:
        """Count an attempt of an account and of an address, whether or not there is such an account."""
        verdicts = [await self.throttle.attempt("address", asker.remote or "", OF_ADDRESS)]
        if name is not None and verdicts[0].wait_s == 0:
            verdicts.append(await self.throttle.attempt("account", name, OF_ACCOUNT))
        wait_s = max(verdict.wait_s for verdict in verdicts)
        if wait_s > 0:
            error = ThrottledError(f"too many attempts; try again in {max(1, round(wait_s))} s", retry_after_s=wait_s)
            if any(verdict.first for verdict in verdicts):
                await self.audit.refused(replace(asker, principal=ANONYMOUS), action, _target(name), None, error)
            raise error


def _target(name: str | None) -> str:
    return f"user:{name or '?'}"
