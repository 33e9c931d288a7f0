"""Whether the house is in order: how much memory each part uses, who runs and should not, and what lies about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psutil

from lics_actors.recorder import outboxes, tail
from tests.system.chaos.verdict import Finding
from tests.system.chaos.world import World

# A part may have grown by so much since it was warm: a process that has served more has more of its pages to itself, and
# each connection, buffer and cache has a bound that a longer run comes nearer to.
GROWTH, SLACK_MIB = 1.3, 4.0
READER_MIB = 0.2  # a journal that a recorder has open (lics_actors/recorder/readers.py)
READERS = outboxes.OPEN_READERS + tail.OPEN_READERS  # as many at most
LEFT_OVER = ("*.tmp", "*.new", "*.part", "*.sock")


def memory(world: World) -> dict[str, float]:
    """Return the memory each long-lived part has to itself, in MiB; of devices' actors the mean."""
    parts = ["up", "launcher", "web", "fleet", "registrar", "housekeeper", "scheduler"]
    parts += [f"rack:{n}" for n in range(world.scope.racks)] + [f"recorder:{n}" for n in range(world.scope.recorders)]
    parts += [f"worker:{n}" for n in range(world.scope.workers)] if world.scope.workers > 1 else []
    found = {part: uss for part in parts if (uss := _uss(world.find(part)))}
    actors = [uss for n in range(world.scope.devices) if (uss := _uss(world.find(f"actor:{n}")))]
    return {**found, "actors": sum(actors) / len(actors)} if actors else found


def _uss(processes: list[psutil.Process]) -> float:
    try:
        return sum(each.memory_full_info().uss for each in processes) / 2**20
    except psutil.Error:
        return 0.0


def grown(before: Mapping[str, float], after: Mapping[str, float], runs: int = 0) -> Finding:
    """Return which parts use more than they may. `runs`: there were so many, whose journals recorders may have open. Pure."""
    found = Finding("memory: back to what it was", len(before))
    for part, mib in before.items():
        now, bound = after.get(part), mib * GROWTH + SLACK_MIB
        if part.startswith("recorder"):
            bound += READER_MIB * min(2 * runs, READERS)
        if now is None or now > bound:
            found.lost += 1
            found.differences.append(f"{part}: {mib:.1f} MiB when warm, {'gone' if now is None else f'{now:.1f} MiB'} at the end")
    return found


def orphans(world: World) -> Finding:
    """Return who works for LICS and is not below `lics up`, and which actor runs twice."""
    roles = [each.role for each in world.recorded()]
    found = Finding("processes: each once, none stray", len(set(roles)))
    for stray in world.strays():
        found.doubled += 1
        found.differences.append(f"stray process {stray.pid}: {_words(stray)}")
    for role in {role for role in roles if roles.count(role) > 1 and not role.startswith("child-of")}:
        found.doubled += 1
        found.differences.append(f"{role} runs {roles.count(role)} times")
    return found


def left_behind(world: World) -> Finding:
    """Return what is there after an orderly stop and should not be."""
    folder = world.data_dir
    found = Finding("leftovers: no process, no temporary file", 1)
    lying = [*(folder / "tmp").iterdir(), *(path for pattern in LEFT_OVER for path in folder.rglob(pattern))]
    lying += [path for path in folder.rglob("*") if path.is_socket() or path.name == "fleet.pids"]
    found.differences += [f"process {each.pid}: {_words(each)}" for each in world.strays()]
    found.differences += [str(path.relative_to(folder)) for path in sorted(set(lying))]
    found.lost = min(1, len(found.differences))
    return found


def logs(folder: Path) -> list[Path]:
    """Return the logs that tell what happened."""
    return sorted([*folder.glob("*.out"), *folder.rglob("*.log"), *folder.rglob("*.log.1")])


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()[-4:])
    except psutil.Error:
        return "gone by now"
