"""What people do about rigs and their interlocks: audited, in the table, and told to the fleet. Web and command line share it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.audit import Asker, AuditLog
from lics_actors.device.messages import DeviceTwin, InterlocksReset, ResetInterlocks, RigSpec, TrippedInterlock
from lics_actors.errors import ConflictError, InvalidError, LicsError
from lics_actors.store.repository import Repository
from lics_actors.store.rig_documents import InterlockBody, check_rig, interlock_documents, read_interlocks
from lics_actors.store.rigs import NewRig, RigRow

ASK_S: Final = 1.0  # an actor that takes longer is told of as not known

log = logging.getLogger(__name__)


class RigFleet(Protocol):
    """What is needed of lics_actors.client.FleetClient."""

    async def twin(self, device_id: UUID) -> DeviceTwin:
        """Return what is true of a device now."""

    async def register_rig(self, rig_id: UUID, rig: RigSpec | None, /) -> None:
        """Have devices take over a rig's interlocks."""

    async def reset(self, request: ResetInterlocks, /) -> InterlocksReset:
        """Have a device forget that interlocks have tripped."""


@dataclass(frozen=True, slots=True)
class RigState:
    """A rig as it is now. `tripped`: by device, what of this rig has tripped it; `unknown`: devices whose actor did not say."""

    row: RigRow
    tripped: Mapping[UUID, tuple[TrippedInterlock, ...]]
    unknown: tuple[UUID, ...] = ()

    @property
    def names(self) -> set[str]:
        """Return the interlocks that have tripped somewhere."""
        return {each.interlock for those in self.tripped.values() for each in those}


class RigDesk:
    """Keeps rigs and resets interlocks. A fleet that does not hear of a change finds it by itself within half a minute."""

    def __init__(self, repository: Repository, fleet: RigFleet, audit: AuditLog) -> None:
        self._repository, self._fleet, self._audit = repository, fleet, audit

    async def create(
        self,
        asker: Asker,
        name: str,
        devices: Mapping[str, UUID],
        interlocks: Sequence[InterlockBody],
        rig_id: UUID | None = None,
        *,
        laboratory_id: UUID = DEFAULT_LABORATORY,
    ) -> RigRow:
        """Keep a rig.

        Raises:
            InvalidError: it does not fit its devices; ConflictError: its name or id is in use.
            DatabaseUnavailableError
        """
        async with self._audit.act(asker, "rig.create", f"rig:{rig_id or name}", None) as found:
            await self._check(devices, interlocks, laboratory_id)
            new = NewRig(name, asker.principal, devices, interlock_documents(interlocks), rig_id, laboratory_id)
            row = await self._repository.create_rig(new)
            found.after = facts(row)
        await self._tell(row)
        return row

    async def change(self, asker: Asker, rig_id: UUID, changes: Mapping[str, Any], expected_version: int | None) -> RigRow:
        """Change some of `name`, `devices` and `interlocks`.

        Raises:
            ConflictError: an interlock that has tripped would go, or a device it has tripped: reset it first.
            RunUnderWayError: a run has a device that would go.
            InvalidError, RigNotFoundError, PreconditionFailedError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "rig.change", f"rig:{rig_id}", None) as found:
            before = await self._repository.get_rig(rig_id)
            devices = changes.get("devices", before.devices)
            bodies = changes.get("interlocks")
            kept = read_interlocks(list(before.interlocks)) if bodies is None else bodies
            await self._check(devices, kept, before.laboratory_id)
            await self._keep_tripped(before, {each.name for each in kept}, set(devices.values()))
            written = dict(changes) if bodies is None else {**changes, "interlocks": interlock_documents(bodies)}
            row = await self._repository.update_rig(rig_id, written, expected_version=expected_version, principal=asker.principal)
            found.before, found.after = facts(before), facts(row)
        await self._tell(row)
        return row

    async def delete(self, asker: Asker, rig_id: UUID, expected_version: int | None) -> None:
        """Forget a rig.

        Raises:
            ConflictError: one of its interlocks has tripped: reset it first. RunUnderWayError: a run is at it.
            RigNotFoundError, PreconditionFailedError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "rig.delete", f"rig:{rig_id}", None) as found:
            before = await self._repository.get_rig(rig_id)
            found.before = facts(before)
            await self._keep_tripped(before, set(), set())
            await self._repository.delete_rig(rig_id, expected_version=expected_version)
        await self._say(rig_id, None)

    async def reset(self, asker: Asker, row: RigRow, interlock: str | None, reason: str) -> RigState:
        """Reset a rig's interlocks on all its devices, or one of them; return the rig as it is then.

        Raises:
            InterlockTrippedError: a condition still is so. Devices where it is not may have been reset: ask again.
            InvalidError: no reason, or no such interlock; FleetUnavailableError, DeviceTimeoutError: not all have answered.
        """
        target = f"rig:{row.id}" if interlock is None else f"rig:{row.id}/{interlock}"
        async with self._audit.act(asker, "rig.reset", target, reason) as found:
            if not reason.strip():
                raise InvalidError("resetting an interlock needs a reason", ({"field": "reason", "message": "is empty"},))
            if interlock is not None and interlock not in {each.get("name") for each in row.interlocks}:
                raise InvalidError("no such interlock", ({"field": "interlock", "message": f"the rig has no {interlock!r}"},))
            wishes = [ResetInterlocks(each, row.id, asker.principal, reason, interlock) for each in tripped_by(row)]
            answers = await asyncio.gather(*(self._fleet.reset(wish) for wish in wishes), return_exceptions=True)
            done = [each for each in answers if isinstance(each, InterlocksReset)]
            found.after = {"reset": {str(each.device_id): list(each.interlocks) for each in done if each.interlocks}}
            for refusal in answers:
                if isinstance(refusal, BaseException):
                    raise refusal
        return await self.state(row)

    async def state(self, row: RigRow) -> RigState:
        """Return what of a rig has tripped."""
        targets = tripped_by(row)
        twins = await asyncio.gather(*(self._twin(each) for each in targets))
        tripped = {twin.device_id: tuple(each for each in twin.tripped if each.rig_id == row.id) for twin in twins if twin}
        unknown = tuple(each for each, twin in zip(targets, twins, strict=True) if twin is None)
        return RigState(row, {device_id: those for device_id, those in tripped.items() if those}, unknown)

    async def _twin(self, device_id: UUID) -> DeviceTwin | None:
        try:
            async with asyncio.timeout(ASK_S):
                return await self._fleet.twin(device_id)
        except (LicsError, TimeoutError):
            return None

    async def _check(self, devices: Mapping[str, UUID], interlocks: Sequence[InterlockBody], laboratory_id: UUID) -> None:
        check_rig(devices, interlocks, await self._repository.rig_members(devices.values(), laboratory_id))

    async def _keep_tripped(self, row: RigRow, names: set[str], devices: set[UUID]) -> None:
        for device_id, those in (await self.state(row)).tripped.items():
            gone = [each.interlock for each in those if each.interlock not in names or device_id not in devices]
            if gone:
                raise ConflictError(f"interlock {gone[0]!r} has tripped; reset it first", interlock=gone[0], rig_id=str(row.id))

    async def _tell(self, row: RigRow) -> None:
        try:
            await self._say(row.id, await self._repository.rig_spec(row))
        except LicsError as error:
            log.warning("the fleet was not told of a rig yet", extra={"rig": str(row.id), "reason": error.message})

    async def _say(self, rig_id: UUID, spec: RigSpec | None) -> None:
        try:
            async with asyncio.timeout(ASK_S):
                await self._fleet.register_rig(rig_id, spec)
        except (LicsError, TimeoutError) as error:
            log.warning("the fleet was not told of a rig yet", extra={"rig": str(rig_id), "reason": str(error)})


def tripped_by(row: RigRow) -> list[UUID]:
    """Return the devices that a rig's interlocks trip, each once."""
    roles = [trip.get("role") for each in row.interlocks for trip in each.get("trip", ())]
    return list(dict.fromkeys(row.devices[role] for role in roles if role in row.devices))


def facts(row: RigRow) -> dict[str, Any]:
    """Return what the audit keeps of a rig."""
    devices = {role: str(device_id) for role, device_id in row.devices.items()}
    facts = {"name": row.name, "version": row.version, "devices": devices, "laboratory": str(row.laboratory_id)}
    return {**facts, "interlocks": [dict(each) for each in row.interlocks]}
