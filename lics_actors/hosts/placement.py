"""Which host has which duty: a device to serve, or the record to keep. Pure.

A host is *capable* of a duty where it may serve its site, and *at home* there where the site is named in `LICS_NODE_SITES`. A
duty stays where it is for as long as its host lives, unless another is strictly better: one that is not being drained before one
that is, then one at home before a stand-in. Among equals the one with the least to do gets what needs a place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

ANYWHERE = "*"  # among a host's sites: it stands in for every other site, too
RECORDING = "recording"  # the duty of keeping the laboratory's record
DEAD_S = 5.0  # ten heartbeats; longer than a database's failover takes to be noticed would only be waiting


class HostState(StrEnum):
    """Where a host stands."""

    UP = "up"
    DRAINING = "draining"  # it gives away what others can take
    LOST = "lost"  # silent for DEAD_S: others take over
    UNFENCED = "silent"  # silent, but it never knew of others, so it may be at work: nobody takes over
    LEFT = "left"  # stopped in order


ALIVE = frozenset({HostState.UP, HostState.DRAINING, HostState.UNFENCED})


@dataclass(frozen=True, slots=True)
class Host:
    """A host as the others know it. `sites`: where its devices are; none, or `*` among them: anywhere."""

    name: str
    sites: tuple[str, ...] = ()
    state: HostState = HostState.UP

    @property
    def alive(self) -> bool:
        """Return whether it keeps what it has."""
        return self.state in ALIVE


def host_state(age_s: float, *, left: bool, drained: bool, fenced: bool, dead_s: float = DEAD_S) -> HostState:
    """Return where a host stands whose last heartbeat is `age_s` old by the database's clock.

    `fenced`: it knows of others, so that it begins nothing once its own lease is over (hosts/lease.py).
    """
    if left:
        return HostState.LEFT
    if age_s > dead_s:
        return HostState.LOST if fenced else HostState.UNFENCED
    return HostState.DRAINING if drained else HostState.UP


def fit(sites: Iterable[str], location: str | None) -> int:
    """Return 2 where a host is at home, 1 where it may stand in, 0 where it cannot. `a` covers `a/1`."""
    named = [site.strip("/") for site in sites if site != ANYWHERE]
    if location is not None and any(location == site or location.startswith(f"{site}/") for site in named):
        return 2
    return 1 if location is None or not named or ANYWHERE in sites else 0


def place(needs: Mapping[str, str | None], hosts: Iterable[Host], present: Mapping[str, str]) -> dict[str, str]:
    """Return the host of each duty. `needs`: the location of each, `present`: where they are.

    A duty that no living host is capable of stays with its host, for when that is back; one that never had any is left out.
    """
    alive = {host.name: host for host in hosts if host.alive}
    placed = {duty: at for duty in needs if (at := present.get(duty)) in alive and not _bettered(alive, needs[duty], at)}
    load = Counter(placed.values())
    for duty in sorted(needs.keys() - placed.keys()):
        capable = [host for host in alive.values() if fit(host.sites, needs[duty])]
        if capable:
            chosen = max(capable, key=lambda host: (*_worth(host, needs[duty]), -load[host.name], _backwards(host.name)))
            placed[duty] = chosen.name
            load[chosen.name] += 1
        elif duty in present:
            placed[duty] = present[duty]
    return placed


def _bettered(alive: Mapping[str, Host], location: str | None, at: str) -> bool:
    """Return whether a duty must or should leave its living host. A silent one could not hear of it."""
    now = alive[at]
    if now.state is HostState.UNFENCED:
        return False
    return max(_worth(host, location) for host in alive.values()) > _worth(now, location)


def _worth(host: Host, location: str | None) -> tuple[bool, int]:
    suits = fit(host.sites, location)
    return suits > 0 and host.state is HostState.UP, suits


def _backwards(name: str) -> tuple[int, ...]:
    """Return what has the first of names in the alphabet be the greatest."""
    return tuple(-ord(letter) for letter in name)
