"""A run from its records: how it was opened, where it stands, and whether its decisions come out the same again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from config import __version__
from drivers.description import description_json, description_of
from drivers.protocol import Description
from lics_actors.errors import InvalidError
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.compiling import compile_protocol
from lics_actors.experiment.engine import reduce
from lics_actors.experiment.messages import Broken, Event, ParameterSet, PhaseChanged, Recovered, SendCommand
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.reading import validated
from lics_actors.experiment.replay import Difference, replay
from lics_actors.experiment.state import RunState, new_run
from lics_actors.run.orders import RunOrder
from lics_actors.run.pausing import ends_by_itself
from lics_actors.store.run_records import RunOpened, RunRecord, RunStepped

MAX_ASKS = 1000  # wishes of operators remembered; a repeat comes within seconds


def opened(order: RunOrder, roles: Mapping[str, Description], time: datetime) -> RunOpened:
    """Return a run's first record; `roles`: what the device in each role says that it can do.

    Raises:
        InvalidError: the protocol cannot be used, or not with these devices or parameters; says where.
    """
    document = validated(dict(order.document))
    if missing := sorted(document.roles.keys() - roles.keys()):
        raise InvalidError(f"nobody plays the role {', '.join(missing)}")
    wrong = [f"{role} is a {roles[role].type}" for role, each in document.roles.items() if roles[role].type != each.type]
    if wrong:
        raise InvalidError(f"the protocol needs other devices: {'; '.join(wrong)}")
    types = {document.roles[role].type: roles[role] for role in document.roles}
    plan, _ = prepared(document, types)
    try:
        new_run(plan, order.run_id, order.seed, dict(order.parameters))
    except ValueError as error:
        raise InvalidError(str(error)) from None
    return _record(order, time, {kind: description_json(each) for kind, each in types.items()})


def unfit(order: RunOrder, time: datetime, reason: str, n: int = 0) -> tuple[RunOpened, RunStepped]:
    """Return the whole record of a run that could not even be opened; `n`: of its only step."""
    failed = RunStepped(order.run_id, n, time, Broken(0.0, reason), (PhaseChanged("failed", reason),))
    return _record(order, time, {}), failed


def why(error: InvalidError) -> str:
    """Return all that is wrong in one line."""
    told = [f"{each['field']}: {each['message']}" for each in error.fields[:5]]
    return f"{error.message}: {'; '.join(told)}" if told else error.message


def _record(order: RunOrder, time: datetime, types: dict[str, Any]) -> RunOpened:
    return RunOpened(
        run_id=order.run_id,
        time=time,
        laboratory_id=order.laboratory_id,
        rig_id=order.rig_id,
        protocol_version_id=order.protocol_version_id,
        document=dict(order.document),
        seed=order.seed,
        principal=order.principal,
        parameters=dict(order.parameters),
        roles={role: each.device_id for role, each in order.roles.items()},
        described=types,
        subject_id=order.subject_id,
        experiment_id=order.experiment_id,
        stage=order.stage,
        software=__version__,
    )


def begun(record: RunOpened) -> tuple[Plan, RunState]:
    """Return the plan and the run as it was before its first step.

    Raises:
        ProtocolError, ValueError, KeyError, TypeError, AttributeError: the record is damaged.
    """
    types = {kind: description_of(each) for kind, each in record.described.items()}
    plan = compile_protocol(validated(record.document), types).plan
    return plan, new_run(plan, record.run_id, record.seed, record.parameters)


@dataclass(slots=True)
class History:
    """A run as far as its records say, record by record. `n`: of the next step; `auto`: paused, it goes on by itself; `said`: its
    commands without a fate, and when each was decided; `sent`: rewards; `parameters`: as operators changed them."""

    opened: RunOpened
    plan: Plan
    run: RunState
    n: int = 0
    auto: bool = False
    barred: bool = False  # a reward was, some time
    differs: int | None = None  # the first step that does not follow from those before it: another program recorded it
    asks: dict[UUID, None] = field(default_factory=dict)
    said: dict[UUID, tuple[SendCommand, datetime]] = field(default_factory=dict)
    sent: list[tuple[datetime, float]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    time: datetime | None = None

    def take(self, step: RunStepped, run: RunState | None = None) -> None:
        """Add a step; `run`: as it is after it, where that is known already."""
        before = self.run
        if run is None:
            run, effects = reduce(self.plan, before, step.event)
            if self.differs is None and tuple(effects) != step.effects:
                self.differs = step.n
        self.run = run
        self.auto = ends_by_itself(self.auto, before.phase, step.event)
        self.n, self.time = step.n + 1, step.time
        self.barred = self.barred or bool(step.barred)
        if step.ask is not None:
            self.asks[step.ask] = None
            if len(self.asks) > MAX_ASKS:
                del self.asks[next(iter(self.asks))]
        for effect in step.effects:
            if isinstance(effect, SendCommand) and effect.id not in step.barred:
                self.said[effect.id] = (effect, step.time)
                if effect.reward is not None:
                    self.sent.append((step.time, effect.reward))
            elif isinstance(effect, ParameterSet):
                self.parameters[effect.name] = effect.value
        self.said = {each: known for each, known in self.said.items() if each in self.run.pending}

    def given_since(self, time: datetime) -> float:
        """Return the reward sent from a time on, in base units; what did not arrive counts, too."""
        return sum(amount for at, amount in self.sent if at >= time)


def replayed(records: Iterable[RunRecord]) -> Difference | None:
    """Return the first decision of a run that comes out otherwise when its recorded events are heard again, or None.

    Raises:
        InvalidError: the records do not begin with how the run was opened.
    """
    steps: list[tuple[Event, tuple[Any, ...]]] = []
    first: RunOpened | None = None
    for record in records:
        match record:
            case RunOpened():
                first = first or record
            case RunStepped(event=event, effects=effects):
                steps.append((event, effects))
            case _:
                pass  # a figure
    if first is None:
        raise InvalidError("the record does not say how the run was opened")
    plan, run = begun(first)
    return replay(plan, run, steps)


def interruptions(records: Iterable[RunRecord]) -> int:
    """Return how often a run was taken over by another incarnation."""
    return sum(isinstance(record, RunStepped) and isinstance(record.event, Recovered) for record in records)
