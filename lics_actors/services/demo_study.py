"""The demo's experiment: two choices in three of its cages, run after run, ordered over REST as anybody would.

Nobody is commanded twice: what runs is asked first. Who wants no more of it pauses the experiment, or lets a subject rest
(`lics subject change cage-5-mouse --status resting --reason …`), and who wants a cage uses another one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from config.settings import Settings
from lics_actors.services.readiness import fetch

CAGES: Final = ("cage-5", "cage-6", "cage-7")
EXPERIMENT: Final = "demo: two choices"
PROTOCOL: Final = "two_choice"
REHEARSED: Final = {"trials": 200, "subject_model": "ideal"}
LOOK_S: Final = 5.0
REFUSED_S: Final = 60.0  # nothing changes soon about a cage in which no run may begin

log = logging.getLogger(__name__)


class _RefusedError(Exception):
    """LICS answered otherwise than hoped."""

    def __init__(self, path: str, status: int, said: object) -> None:
        super().__init__(f"{path} was answered {status}: {said}")


@dataclass(frozen=True, slots=True)
class _Place:
    """A cage with its subject."""

    rig_id: str
    subject_id: str


class DemoStudy:
    """Keeps runs under way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places: list[_Place] = []
        self._experiment = ""
        self._refused: dict[str, float] = {}

    async def keep(self) -> None:
        """Do so until cancelled, whatever is away for a while."""
        while True:
            try:
                await self._look()
            except (OSError, ValueError, KeyError, TypeError, _RefusedError) as error:
                log.info("the demo's experiment waits", extra={"reason": str(error)})
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        if not self._places:
            version = await self._protocol()
            places = [await self._prepare(name) for name in CAGES]
            self._experiment = await self._planned(version, [place.subject_id for place in places])
            self._places = places
        for place in self._places:
            await self._begin(place)

    async def _protocol(self) -> str:
        """Return the id of the protocol's version, rehearsed."""
        version = await self._ask("/protocols", {"classic": PROTOCOL})
        if not version["rehearsed"]:
            await self._ask(f"/protocols/{version['protocol_id']}/versions/{version['number']}/rehearsals", REHEARSED)
        return str(version["id"])

    async def _planned(self, version: str, subjects: list[str]) -> str:
        """Return the experiment's id."""
        experiment = _named(await self._ask("/experiments?limit=500"), EXPERIMENT)
        if experiment is None:
            stages = [{"name": "choice", "protocol_version_id": version}]
            plan = {"name": EXPERIMENT, "status": "active", "stages": stages, "subjects": subjects}
            experiment = await self._ask("/experiments", plan)
        return str(experiment["id"])

    async def _prepare(self, cage: str) -> _Place:
        rig = _named(await self._ask("/rigs?limit=500"), cage)
        name = f"{cage}-mouse"
        subject = _named(await self._ask("/subjects?limit=500"), name)
        if subject is None:
            subject = await self._ask("/subjects", {"name": name, "species": "Mus musculus", "sex": "unknown"})
        if rig is None:
            raise KeyError(f"there is no rig {cage}")
        return _Place(rig["id"], subject["id"])

    async def _begin(self, place: _Place) -> None:
        """Begin a run where none is under way; let one go on that waits for a person since its laboratory was stopped."""
        found = (await self._ask(f"/runs?unfinished=true&rig={quote(place.rig_id)}"))["items"]
        now = asyncio.get_running_loop().time()
        if found:
            run = await self._ask(f"/runs/{found[0]['id']}")
            if (run["now"] or run)["phase"] == "recovering":
                await self._ask(f"/runs/{run['id']}/resume", {"reason": "the demo goes on"})
        elif now >= self._refused.get(place.rig_id, now):
            self._refused[place.rig_id] = now + REFUSED_S
            wanted = {"rig_id": place.rig_id, "subject_id": place.subject_id, "experiment_id": self._experiment}
            run = await self._ask("/runs", wanted)
            del self._refused[place.rig_id]
            log.info("a run of the demo begins", extra={"run": run["id"], "rig": place.rig_id})

    async def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = None if body is None else {"Idempotency-Key": str(uuid4())}
        status, said = await asyncio.to_thread(fetch, self._settings, f"/api/v1{path}", body=body, headers=headers)
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}:
            raise _RefusedError(path, status, said)
        return said


def _named(page: Any, name: str) -> Any:
    return next((each for each in page["items"] if each["name"] == name), None)
