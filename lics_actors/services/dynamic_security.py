"""The fallback broker's accounts and rules: mosquitto's dynamic-security plugin, its file, its messages, its answers.

The part of it that LICS uses, so that whoever changes accounts need not know which broker runs. docs/decisions has why.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from drivers.topics import covers
from lics_actors.admission.accounts import RECEIVE, SALT_BYTES, SEND, SUBSCRIBE, Secret, account, hashed, secret_of
from lics_actors.services.mqtt_sessions import matches

CONTROL_TOPIC: Final = "$CONTROL/dynamic-security/v1"
RESPONSE_TOPIC: Final = f"{CONTROL_TOPIC}/response"
log = logging.getLogger(__name__)
_DEFAULT_OF: Final = {SEND: SEND, RECEIVE: RECEIVE, SUBSCRIBE: "subscribe"}


class CommandError(Exception):
    """A command cannot be carried out; the message is the plugin's."""


@dataclass(slots=True)
class _Account:
    """One who may come in. `client_id` None: under any."""

    secret: Secret
    roles: list[str]
    client_id: str | None = None
    disabled: bool = False


@dataclass(slots=True)
class Answer:
    """What to tell whoever asked, and who is to be cut off."""

    payload: bytes
    cut: set[str] = field(default_factory=set)


class DynamicSecurity:
    """Reads the plugin's file; `control` changes it, on disk before it is answered.

    Raises:
        OSError, ValueError: the file cannot be read: nobody is let in by mistake.
    """

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text())
        self._path = path
        self._defaults: dict[str, bool] = dict(document["defaultACLAccess"])
        self._roles: dict[str, list[dict[str, Any]]] = {each["rolename"]: list(each["acls"]) for each in document["roles"]}
        self._accounts: dict[str, _Account] = {}
        for each in document["clients"]:
            if (secret := secret_of(each)) is not None:
                names = [role["rolename"] for role in each.get("roles", [])]
                self._accounts[each["username"]] = _Account(secret, names, each.get("clientid"), bool(each.get("disabled")))
        self._rules: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._commands: Mapping[str, Callable[[Mapping[str, Any], set[str]], Any]] = {
            "createClient": self._create_client,
            "deleteClient": self._delete_client,
            "disableClient": self._disable_client,
            "enableClient": self._enable_client,
            "setClientPassword": self._set_password,
            "createRole": self._create_role,
            "modifyRole": self._modify_role,
            "deleteRole": self._delete_role,
            "listClients": self._list_clients,
            "listRoles": self._list_roles,
            "setDefaultACLAccess": self._set_defaults,
            "addClientRole": self._add_role,
        }

    def admits(self, username: str | None, password: str | None, client_id: str) -> bool:
        """Return whether somebody may come in under this client id."""
        found = self._accounts.get(username or "")
        if found is None or found.disabled or password is None or not found.secret.is_of(password):
            return False
        return found.client_id is None or found.client_id == client_id

    def may_send(self, username: str, topic: str) -> bool:
        """Return whether an account may publish there."""
        return self._allowed(username, SEND, lambda rule: matches(topic, rule))

    def may_receive(self, username: str, topic: str) -> bool:
        """Return whether an account may be told what is published there."""
        return self._allowed(username, RECEIVE, lambda rule: matches(topic, rule))

    def may_subscribe(self, username: str, topic_filter: str) -> bool:
        """Return whether an account may ask for all of that."""
        return self._allowed(username, SUBSCRIBE, lambda rule: covers(rule, topic_filter))

    def _allowed(self, username: str, kind: str, falls_under: Callable[[str], bool]) -> bool:
        found = self._accounts.get(username)
        if found is None or found.disabled:
            return False
        rules = self._rules.get((username, kind))
        if rules is None:
            held = [rule for role in found.roles for rule in self._roles.get(role, []) if rule["acltype"] == kind]
            rules = self._rules[username, kind] = sorted(held, key=lambda rule: -int(rule.get("priority", 0)))
        for rule in rules:
            if falls_under(rule["topic"]):
                return bool(rule["allow"])
        return self._defaults.get(_DEFAULT_OF[kind], False)

    def control(self, payload: bytes) -> Answer:
        """Carry out commands; what cannot be is answered with its error, the others count."""
        answer = Answer(b"")
        try:
            commands = json.loads(payload)["commands"]
            said = [self._carry_out(each, answer.cut) for each in commands]
        except (ValueError, KeyError, TypeError):
            said = [{"command": "Unknown command", "error": "Payload not valid JSON"}]
        self._rules.clear()
        if any("data" not in each and "error" not in each for each in said):
            self._save(said)
        answer.payload = json.dumps({"responses": said}).encode()
        return answer

    def _carry_out(self, command: Mapping[str, Any], cut: set[str]) -> dict[str, Any]:
        name = str(command["command"])
        said: dict[str, Any] = {"command": name}
        if "correlationData" in command:
            said["correlationData"] = command["correlationData"]
        act = self._commands.get(name)
        if act is None:
            return {**said, "error": "Unknown command"}
        try:
            data = act(command, cut)
            return said if data is None else {**said, "data": data}
        except (CommandError, KeyError, TypeError, ValueError) as error:
            return {**said, "error": str(error) if isinstance(error, CommandError) else "Invalid/missing parameter"}

    def _save(self, said: list[dict[str, Any]]) -> None:
        """Write all down; where the disk takes nothing, what was done holds until the broker stops, and is answered as failed."""
        try:
            write_document(self._path, self._document())
        except OSError:
            log.error("accounts cannot be written", exc_info=True)
            for each in said:
                each.setdefault("error", "Internal error")

    def _document(self) -> dict[str, Any]:
        return {
            "defaultACLAccess": self._defaults,
            "clients": [
                {
                    **account(name, each.secret, "", each.client_id),
                    "roles": [{"rolename": role} for role in each.roles],
                    "disabled": each.disabled,
                }
                for name, each in self._accounts.items()
            ],
            "groups": [],
            "roles": [{"rolename": name, "acls": rules} for name, rules in self._roles.items()],
        }

    def _known(self, command: Mapping[str, Any]) -> _Account:
        found = self._accounts.get(command["username"])
        if found is None:
            raise CommandError("Client not found")
        return found

    def _create_client(self, command: Mapping[str, Any], _cut: set[str]) -> None:
        if command["username"] in self._accounts:
            raise CommandError("Client already exists")
        roles = [each["rolename"] for each in command.get("roles", [])]
        if any(role not in self._roles for role in roles):
            raise CommandError("Role not found")
        secret = hashed(str(command["password"]), secrets.token_bytes(SALT_BYTES))
        self._accounts[str(command["username"])] = _Account(secret, roles, command.get("clientid"))

    def _delete_client(self, command: Mapping[str, Any], cut: set[str]) -> None:
        self._known(command)
        del self._accounts[command["username"]]
        cut.add(command["username"])

    def _disable_client(self, command: Mapping[str, Any], cut: set[str]) -> None:
        self._known(command).disabled = True
        cut.add(command["username"])

    def _enable_client(self, command: Mapping[str, Any], _cut: set[str]) -> None:
        self._known(command).disabled = False

    def _set_password(self, command: Mapping[str, Any], cut: set[str]) -> None:
        self._known(command).secret = hashed(str(command["password"]), secrets.token_bytes(SALT_BYTES))
        cut.add(command["username"])

    def _add_role(self, command: Mapping[str, Any], _cut: set[str]) -> None:
        if command["rolename"] not in self._roles:
            raise CommandError("Role not found")
        found = self._known(command)
        if command["rolename"] not in found.roles:
            found.roles.append(command["rolename"])

    def _create_role(self, command: Mapping[str, Any], _cut: set[str]) -> None:
        if command["rolename"] in self._roles:
            raise CommandError("Role already exists")
        self._roles[str(command["rolename"])] = list(command.get("acls", []))

    def _modify_role(self, command: Mapping[str, Any], _cut: set[str]) -> None:
        if command["rolename"] not in self._roles:
            raise CommandError("Role not found")
        self._roles[command["rolename"]] = list(command.get("acls", []))

    def _delete_role(self, command: Mapping[str, Any], _cut: set[str]) -> None:
        if self._roles.pop(command["rolename"], None) is None:
            raise CommandError("Role not found")
        for each in self._accounts.values():
            each.roles = [role for role in each.roles if role != command["rolename"]]

    def _set_defaults(self, command: Mapping[str, Any], _cut: set[str]) -> None:
        self._defaults |= {each["acltype"]: bool(each["allow"]) for each in command["acls"]}

    def _list_clients(self, command: Mapping[str, Any], _cut: set[str]) -> dict[str, Any]:
        del command
        return {"totalCount": len(self._accounts), "clients": sorted(self._accounts)}

    def _list_roles(self, command: Mapping[str, Any], _cut: set[str]) -> dict[str, Any]:
        names = sorted(self._roles)
        found: list[Any] = [{"rolename": name, "acls": self._roles[name]} for name in names] if command.get("verbose") else names
        return {"totalCount": len(names), "roles": found}


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write the plugin's file, whole or not at all, mode 0600."""
    fresh = path.with_suffix(".json.fresh")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
