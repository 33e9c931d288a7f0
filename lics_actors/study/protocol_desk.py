"""What people do about protocols: uploading, adopting classics, rehearsing; audited. Web and command line share it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from config import __version__
from drivers.description import description_of
from drivers.native.spec import DEVICE_TYPES
from drivers.native.subject import SubjectModel
from drivers.protocol import Description
from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import ProtocolNotFoundError
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.library import classics, text_of
from lics_actors.experiment.plan import Plan
from lics_actors.store.protocols import NewVersion, Protocol, ProtocolVersion, Rehearsal
from lics_actors.store.repository import Repository
from lics_actors.store.rows import DeviceFilter
from lics_actors.study.parameters import base_units
from lics_actors.study.protocol_documents import kept, unsound, uploaded
from lics_actors.study.rehearsing import Rehearser, Wish

LOOKED_AT: Final = 500  # devices whose `describe` may teach a type that the simulator does not know


@dataclass(frozen=True, slots=True)
class Kept:
    """A protocol with one of its versions; `new`: it was not there before."""

    protocol: Protocol
    version: ProtocolVersion
    new: bool = False


@dataclass(frozen=True, slots=True)
class RehearsalWish:
    """How to rehearse; `parameters` as people give them (`12 ul`)."""

    trials: int = 1000
    subject_model: SubjectModel = "random"
    seed: int = 1
    parameters: Mapping[str, Any] | None = None


class ProtocolDesk:
    """Keeps protocols and rehearses them."""

    def __init__(self, repository: Repository, audit: AuditLog, rehearser: Rehearser | None = None) -> None:
        self._repository, self._audit = repository, audit
        self._rehearser = rehearser or Rehearser()

    async def upload(self, asker: Asker, laboratory_id: UUID, text: str, note: str = "") -> Kept:
        """Keep what a text says as the next version of the protocol that it names; what is there already is that version.

        Raises:
            ProtocolError: it cannot be run; with every path and reason.
            DatabaseUnavailableError
        """
        async with self._audit.act(asker, "protocol.upload", "protocol", note or None) as found:
            read = await asyncio.to_thread(uploaded, text, await self.devices())
            new = NewVersion(
                laboratory_id, read.name, read.title, read.schema_version, read.digest, text, read.document, read.findings,
                asker.principal, note,
            )  # fmt: skip
            protocol, version, is_new = await self._repository.add_version(new)
            found.after = {"protocol": read.name, "number": version.number, "digest": read.digest, "new": is_new}
        return Kept(protocol, version, is_new)

    async def named(self, asker: Asker, laboratory_id: UUID, name: str, number: int | None = None) -> Kept:
        """Return a protocol by id or name; a classic that the laboratory does not have yet is kept as it is shipped.

        Raises:
            ProtocolNotFoundError: there is neither, or not this version of it; DatabaseUnavailableError
        """
        try:
            protocol = await self._repository.find_protocol(name, frozenset({laboratory_id}))
        except ProtocolNotFoundError:
            if name not in classics() or number not in {None, 1}:
                raise
            return await self.upload(asker, laboratory_id, text_of(name), "a classic, as shipped")
        return Kept(protocol, await self._repository.get_version(protocol, number))

    async def rehearse(
        self, asker: Asker, version: ProtocolVersion, wish: RehearsalWish, rehearsal_id: UUID | None = None
    ) -> Rehearsal:
        """Rehearse a version and keep what came of it.

        Raises:
            InvalidError: a parameter does not fit; ConflictError: too many rehearsals wait.
            RehearsalError: it did not come to an end; DatabaseUnavailableError
        """
        target = f"protocol_version:{version.id}"
        async with self._audit.act(asker, "protocol.rehearse", target, None) as found:
            base_units(await self.plan(version), wish.parameters or {})
            asked = Wish(version.document, await self.devices(), wish.trials, wish.subject_model, wish.seed, wish.parameters)
            result = await self._rehearser.rehearse(asked)
            why_not = unsound(result)
            done = Rehearsal(
                rehearsal_id or uuid4(), version.laboratory_id, version.id, datetime.now(UTC), asker.principal,
                result["trials"], wish.subject_model, wish.seed, wish.parameters or {}, not why_not, why_not, result, __version__,
            )  # fmt: skip
            await self._repository.keep_rehearsal(done)
            found.after = {"trials": done.trials, "sound": done.sound, "why_not": why_not}
        return done

    async def plan(self, version: ProtocolVersion) -> Plan:
        """Return the plan of a version, for devices of each type as they are known.

        Raises:
            ProtocolError: it cannot be run any more; DatabaseUnavailableError
        """
        plan, _ = prepared(kept(version.document), await self.devices())
        return plan

    async def devices(self) -> dict[str, Description]:
        """Return what devices of each type can do: LICS's own types, and what else devices have described."""
        found: dict[str, Description] = {}
        page = await self._repository.list_devices(DeviceFilter(), LOOKED_AT)
        for row in page.items:
            try:
                described = description_of(row.capabilities)
            except (KeyError, TypeError, AttributeError):
                continue  # it has described nothing yet
            found.setdefault(described.type, described)
        return found | dict(DEVICE_TYPES)
