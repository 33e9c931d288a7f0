"""Rehearsals for those who must not be held up by one: in a process of its own, one at a time, with an end.

`python -m lics_actors.study.rehearsing` reads what to rehearse from stdin and writes what came of it to stdout.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from drivers.description import description_json, description_of
from drivers.native.subject import SubjectModel
from drivers.protocol import Description
from lics_actors.errors import ConflictError, InvalidError, LicsError
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.problems import Problem
from lics_actors.experiment.rehearsal import Rehearsal, Rehearsed, rehearse
from lics_actors.study.parameters import base_units
from lics_actors.study.protocol_documents import finding, kept

MAX_TRIALS: Final = 20_000  # some 20 s of a core
MAX_S: Final = 60.0
MAX_WAITING: Final = 4


class RehearsalError(LicsError):
    """A rehearsal did not come to an end."""

    code = "REHEARSAL_FAILED"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to rehearse; `parameters` as people give them."""

    document: str
    devices: Mapping[str, Description]
    trials: int = 1000
    subject_model: SubjectModel = "random"
    seed: int = 1
    parameters: Mapping[str, Any] | None = None


def rehearsed(wish: Wish) -> dict[str, Any]:
    """Rehearse, here and now, and return what came of it as one JSON object.

    Raises:
        ProtocolError, InvalidError: the protocol or a parameter cannot be used.
    """
    plan, warnings = prepared(kept(wish.document), wish.devices)
    parameters = base_units(plan, wish.parameters or {})
    task = Rehearsal(plan, wish.devices, wish.trials, wish.subject_model, wish.seed, parameters)
    began = time.perf_counter()
    done = rehearse(task)
    return told(task, done, time.perf_counter() - began, warnings)


def told(task: Rehearsal, done: Rehearsed, took_s: float, warnings: tuple[Problem, ...]) -> dict[str, Any]:
    """Return what came of a rehearsal as one JSON object."""
    return {
        "protocol": task.plan.document.name,
        "subject_model": task.subject,
        "seed": task.seed,
        **done.tally.document(),
        "replay": "identical" if done.difference is None else str(done.difference),
        "took_s": round(took_s, 3),
        "trials_per_minute": round(done.tally.trials / took_s * 60),
        "warnings": [finding(each) for each in warnings],
    }


class Rehearser:
    """Rehearses in processes of its own, one after the other."""

    def __init__(self) -> None:
        self._alone = asyncio.Lock()
        self._waiting = 0

    async def rehearse(self, wish: Wish) -> dict[str, Any]:
        """Return what came of a rehearsal.

        Raises:
            ConflictError: too many wait already.
            RehearsalError: it did not come to an end in time.
        """
        if self._waiting >= MAX_WAITING:
            raise ConflictError("too many rehearsals are waiting; try again in a minute")
        self._waiting += 1
        try:
            async with self._alone:
                return await _elsewhere(wish)
        finally:
            self._waiting -= 1


async def _elsewhere(wish: Wish) -> dict[str, Any]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lics_actors.study.rehearsing", stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(MAX_S):
            out, err = await process.communicate(_packed(wish))
    except TimeoutError:
        raise RehearsalError(f"the rehearsal did not come to an end within {MAX_S:g} s; ask for fewer trials") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RehearsalError("the rehearsal broke off", status=process.returncode, last=err[-500:].decode(errors="replace"))
    result: dict[str, Any] = msgspec.json.decode(out)
    return result


def _packed(wish: Wish) -> bytes:
    devices = {name: description_json(each) for name, each in wish.devices.items()}
    facts = {name: getattr(wish, name) for name in ("document", "trials", "subject_model", "seed", "parameters")}
    return msgspec.json.encode({**facts, "devices": devices})


def main() -> None:
    """Rehearse what stdin says."""
    os.nice(10)
    said = msgspec.json.decode(sys.stdin.buffer.read())
    devices = {name: description_of(each) for name, each in said.pop("devices").items()}
    try:
        sys.stdout.buffer.write(msgspec.json.encode(rehearsed(Wish(devices=devices, **said))))
    except InvalidError as error:
        sys.stderr.write(error.message)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
