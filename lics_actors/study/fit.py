"""Whether a protocol can be run at a rig: which device plays which role, and whether it can what is asked of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drivers.protocol import Description
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.document import Protocol
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.problems import Problem, ProtocolError

SEE: Final = "see `lics rig show` and `lics device show`"


@dataclass(frozen=True, slots=True)
class Player:
    """A device at a rig. `described` None: it has not said what it can do."""

    name: str
    described: Description | None
    retired: bool = False


def cast(document: Protocol, rig: Mapping[str, Player], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return protocol's role → rig's role: as `wanted`, else the one of the same name.

    Raises:
        ProtocolError: one is missing, cannot be used, or is of another type.
    """
    found, problems = {role: wanted.get(role, role) for role in document.roles}, []
    for role, place in found.items():
        path, player = f"roles.{role}", rig.get(place)
        if player is None:
            problems.append(Problem(path, f"the rig has no role `{place}`", f"name one of: {', '.join(rig)}"))
        elif player.retired:
            problems.append(Problem(path, f"{player.name} is retired", "give the rig another device"))
        elif player.described is None:
            problems.append(Problem(path, f"{player.name} has not said what it can do", "switch it on once"))
        elif player.described.type != document.roles[role].type:
            asked = document.roles[role].type
            problems.append(Problem(path, f"{player.name} is a {player.described.type}, not a {asked}", SEE))
    problems += [Problem(f"roles.{role}", "the protocol has no such role", SEE) for role in wanted if role not in found]
    if problems:
        raise ProtocolError(problems)
    return found


def fitted(document: Protocol, rig: Mapping[str, Player], roles: Mapping[str, str]) -> Plan:
    """Return the plan of a protocol for the devices that play its roles (protocol's role → rig's role), all of them described.

    Where several are of one type each is looked at: what one cannot do, the protocol does not do at this rig.

    Raises:
        ProtocolError: it cannot be run here; with every path and reason.
    """
    by_type: dict[str, list[Description]] = {}
    for place in dict.fromkeys(roles.values()):
        described = rig[place].described
        if described is not None and described not in by_type.setdefault(described.type, []):
            by_type[described.type].append(described)
    plan: Plan | None = None
    for n in range(max((len(each) for each in by_type.values()), default=1)):
        other, _ = prepared(document, {name: each[min(n, len(each) - 1)] for name, each in by_type.items()})
        plan = plan or other
    assert plan is not None
    return plan
