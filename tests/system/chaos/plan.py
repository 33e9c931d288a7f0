"""Which faults strike what, and when: drawn from a seed, the same every time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What is done to a target."""

    KILL = "kill"  # SIGKILL; a server is started again after the duration
    PAUSE = "pause"  # SIGSTOP, and SIGCONT after the duration
    STOP = "stop"  # a server ends in order, and is started again after the duration
    DROP = "drop"  # a link: its connections end and new ones are refused for the duration
    RESET = "reset"  # a link: its connections are torn, new ones work
    HOLE = "hole"  # a link: nothing goes through for the duration, and nobody is told
    DELAY = "delay"  # a link: everything comes later
    CUT = "cut"  # a device: its power fails for the duration
    FREEZE = "freeze"  # a device: its firmware hangs for the duration
    RESTART = "restart"  # an operator restarts it; `all` is a rolling restart
    DRAIN = "drain"  # an operator puts it out of work, and clears it after the duration


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: seconds after the beginning, what, to whom, for how many seconds (0 where there is no duration)."""

    at_s: float
    kind: Kind
    target: str
    duration_s: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.duration_s:.1f} s" if self.duration_s else ""
        return f"{self.at_s:7.1f} s  {self.kind} {self.target}{lasting}"


@dataclass(frozen=True, slots=True)
class Scope:
    """What there is to strike: devices, parts of LICS, `runs` at once. `servers`: those that we may stop.

    `longest_s`: no fault lasts longer.
    """

    devices: int
    racks: int = 1
    recorders: int = 1
    workers: int = 1
    servers: frozenset[str] = frozenset({"broker", "postgres", "redis"})
    longest_s: float = 30.0
    runs: int = 0  # at once


@dataclass(frozen=True, slots=True)
class _Choice:
    """A kind of fault: how often it is drawn, how long it lasts, how long its target, or all of its `group`, then has peace.

    What counts restarts or pauses between them (the launcher: 1 s doubling to 120 s unless it ran for 60 s) gets the peace
    that keeps it at work most of the time: a system that is down anyway proves nothing.
    """

    kind: Kind
    targets: tuple[str, ...]
    weight: float
    lasts_s: tuple[float, float] = (0.0, 0.0)
    peace_s: float = 3.0
    group: str = ""


LINKS = ("lics-broker", "lics-postgres", "lics-redis", "devices-broker")
ROOT_PEACE_S = 75.0
EVERYTHING_PEACE_S = 120.0


def choices(scope: Scope) -> tuple[_Choice, ...]:
    """Return what may happen in this scope."""
    actors = tuple(f"actor:{n}" for n in range(scope.devices))
    devices = tuple(f"device:{n}" for n in range(scope.devices))
    racks = tuple(f"rack:{n}" for n in range(scope.racks))
    recorders = tuple(f"recorder:{n}" for n in range(scope.recorders))
    links = tuple(f"link:{name}" for name in LINKS)
    servers = tuple(sorted(scope.servers))
    workers = tuple(f"worker:{n}" for n in range(scope.workers))
    return (
        _Choice(Kind.KILL, actors, 24, peace_s=8.0),
        _Choice(Kind.PAUSE, actors, 8, (0.2, 25.0), peace_s=8.0),
        _Choice(Kind.RESTART, actors, 4, peace_s=8.0),
        _Choice(Kind.DRAIN, actors, 2, (0.2, 10.0), peace_s=8.0),
        _Choice(Kind.RESTART, ("all", "registrar", "housekeeper", "scheduler", *racks, *recorders), 3, peace_s=30.0),
        _Choice(Kind.RESTART, ("fleet",), 0.5, peace_s=0.0, group="root"),
        _Choice(Kind.KILL, racks, 3, peace_s=20.0),
        _Choice(Kind.PAUSE, racks, 2, (0.2, 25.0), peace_s=20.0),
        _Choice(Kind.KILL, recorders, 8, peace_s=8.0),
        _Choice(Kind.PAUSE, recorders, 4, (0.2, 25.0), peace_s=10.0),
        _Choice(Kind.KILL, ("registrar", "housekeeper", "scheduler"), 3, peace_s=10.0),
        _Choice(Kind.PAUSE, ("registrar", "housekeeper", "scheduler"), 2, (0.2, 25.0), peace_s=15.0),
        _Choice(Kind.KILL, ("fleet", "admin", "launcher"), 2, peace_s=0.0, group="root"),
        _Choice(Kind.PAUSE, ("fleet", "admin", "launcher"), 1, (0.2, 8.0), peace_s=0.0, group="root"),
        _Choice(Kind.KILL, ("up", "everything"), 1, peace_s=0.0, group="everything"),
        _Choice(Kind.KILL, ("web",), 2, peace_s=20.0),
        _Choice(Kind.PAUSE, ("web",), 1, (0.2, 5.0), peace_s=20.0),
        _Choice(Kind.KILL, workers, 4, peace_s=15.0),
        _Choice(Kind.PAUSE, workers, 3, (0.2, 5.0), peace_s=15.0),
        *(
            _Choice(kind, servers, weight, lasts_s, peace_s=10.0)
            for kind, weight, lasts_s in (
                (Kind.KILL, 5, (0.0, 5.0)),
                (Kind.STOP, 3, (0.0, 5.0)),
                (Kind.PAUSE, 4, (0.2, 12.0)),
            )
            if servers
        ),
        _Choice(Kind.DROP, links, 4, (0.1, 8.0), peace_s=5.0),
        _Choice(Kind.RESET, links, 5, peace_s=5.0),
        _Choice(Kind.HOLE, links, 4, (0.2, 20.0), peace_s=5.0),
        _Choice(Kind.DELAY, links, 3, (1.0, 10.0), peace_s=5.0),
        _Choice(Kind.CUT, devices, 12, (0.0, 6.0), peace_s=5.0),
        _Choice(Kind.FREEZE, devices, 5, (0.2, 10.0), peace_s=5.0),
        *_of_runs(scope),
    )


def _of_runs(scope: Scope) -> tuple[_Choice, ...]:
    """Return what befalls runs; nothing where there are none, so that a seed without runs goes on meaning what it did."""
    if not scope.runs:
        return ()
    runs = tuple(f"run:{n}" for n in range(scope.runs))
    return (
        _Choice(Kind.KILL, runs, 24, peace_s=4.0),
        _Choice(Kind.PAUSE, runs, 6, (0.2, 25.0), peace_s=8.0),
        _Choice(Kind.RESTART, runs, 2, peace_s=8.0),
        _Choice(Kind.KILL, ("runs",), 3, peace_s=20.0),
        _Choice(Kind.PAUSE, ("runs",), 1, (0.2, 25.0), peace_s=20.0),
    )


def drawn(seed: int, count: int, seconds: float, scope: Scope) -> tuple[Fault, ...]:
    """Return `count` faults within `seconds`, in order of time. A target's faults do not overlap; different targets' do."""
    dice = Random(f"lics chaos {seed}")
    menu, free_at = choices(scope), dict[str, float]()
    times = sorted(dice.uniform(0.0, seconds) for _ in range(count))
    return tuple(_draw(dice, menu, free_at, round(at_s, 3), scope.longest_s) for at_s in times)


def _draw(dice: Random, menu: Sequence[_Choice], free_at: dict[str, float], at_s: float, longest_s: float) -> Fault:
    open_to = [(choice, _open(choice, free_at, at_s)) for choice in menu]
    left = [(choice, targets) for choice, targets in open_to if targets]
    if not left:  # more faults than there is room for: whoever has been left alone longest is an actor
        left = [(menu[0], (min(menu[0].targets, key=lambda target: free_at.get(target, 0.0)),))]
    choice, targets = dice.choices(left, [choice.weight for choice, _ in left])[0]
    target = dice.choice(targets)
    shortest, longest = choice.lasts_s
    # as often short as long, in orders of magnitude: both ends find different faults
    span = longest - shortest
    lasts_s = min(longest_s, round(shortest + span * dice.random() ** 2.5, 3))
    over = at_s + lasts_s
    free_at[target] = max(free_at.get(target, 0.0), over + choice.peace_s)
    if choice.group:
        free_at["root"] = over + ROOT_PEACE_S
    if choice.group == "everything":
        free_at["everything"] = over + EVERYTHING_PEACE_S
    return Fault(at_s, choice.kind, target, lasts_s)


def _open(choice: _Choice, free_at: Mapping[str, float], at_s: float) -> tuple[str, ...]:
    if choice.group and (free_at.get("root", 0.0) > at_s or free_at.get(choice.group, 0.0) > at_s):
        return ()
    return tuple(target for target in choice.targets if free_at.get(target, 0.0) <= at_s)
