"""Changing accounts at the broker while it runs: commands to its dynamic-security plugin, or to ours, over `$CONTROL`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import aiomqtt

from drivers.protocol import Grants
from lics_actors.admission.accounts import acls, is_ours
from lics_actors.admission.errors import BrokerAccountsError
from lics_actors.admission.rows import Kept
from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec

TOPIC: Final = "$CONTROL/dynamic-security/v1"
RESPONSE: Final = f"{TOPIC}/response"
ANSWER_S: Final = 5.0  # of a broker that is just writing a large file
AT_ONCE: Final = 100  # commands in a message: a few tens of KiB
REFUSED: Final = 128  # MQTT 3.1.1, section 3.9.3
KNOWN, UNKNOWN_ROLE, UNKNOWN_CLIENT = "already exists", "Role not found", "Client not found"

Command = dict[str, Any]


class BrokerAccounts:
    """The broker's accounts, reached with the credentials of one that may change them. Each call is a connection of its own."""

    def __init__(self, control: BrokerSpec) -> None:
        self._broker = control

    async def allow(self, role: str, grants: Grants) -> None:
        """Let a role do what is granted, and nothing else.

        Raises:
            BrokerAccountsError
        """
        rules = acls(grants)
        made = {"command": "createRole", "rolename": role, "acls": rules}
        await self.carry_out([made, {**made, "command": "modifyRole"}], forgiven=(KNOWN,))

    async def admit(self, username: str, password: str, client_id: str, role: str) -> None:
        """Let somebody in under one client id.

        Raises:
            BrokerAccountsError
        """
        roles = [{"rolename": role}]
        account = {"username": username, "password": password, "clientid": client_id, "roles": roles}
        await self.carry_out([{"command": "createClient", **account}])

    async def expel(self, usernames: Collection[str], roles: Collection[str] = ()) -> None:
        """Let these in no longer, and cut off those who are; whoever is not known is gone already.

        Raises:
            BrokerAccountsError
        """
        commands: list[Command] = [{"command": "deleteClient", "username": each} for each in usernames]
        commands += [{"command": "deleteRole", "rolename": each} for each in roles]
        await self.carry_out(commands, forgiven=(UNKNOWN_CLIENT, UNKNOWN_ROLE))

    async def kept(self) -> Kept:
        """Return what the broker holds of this laboratory's devices and claims.

        Raises:
            BrokerAccountsError
        """
        prefix = self._broker.prefix
        listing: list[Command] = [{"command": "listClients"}, {"command": "listRoles", "verbose": True}]
        clients, roles = await self.carry_out(listing)
        return Kept(
            frozenset(each for each in clients["data"]["clients"] if is_ours(prefix, each)),
            {each["rolename"]: each["acls"] for each in roles["data"]["roles"] if is_ours(prefix, each["rolename"])},
        )

    async def carry_out(self, commands: Sequence[Command], forgiven: Sequence[str] = ()) -> list[Command]:
        """Have commands carried out, in order, and return what was answered; errors that hold a `forgiven` text are none.

        Raises:
            BrokerAccountsError: it does not answer, or refuses one; the others may have been carried out.
        """
        try:
            async with asyncio.timeout(ANSWER_S + len(commands) / 20), self._client() as client:
                await _listen(client)
                said: list[Command] = []
                for start in range(0, len(commands), AT_ONCE):
                    said += await self._asked(client, commands[start : start + AT_ONCE])
        except (aiomqtt.MqttError, OSError, ValueError, TimeoutError) as error:
            raise BrokerAccountsError("the broker's accounts cannot be changed now", reason=str(error) or "no answer") from error
        for each in said:
            refusal = str(each.get("error", ""))
            if refusal and not any(text in refusal for text in forgiven):
                raise BrokerAccountsError(f"the broker refuses {each['command']}: {refusal}", reason=refusal)
        return said

    async def _asked(self, client: aiomqtt.Client, commands: Sequence[Command]) -> list[Command]:
        mark = uuid4().hex
        marked = [{**each, "correlationData": mark} for each in commands]
        await client.publish(TOPIC, json.dumps({"commands": marked}), qos=1)
        async for message in client.messages:
            said = json.loads(message.payload if isinstance(message.payload, bytes) else b"{}").get("responses", [])
            if said and all(each.get("correlationData") == mark for each in said):
                return list(said)
        raise aiomqtt.MqttError("the connection ended")

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=f"{broker.prefix}lics-control-{uuid4().hex[:12]}",
            tls_context=tls_context(broker),
            timeout=ANSWER_S,
        )


async def _listen(client: aiomqtt.Client) -> None:
    codes = await client.subscribe(RESPONSE, qos=1)
    if any((code if isinstance(code, int) else int(code.value)) >= REFUSED for code in codes):
        raise aiomqtt.MqttError("this account may not change accounts")


def control_spec(broker: BrokerSpec, username: str, password: str) -> BrokerSpec:
    """Return how the account that changes accounts gets in."""
    return replace(broker, username=username, password=password)
