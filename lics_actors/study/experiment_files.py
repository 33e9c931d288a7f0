"""Experiments as people write them in a file: protocols, subjects, rigs and readers by name. Asks nobody itself.

name: two choices, batch 3
stages:
  - {name: habituation, protocol: habituation, advance: {runs: 2, trials: 50, share: 0.8}}
  - {name: choice, protocol: two_choice, number: 3, parameters: {ratio: 2}}
subjects: [m-17, m-18]
schedule: {zone: Europe/Berlin, windows: [{begin: "08:00", end: "18:00"}], rigs: {m-17: cage 1}}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

from lics_actors.errors import InvalidError

_TEXT, _LIST, _FIELDS = (str, "write text"), (list, "write a list"), (dict, "write fields")
KINDS: Final[Mapping[str, tuple[type, str]]] = {
    "name": _TEXT, "about": _TEXT, "status": _TEXT, "stages": _LIST, "subjects": _LIST, "schedule": _FIELDS
}  # fmt: skip
STATUSES: Final = frozenset({"draft", "active", "paused", "done"})

Version = Callable[[str, int | None], Awaitable[UUID]]
Named = Callable[[str], Awaitable[UUID]]


def read_file(said: object, *, whole: bool) -> dict[str, Any]:
    """Return what a file says, with names as they stand there. `whole`: an experiment to be, which has a name and stages.

    Raises:
        InvalidError: `fields` says where it breaks a rule.
    """
    if not isinstance(said, dict) or not said:
        raise InvalidError("this is no experiment", ({"field": "file", "message": "write fields, as `name: …`"},))
    known = ", ".join(sorted(KINDS))
    faults = [{"field": str(each), "message": f"is no field; there are: {known}"} for each in said.keys() - KINDS.keys()]
    faults += [{"field": each, "message": "is missing"} for each in ("name", "stages") if whole and each not in said]
    wrong = [each for each, (kind, _) in KINDS.items() if each in said and not isinstance(said[each], kind)]
    faults += [{"field": each, "message": KINDS[each][1]} for each in wrong]
    if not faults and (said.get("name", "x").strip() == "" or len(said.get("name", "")) > 255):
        faults.append({"field": "name", "message": "1 to 255 characters"})
    if not faults and said.get("status", "draft") not in STATUSES:
        faults.append({"field": "status", "message": f"one of {', '.join(sorted(STATUSES))}"})
    if faults:
        raise InvalidError("this is no experiment; see fields", tuple(faults))
    return dict(said)


async def resolved(said: Mapping[str, Any], *, version: Version, subject: Named, rig: Named, device: Named) -> dict[str, Any]:
    """Return what a file says with ids in place of names, which the functions find; ids stay.

    Raises:
        InvalidError: a part is none. What the functions raise.
    """
    found = dict(said)
    if "stages" in said:
        found["stages"] = [await _stage(n, each, version) for n, each in enumerate(said["stages"])]
    if "subjects" in said:
        found["subjects"] = [str(await subject(str(each))) for each in said["subjects"]]
    if "schedule" in said:
        schedule = found["schedule"] = dict(said["schedule"])
        for name, find in (("rigs", rig), ("readers", device)):
            if isinstance(schedule.get(name), Mapping):
                pairs = [(await subject(str(who)), await find(str(where))) for who, where in schedule[name].items()]
                schedule[name] = {str(who): str(where) for who, where in pairs}
    return found


async def _stage(n: int, said: object, version: Version) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        raise InvalidError("this is no stage", ({"field": f"stages.{n}", "message": "write fields, as `protocol: …`"},))
    stage = dict(said)
    name, number = stage.pop("protocol", None), stage.pop("number", None)
    if name is None:
        return stage
    if "protocol_version_id" in stage or not (number is None or (isinstance(number, int) and number > 0)):
        message = "give `protocol` and perhaps `number`, or `protocol_version_id`"
        raise InvalidError("this is no stage", ({"field": f"stages.{n}", "message": message},))
    return stage | {"protocol_version_id": str(await version(str(name), number))}
