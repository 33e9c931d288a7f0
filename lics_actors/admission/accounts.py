"""Accounts at the broker as mosquitto's dynamic-security plugin has them: names, roles, secrets, the file it starts with. Pure.

Measured with mosquitto 2.0.11: `%u` and `%c` in an ACL are letters like others, so each device has a role of its own; a client's
`clientid` is checked before a session of that id is taken over; a forbidden PUBLISH is acknowledged and dropped, a forbidden
SUBSCRIBE answered 0x80; a change of a role holds for the next message of sessions that stand; who is deleted, disabled or given
another password is cut off, without its last will.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from config.settings import EMBEDDED_ACCOUNT, EMBEDDED_CONTROL
from drivers.protocol import DeviceRef, GrantingDriver, Grants
from drivers.registry import driver
from drivers.topics import overlap
from lics_actors.device.messages import DeviceSpec

OWN, CONTROL = EMBEDDED_ACCOUNT, EMBEDDED_CONTROL
"""LICS's own accounts: of its sessions, and of whoever changes accounts (who hears nothing of the laboratory)."""

# mosquitto 2.0's own number (mosquitto_passwd.c): a secret of 256 random bits needs no slow hash, and the broker has one thread.
ITERATIONS: Final = 101
SALT_BYTES: Final = 12
HASH_BYTES: Final = 64
SEND, RECEIVE, SUBSCRIBE = "publishClientSend", "publishClientReceive", "subscribePattern"
DEFAULTS: Final = {SEND: False, RECEIVE: False, "subscribe": False, "unsubscribe": True}
PROVISION: Final = "provision"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """A hashed secret: PBKDF2-HMAC-SHA512 as mosquitto has it."""

    hash: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    iterations: int = ITERATIONS

    @property
    def text(self) -> str:
        """Return it as mosquitto's password files write it."""
        return f"$7${self.iterations}${_b64(self.salt)}${_b64(self.hash)}"

    def is_of(self, plain: str) -> bool:
        """Return whether `plain` is the secret."""
        return hmac.compare_digest(self.hash, hashed(plain, self.salt, self.iterations).hash)


def hashed(plain: str, salt: bytes, iterations: int = ITERATIONS) -> Secret:
    """Return a secret's hash; `salt` is SALT_BYTES of chance."""
    return Secret(hashlib.pbkdf2_hmac("sha512", plain.encode(), salt, iterations, HASH_BYTES), salt, iterations)


def client_name(prefix: str, device_id: UUID) -> str:
    """Return the client id that a device must use, also its role's name; the prefix keeps laboratories of a broker apart."""
    return f"{prefix}device-{device_id}"


def claim_name(prefix: str, claim_id: str) -> str:
    """Return client id, username and role of whoever presents a claim code."""
    return f"{prefix}claim-{claim_id}"


def is_ours(prefix: str, name: str) -> bool:
    """Return whether LICS made an account or a role of that name, beside its own two."""
    return name.startswith((f"{prefix}device-", f"{prefix}claim-"))


def device_grants(spec: DeviceSpec, prefix: str) -> Grants | None:
    """Return what a device may at the broker, None where its driver cannot say."""
    convention = driver(spec.driver)
    if not isinstance(convention, GrantingDriver):
        return None
    return convention.grants(DeviceRef(spec.device_id, spec.settings, prefix))


def claim_grants(prefix: str, claim_id: str) -> Grants:
    """Return what a claim code is good for: to ask for credentials, and to hear them."""
    base = f"{prefix}{PROVISION}/{claim_id}/"
    return Grants((f"{base}request",), (f"{base}credentials",))


def shared(mine: Grants, yours: Grants) -> str | None:
    """Return a topic of `mine` that one or the other account could use against the other, None where there is none."""
    theirs = (*yours.publish, *yours.subscribe)
    return next((each for each in (*mine.publish, *mine.subscribe) if any(overlap(each, other) for other in theirs)), None)


def rivals(role: str, grants: Grants, others: Iterable[DeviceSpec], prefix: str) -> Iterator[tuple[DeviceSpec, str]]:
    """Yield each other device that `grants` could speak for or listen to, or that could it, and by which topic.

    `role`: whose grants they are. Of the native contract two ids are two subtrees, and no other driver's settings may name one.
    """
    for other in others:
        if other.driver == "native" or client_name(prefix, other.device_id) == role:
            continue
        theirs = device_grants(other, prefix)
        if theirs is not None and (topic := shared(grants, theirs)) is not None:
            yield other, topic


def acls(grants: Grants) -> list[Document]:
    """Return the plugin's rules for what is granted; whatever is not is refused by DEFAULTS."""
    wanted = [(SEND, each) for each in grants.publish]
    wanted += [(kind, each) for each in grants.subscribe for kind in (RECEIVE, SUBSCRIBE)]
    return [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in wanted]


def same_rules(one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether two lists of rules say the same, in whatever order."""
    return _rules(one) == _rules(other)


def own_roles(prefix: str) -> dict[str, list[Document]]:
    """Return the rules of LICS's own accounts: everything of the laboratory, and nothing but the accounts."""
    everything = Grants((f"{prefix}#",), (f"{prefix}#", "$SYS/#"))
    control = Grants(("$CONTROL/dynamic-security/v1",), ("$CONTROL/dynamic-security/v1/response",))
    return {f"{prefix}{OWN}": acls(everything), f"{prefix}{CONTROL}": acls(control)}


def account(username: str, secret: Secret, role: str, client_id: str | None = None) -> Document:
    """Return an account as the plugin's file has it."""
    bound = {} if client_id is None else {"clientid": client_id}
    hidden = {"password": _b64(secret.hash), "salt": _b64(secret.salt), "iterations": secret.iterations}
    return {"username": username, **bound, "roles": [{"rolename": role}], **hidden}


def with_own_accounts(document: Mapping[str, Any], secrets: Mapping[str, Secret], prefix: str) -> Document:
    """Return the plugin's file with LICS's own accounts as they must be, closed to all else; what else it holds stays."""
    roles = own_roles(prefix)
    accounts = [account(name, secret, f"{prefix}{name}") for name, secret in secrets.items()]
    names = {each["username"] for each in accounts}
    kept = [each for each in _objects(document, "clients") if each.get("username") not in names]
    kept_roles = [each for each in _objects(document, "roles") if each.get("rolename") not in roles]
    made = [{"rolename": name, "acls": rules} for name, rules in roles.items()]
    rest = {name: value for name, value in document.items() if name not in {"clients", "roles", "defaultACLAccess"}}
    return {"defaultACLAccess": dict(DEFAULTS), "groups": [], **rest, "clients": accounts + kept, "roles": made + kept_roles}


def secret_of(found: Mapping[str, Any]) -> Secret | None:
    """Return the secret of an account in the plugin's file, None where it has none that can be used."""
    try:
        return Secret(
            base64.b64decode(found["password"], validate=True),
            base64.b64decode(found["salt"], validate=True),
            int(found["iterations"]),
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def _objects(document: Mapping[str, Any], name: str) -> list[Document]:
    found: Sequence[Any] = document.get(name) or []
    return [each for each in found if isinstance(each, dict)]


def _rules(rules: Iterable[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    return {(each.get("acltype"), each.get("topic"), bool(each.get("allow")), each.get("priority", 0)) for each in rules}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
