"""The rules of getting in: passwords, waiting after wrong ones, what a token says, what a refresh token brings. Pure."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from lics_actors.access.roles import Role

MIN_PASSWORD: Final = 12  # characters; NIST SP 800-63B asks for at least 8, OWASP ASVS 2.1.1 for 12
MAX_PASSWORD: Final = 256  # argon2 reads all of it
MIN_DISTINCT: Final = 5  # different characters
MAX_EMAIL: Final = 180  # so that `user:<email>/<key>` fits a principal's 255
ISSUER: Final = "lics"
AUDIENCE: Final = "lics-api"
LEEWAY_S: Final = 5.0  # between the clocks of hosts that share keys

_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_LEET = str.maketrans("0134578@$!", "oleastbasi")
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "01234567890123456789012345678901234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
)
# Words that people lengthen to twelve characters. After digits and signs are read as the letters they stand for, and
# those at both ends are dropped, a password that is made of these alone is common.
_COMMON_WORDS: Final = """
password passwort passwd passphrase pass word secret geheim motdepasse contrasena senha parola login access
admin administrator root superuser super user username guest test tester testing default changeme change letmein let me in
welcome willkommen hello hallo bonjour iloveyou i love you loveyou sunshine princess football baseball
basketball soccer hockey dragon monkey shadow master superman batman pokemon starwars star wars trustno one
whatever freedom computer internet server network monday tuesday wednesday thursday friday saturday sunday january
february march april may june july august september october november december spring summer autumn winter
laboratory labor lab labs lics science research animal mouse mice rat rats neuro
correct horse battery staple qwerty qwertz azerty asdf abc my the is it new old
"""
_COMMON: Final = tuple(_COMMON_WORDS.split())


def email_of(text: str) -> str | None:
    """Return an e-mail address in the one form it is kept in, None if it is none."""
    email = unicodedata.normalize("NFKC", text).strip().lower()
    return email if len(email) <= MAX_EMAIL and _EMAIL.fullmatch(email) else None


def password_fault(password: str, email: str) -> str | None:
    """Return why a password is not taken, as a sentence for the person; None: it is."""
    if len(password) < MIN_PASSWORD:
        return f"a password has at least {MIN_PASSWORD} characters"
    if len(password) > MAX_PASSWORD:
        return f"a password has at most {MAX_PASSWORD} characters"
    folded = unicodedata.normalize("NFKC", password).casefold()
    local, _, domain = email.partition("@")
    if len(set(folded)) < MIN_DISTINCT:
        return f"a password has at least {MIN_DISTINCT} different characters"
    if email in folded or _is_made_of(folded, (local, domain.partition(".")[0])):
        return "this password is made of the e-mail address"
    if _is_common(folded):
        return "this password is among the common ones"
    return None


def _is_common(folded: str) -> bool:
    bare = "".join(sign for sign in folded if sign.isalnum())
    rows = any(bare[:half] and _in_row(bare[:half]) and _in_row(bare[half:]) for half in range(len(bare) + 1))
    return rows or _is_made_of(folded, _COMMON)


def _in_row(text: str) -> bool:
    return not text or any(text in row or text in row[::-1] for row in _ROWS)


def _is_made_of(folded: str, words: tuple[str, ...]) -> bool:
    """Return whether nothing is left of `folded` but `words`, one after another, and digits and signs at its ends."""
    ends = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    forms = {re.sub(r"[^a-z]+", "", text) for text in (folded, ends, folded.translate(_LEET), ends.translate(_LEET))}
    known = frozenset(re.sub(r"[^a-z]+", "", word) for word in words) - {""}
    return any(form and _parts(form, known) for form in forms)


def _parts(text: str, words: frozenset[str]) -> bool:
    reached = [True] + [False] * len(text)
    for end in range(1, len(text) + 1):
        reached[end] = any(reached[end - len(word)] and text[:end].endswith(word) for word in words if len(word) <= end)
    return reached[-1]


# waiting


@dataclass(frozen=True, slots=True)
class Patience:
    """How many attempts are free, and how long one waits after more: `first_s`, doubled each time, up to `most_s`."""

    free: int
    first_s: float
    most_s: float
    forget_s: float

    def wait_s(self, attempts: int) -> float:
        """Return how long nobody may try again after so many attempts."""
        if attempts <= self.free:
            return 0.0
        return min(self.most_s, self.first_s * 2.0 ** min(attempts - self.free - 1, 64))


OF_ACCOUNT: Final = Patience(free=5, first_s=1.0, most_s=300.0, forget_s=3600.0)
OF_ADDRESS: Final = Patience(free=30, first_s=1.0, most_s=900.0, forget_s=3600.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Attempts counted. `until`: before then nobody may try; `told`: a refusal since the last attempt was noted."""

    attempts: int = 0
    until: float = 0.0
    last: float = 0.0
    told: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an attempt may be made. `first`: of the refusals since the last attempt, the one that is worth noting."""

    wait_s: float
    first: bool = False


def attempted(tally: Tally, now: float, patience: Patience) -> tuple[Tally, Verdict]:
    """Count an attempt before it is made, so that many at once are no way around; one that must wait is not counted."""
    if now < tally.until:
        verdict = Verdict(tally.until - now, first=not tally.told)
        return Tally(tally.attempts, tally.until, tally.last, told=True), verdict
    attempts = 1 if now - tally.last > patience.forget_s else tally.attempts + 1
    return Tally(attempts, now + patience.wait_s(attempts), now), Verdict(0.0)


# tokens


class Refusal(StrEnum):
    """Why a token is not valid."""

    MALFORMED = "malformed"
    ISSUER = "another issuer"
    AUDIENCE = "another audience"
    EXPIRED = "expired"
    EARLY = "not valid yet"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says. `generation`: of the account when it was issued. Times: seconds of the epoch.

    `memberships`: laboratory and role, as long as the generation lasts.
    """

    account: UUID
    session: UUID
    generation: int
    email: str
    role: Role
    jti: str
    issued: float
    not_before: float
    expires: float
    memberships: tuple[tuple[UUID, Role], ...] = ()


def claims_made(claims: Claims) -> dict[str, Any]:
    """Return claims as they stand in a token."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(claims.account),
        "sid": str(claims.session),
        "gen": claims.generation,
        "email": claims.email,
        "role": claims.role.value,
        "labs": {str(place): role.value for place, role in claims.memberships},
        "jti": claims.jti,
        "iat": claims.issued,
        "nbf": claims.not_before,
        "exp": claims.expires,
    }


def claims_read(said: Mapping[str, Any], now: float) -> Claims | Refusal:
    """Return what a token with a good signature says, if it is for us and now. Nothing is converted, nothing may miss."""
    if said.get("iss") != ISSUER:
        return Refusal.ISSUER
    if said.get("aud") != AUDIENCE:
        return Refusal.AUDIENCE
    texts = [said.get(name) for name in ("sub", "sid", "email", "role", "jti")]
    times = [said.get(name) for name in ("iat", "nbf", "exp")]
    generation = said.get("gen")
    numbers = all(isinstance(time, int | float) and not isinstance(time, bool) and 0 <= time < 2**53 for time in times)
    if not numbers or not all(isinstance(text, str) for text in texts) or type(generation) is not int:
        return Refusal.MALFORMED
    try:
        account, session, role = UUID(str(texts[0])), UUID(str(texts[1])), Role(str(texts[3]))
        memberships = _memberships_read(said.get("labs"))
    except ValueError:
        return Refusal.MALFORMED
    issued, not_before, expires = (float(time) for time in times if time is not None)
    email, jti = str(texts[2]), str(texts[4])
    claims = Claims(account, session, generation, email, role, jti, issued, not_before, expires, memberships)
    return in_time(claims, now) or claims


def _memberships_read(said: object) -> tuple[tuple[UUID, Role], ...]:
    """Return what a token says of laboratories. Raises ValueError: it is nothing that we say."""
    if not isinstance(said, dict) or not all(isinstance(word, str) for pair in said.items() for word in pair):
        raise ValueError
    return tuple((UUID(place), Role(role)) for place, role in said.items())


def in_time(claims: Claims, now: float) -> Refusal | None:
    """Return why a token is not valid at `now`; None: it is."""
    if now >= claims.expires:
        return Refusal.EXPIRED
    if now + LEEWAY_S < max(claims.not_before, claims.issued):
        return Refusal.EARLY
    return None


@dataclass(frozen=True, slots=True)
class Ended:
    """What is over although tokens that were issued before have not expired. `generations`: the least that are valid.

    `moved`: devices that came into another laboratory, this one.
    """

    sessions: frozenset[UUID] = frozenset()
    generations: Mapping[UUID, int] = field(default_factory=dict)
    keys: frozenset[UUID] = frozenset()
    moved: Mapping[UUID, UUID] = field(default_factory=dict)

    def ends(self, account: UUID, generation: int, *, session: UUID | None = None, key: UUID | None = None) -> bool:
        """Return whether a token of an account's generation, of a session or a key, is over."""
        return session in self.sessions or key in self.keys or generation < self.generations.get(account, 0)


# refresh tokens


class Refreshed(StrEnum):
    """What becomes of a refresh token that somebody presents."""

    ROTATED = "rotated"  # another one for it
    REUSED = "reused"  # it was used before: one of its two holders has stolen it, so its family ends
    OVER = "over"  # its family has ended, or expired, or its account is disabled
    UNKNOWN = "unknown"


def refreshed(*, known: bool, used: bool, ended: bool, disabled: bool, expires: datetime, now: datetime) -> Refreshed:
    """Return what becomes of a refresh token, whose family `ended`, or expires then, and whose account is `disabled` or not.

    A used one says REUSED also of a family that is over: it is told and audited as what it is.
    """
    if not known:
        return Refreshed.UNKNOWN
    if used:
        return Refreshed.REUSED
    if ended or disabled or now >= expires:
        return Refreshed.OVER
    return Refreshed.ROTATED


def same_origin(site: str | None, given: str | None, expected: str) -> bool:
    """Return whether a request that came with a cookie was made by our own page.

    `site`: Sec-Fetch-Site, which browsers set and pages cannot; `given`: the token that only our page can read.
    """
    if site is not None and site != "same-origin":
        return False
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())
