"""Making a mosquitto of the laboratory's own ready for LICS: its accounts, their rules, and nothing for anybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lics_actors.admission.accounts import DEFAULTS, own_roles
from lics_actors.admission.control import KNOWN, BrokerAccounts, Command

_HELD: Final = ("already in", "Internal error")  # mosquitto 2.0.11's word for a role that an account has already


async def set_up(accounts: BrokerAccounts, passwords: Mapping[str, tuple[str, str]], prefix: str) -> None:
    """Make LICS's own accounts, or see that they are as they must be; what nobody is granted is refused from now on.

    `passwords`: of `lics` and `lics-control`, the username and password it is to have. Accounts and roles of others stay.

    Raises:
        BrokerAccountsError: the broker does not answer, has no dynamic-security plugin, or refuses.
    """
    roles: list[Command] = []
    for name, rules in own_roles(prefix).items():
        roles.append({"command": "createRole", "rolename": name, "acls": rules})
        roles.append({"command": "modifyRole", "rolename": name, "acls": rules})
    await accounts.carry_out(roles, forgiven=(KNOWN,))
    for name, (username, password) in passwords.items():
        made = {"command": "createClient", "username": username, "password": password, "roles": []}
        await accounts.carry_out([made], forgiven=(KNOWN,))
        role = {"command": "addClientRole", "username": username, "rolename": f"{prefix}{name}"}
        await accounts.carry_out([role], forgiven=_HELD)
        await accounts.carry_out([{"command": "setClientPassword", "username": username, "password": password}])
    closed = [{"acltype": kind, "allow": allow} for kind, allow in DEFAULTS.items()]
    await accounts.carry_out([{"command": "setDefaultACLAccess", "acls": closed}])
