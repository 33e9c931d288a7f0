"""What people and programs do about runs: ordered against the rig as it is, steered; audited. Web and command line share it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from drivers.description import description_of
from lics_actors.audit import Asker, AuditLog
from lics_actors.device.messages import DeviceTwin
from lics_actors.errors import (
    ConflictError,
    IdempotencyKeyReusedError,
    InvalidError,
    LicsError,
    NotRehearsedError,
    RunNotFoundError,
    RunRefusedError,
)
from lics_actors.experiment.compiling import compile_protocol
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import BASE, literal
from lics_actors.operators import ReasonMissingError
from lics_actors.run.messages import (
    AbortRun,
    AnnotateRun,
    PauseRun,
    ResumeRun,
    RewardRun,
    RunView,
    RunWish,
    SetRunParameter,
    StopRun,
)
from lics_actors.run.orders import Allowance, RunOrder
from lics_actors.store.protocols import ProtocolVersion
from lics_actors.store.repository import Repository
from lics_actors.store.rig_documents import Member
from lics_actors.store.rigs import RigRow
from lics_actors.store.runs import NewRun, Run
from lics_actors.store.subjects import Subject
from lics_actors.study.fit import Player, cast, fitted
from lics_actors.study.parameters import base_units
from lics_actors.study.protocol_documents import kept
from lics_actors.study.start_times import StartTimes
from lics_actors.welfare_gate import WelfareGate

ASK_S: Final = 2.0  # an actor that takes longer is told of as the tables have it
Steering = PauseRun | ResumeRun | StopRun | AbortRun
WORDS: Final[Mapping[str, type[Steering]]] = {"pause": PauseRun, "resume": ResumeRun, "stop": StopRun, "abort": AbortRun}

log = logging.getLogger(__name__)


class RunFleet(Protocol):
    """What is needed of lics_actors.client.FleetClient."""

    async def twin(self, device_id: UUID) -> DeviceTwin:
        """Return what is true of a device now."""

    async def start_run(self, order: RunOrder, /) -> None:
        """Have a run begin."""

    async def run(self, run_id: UUID, /) -> RunView:
        """Return a run as it is."""

    async def steer_run(self, wish: RunWish, /) -> RunView:
        """Do with a run what an operator wants."""


@dataclass(frozen=True, slots=True)
class RunWanted:
    """A run to be. `roles`: protocol's role → rig's role where they are called otherwise; `parameters` as people give them;
    `seed` None: drawn; `forced`: why it is to be armed without a rehearsal, by whom may; `beyond`: the same where its experiment
    has no session now; `planned`: it is its schedule's own."""

    run_id: UUID
    rig: RigRow
    version: ProtocolVersion
    subject: Subject | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    experiment_id: UUID | None = None
    stage: int | None = None
    forced: str | None = None
    allowance: Allowance | None = None
    beyond: str | None = None
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A run as the tables have it, and as its actor says it is; None: it is over, or its actor did not say."""

    row: Run
    now: RunView | None = None


class RunDesk:
    """Orders and steers runs."""

    def __init__(self, repository: Repository, fleet: RunFleet, audit: AuditLog, gate: WelfareGate) -> None:
        self._repository, self._fleet, self._audit, self._gate = repository, fleet, audit, gate
        self._times = StartTimes(repository)

    async def start(self, asker: Asker, wanted: RunWanted) -> Run:
        """Have a run begin; asked again under the same id it is the same run.

        Raises:
            ProtocolError: the protocol cannot be run at this rig; InvalidError: a parameter does not fit.
            OutsideScheduleError: its experiment has no session for its subject now.
            NotRehearsedError: its version was not rehearsed soundly. ConflictError: the subject is not to be run.
            SubjectNotAllowedError: it must rest. CalibrationExpiredError: of what gives the reward.
            RunUnderWayError: the rig or the subject is in another run; facts say which.
            FleetUnavailableError: nobody has taken it yet: ask again under this id, or abort it.
            NotFoundError, DatabaseUnavailableError
        """
        reason = "; ".join(filter(None, (wanted.forced, wanted.beyond))) or None
        async with self._audit.act(asker, "run.start", f"run:{wanted.run_id}", reason) as found:
            if not (wanted.planned or (wanted.beyond or "").strip()):
                await self._times.check(wanted.run_id, wanted.experiment_id, wanted.subject)
            plan, order = await self._order(asker, wanted)
            await self._gate.check(order, plan.reward)
            order = await self._claimed(plan, wanted, order)
            order = await self._gate.admit(order, plan.reward, plan.max_reward)
            found.after = facts(order)
            await self._begin(order)
        return await self._repository.get_run(wanted.run_id)

    async def steer(self, asker: Asker, run: Run, verb: str, ask_id: UUID, reason: str) -> Standing:
        """Pause, resume, stop (after this trial) or abort (now) a run.

        Raises:
            ReasonMissingError: an abort needs one. RunRefusedError: its state forbids it, or it is over.
            FleetUnavailableError, DeviceTimeoutError: ask again under this `ask_id`.
        """
        async with self._audit.act(asker, f"run.{verb}", f"run:{run.id}", reason or None) as found:
            if verb == "abort" and not reason.strip():
                raise ReasonMissingError("aborting a run needs a reason", ({"field": "reason", "message": "is empty"},))
            wish = WORDS[verb](run.id, ask_id, asker.principal, reason)
            try:
                standing = await self._steered(run, wish)
            except RunNotFoundError:
                standing = await self._never_begun(run, verb, asker)
            found.before, found.after = {"phase": run.phase}, told(standing)
        return standing

    async def annotate(self, asker: Asker, run: Run, ask_id: UUID, text: str) -> Standing:
        """Keep a text with a run.

        Raises:
            RunRefusedError: it is over. FleetUnavailableError, DeviceTimeoutError
        """
        async with self._audit.act(asker, "run.annotate", f"run:{run.id}", None) as found:
            standing = await self._wished(run, AnnotateRun(run.id, ask_id, asker.principal, text))
            found.after = {"text": text}
        return standing

    async def reward(self, asker: Asker, run: Run, ask_id: UUID, amount: str | float) -> Standing:
        """Give a reward by hand, within the run's and the subject's limits; `amount` as `10 ul`.

        Raises:
            InvalidError: it is none. RunRefusedError: the run is over. FleetUnavailableError, DeviceTimeoutError
        """
        async with self._audit.act(asker, "run.reward", f"run:{run.id}", None) as found:
            given = amount_in(run.unit, amount)
            standing = await self._wished(run, RewardRun(run.id, ask_id, asker.principal, given))
            found.after = {"amount": given, "unit": run.unit}
        return standing

    async def set_parameter(self, asker: Asker, run: Run, ask_id: UUID, name: str, value: Any) -> Standing:
        """Give a parameter another value, from the next trial on.

        Raises:
            InvalidError: it does not fit. RunRefusedError: the run is over. FleetUnavailableError, DeviceTimeoutError
        """
        async with self._audit.act(asker, "run.parameter", f"run:{run.id}", None) as found:
            version = await self._repository.version_of_id(run.protocol_version_id)
            plan = compile_protocol(kept(version.document), {}).plan  # of which only the parameters are read
            wanted = base_units(plan, {name: value})[name]
            standing = await self._wished(run, SetRunParameter(run.id, ask_id, asker.principal, name, wanted))
            found.after = {"name": name, "value": wanted}
        return standing

    async def standing(self, run: Run) -> Standing:
        """Return a run as its actor says it is, where it is not over."""
        if run.ended_at is not None:
            return Standing(run)
        try:
            async with asyncio.timeout(ASK_S):
                return Standing(run, await self._fleet.run(run.id))
        except (LicsError, TimeoutError):
            return Standing(run)

    # how

    async def _order(self, asker: Asker, wanted: RunWanted) -> tuple[Plan, RunOrder]:
        rig, version, subject = wanted.rig, wanted.version, wanted.subject
        if subject is not None and subject.status != "active":
            raise ConflictError(f"{subject.name} is {subject.status}", subject_id=str(subject.id))
        plan, roles = await self.fit(rig, version, wanted.roles)
        parameters = base_units(plan, wanted.parameters)
        rehearsed = await self._repository.is_rehearsed(version.id)
        if not rehearsed and not (wanted.forced or "").strip():
            message = f"version {version.number} of the protocol was not rehearsed soundly: rehearse it, or say why not (`force`)"
            raise NotRehearsedError(message, version_id=str(version.id))
        specs = (await self._repository.rig_spec(rig)).roles
        besides = {place: spec for place, spec in specs.items() if place not in roles.values()}
        order = RunOrder(
            wanted.run_id, version.laboratory_id, rig.id, rig.name, version.id, msgspec.json.decode(version.document),
            {role: specs[place] for role, place in roles.items()}, secrets.randbits(62) if wanted.seed is None else wanted.seed,
            asker.principal, datetime.now(UTC), True, parameters, subject.id if subject else None, wanted.experiment_id,
            wanted.stage, wanted.allowance, besides=besides,
        )  # fmt: skip
        return plan, order

    async def fit(self, rig: RigRow, version: ProtocolVersion, roles: Mapping[str, str]) -> tuple[Plan, dict[str, str]]:
        """Return the plan of a protocol at a rig, and protocol's role → rig's role.

        Raises:
            InvalidError: it does not fit. DatabaseUnavailableError
        """
        members = await self._repository.rig_members(rig.devices.values(), rig.laboratory_id)
        told = dict(zip(members, await asyncio.gather(*map(self._describe, members)), strict=True))
        players = {role: _player(members.get(each), told.get(each)) for role, each in rig.devices.items()}
        document = kept(version.document)
        chosen = cast(document, players, roles)
        return fitted(document, players, chosen), chosen

    async def _describe(self, device_id: UUID) -> Mapping[str, Any] | None:
        """Return what a device's actor has heard it say it can do; None: nothing, or the actor did not say."""
        try:
            async with asyncio.timeout(ASK_S):
                return (await self._fleet.twin(device_id)).description
        except (LicsError, TimeoutError):
            return None

    async def _claimed(self, plan: Plan, wanted: RunWanted, order: RunOrder) -> RunOrder:
        """Keep that the run is ordered, and return its order; of one that was ordered before under this id, that one."""
        row = await self._repository.get_protocol(wanted.version.protocol_id)
        unit = "" if plan.reward is None else BASE.get(plan.reward.kind, "")
        new = NewRun(
            order.run_id, order.laboratory_id, order.rig_id, order.rig, order.protocol_version_id, row.name,
            wanted.version.number, order.seed, order.principal, order.ordered_at, unit, order.subject_id,
            wanted.subject.name if wanted.subject else None, order.experiment_id, order.stage, order.parameters, wanted.forced,
            wanted.rig.version,
        )  # fmt: skip
        try:
            await self._repository.order_run(new)
        except ConflictError as conflict:
            return replace(order, **await self._same(new, wanted, conflict))
        return order

    async def _same(self, new: NewRun, wanted: RunWanted, conflict: ConflictError) -> dict[str, Any]:
        try:
            before = await self._repository.get_run(new.run_id)
        except RunNotFoundError:
            raise conflict from None
        seed = before.seed if wanted.seed is None else wanted.seed
        asked = (new.rig_id, new.subject_id, new.protocol_version_id, dict(new.parameters), seed)
        if asked != (before.rig_id, before.subject_id, before.protocol_version_id, dict(before.parameters), before.seed):
            raise IdempotencyKeyReusedError("the run's id belongs to another request", run_id=str(before.id))
        return {"seed": before.seed, "principal": before.principal, "ordered_at": before.ordered_at}

    async def _begin(self, order: RunOrder) -> None:
        row = await self._repository.get_run(order.run_id)
        if row.ended_at is not None or row.n >= 0:
            return  # asked again: it has begun
        try:
            await self._fleet.start_run(order)
        except LicsError as error:
            if error.type in {"device_unavailable", "device_timeout", "internal_error"}:
                raise  # nobody knows whether it was taken: the rig stays its own until it is asked again, or aborted
            await self._repository.give_run_up(order.run_id, "failed", error.message)
            raise

    async def _wished(self, run: Run, wish: RunWish) -> Standing:
        try:
            return await self._steered(run, wish)
        except RunNotFoundError:
            raise RunRefusedError("the run has not begun yet", run_id=str(run.id)) from None

    async def _steered(self, run: Run, wish: RunWish) -> Standing:
        if run.ended_at is not None:
            raise RunRefusedError(f"the run is over: {run.phase}", run_id=str(run.id))
        return Standing(run, await self._fleet.steer_run(wish))

    async def _never_begun(self, run: Run, verb: str, asker: Asker) -> Standing:
        if verb != "abort" or not await self._repository.give_run_up(run.id, "aborted", f"by {asker.principal}, never begun"):
            raise RunRefusedError("no actor has this run: it is just beginning, or over", run_id=str(run.id))
        return Standing(await self._repository.get_run(run.id))


def amount_in(unit: str, amount: str | float) -> float:
    """Return an amount of reward in base units.

    Raises:
        InvalidError: it is none of this unit.
    """
    try:
        said = literal(amount)
    except ValueError as error:
        raise InvalidError("this is no amount", ({"field": "amount", "message": str(error)},)) from None
    fits = BASE.get(said.kind, "") == unit or (said.kind == "number" and unit == "")
    if not fits or isinstance(said.value, bool | str) or not said.value > 0:
        raise InvalidError("this is no amount", ({"field": "amount", "message": f"write an amount like 10 {unit}".strip()},))
    return float(said.value)


def facts(order: RunOrder) -> dict[str, Any]:
    """Return what the audit keeps of an order."""
    ids = {
        name: str(value)
        for name in ("rig_id", "subject_id", "protocol_version_id", "experiment_id")
        if (value := getattr(order, name))
    }
    return {**ids, "rig": order.rig, "seed": order.seed, "parameters": dict(order.parameters)}


def told(standing: Standing) -> dict[str, Any]:
    """Return what the audit keeps of a run that was steered."""
    return {"phase": standing.now.phase if standing.now else standing.row.phase}


def _player(member: Member | None, told: Mapping[str, Any] | None) -> Player:
    if member is None:
        return Player("a device that is gone", None, True)
    try:
        described = description_of(told or member.capabilities)
    except (KeyError, TypeError, AttributeError):
        described = None
    return Player(member.name, described, member.retired)
