"""RunSupervisor: keeps the actor of every run that is not over alive, and knows them again by their orders on disk."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from thespian.actors import Actor, ActorAddress

from lics_actors.errors import ConflictError, LicsError
from lics_actors.fleet.messages import DeviceSteered, SteerDevice
from lics_actors.fleet.reporting import REPORT_PHASE_S, Reporting
from lics_actors.journal import JournalError, JournalReader, journal_files
from lics_actors.journal.file import SUFFIX, discard, read_shipped
from lics_actors.run.actor import ExperimentActor
from lics_actors.run.messages import BeginRun, RunActorSpec, RunBegun, RunOver, RunsSpec
from lics_actors.run.orderbook import OrderBook
from lics_actors.run.orders import RunOrder, run_node, run_of_node, same_run
from lics_actors.supervision.crashes import Crashes
from lics_actors.supervision.messages import ChildAdded, ChildRemoved
from lics_actors.supervision.specs import ChildKind, ChildSpec, Phase, Policy

RUN_STOP_S = 1.5  # an orderly stop takes tenths of a second
CLEAN_S = 60.0  # between two looks for journals that nobody needs any more
KEPT_S = 3600.0  # so long the journal of a run stays after its end, for whoever looks what happened

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _CleanDue:
    """Wakeup: which journals are shipped to their end?"""


class RunSupervisor(Reporting):
    """Begins with a `RunsSpec`; takes `BeginRun`; its children end by themselves when their runs are over."""

    policy: ClassVar[Policy] = Policy()
    kind = "run"

    def __init__(self) -> None:
        super().__init__()
        self.spec: RunsSpec | None = None
        self.orders: dict[UUID, RunOrder] = {}
        self._over: set[UUID] = set()

    def begin(self, spec: object) -> None:
        """Take up every run that is not over."""
        assert isinstance(spec, RunsSpec)
        self.spec = spec
        self.supervise(self.policy, Path(spec.journal_dir) / f"{self.name}{SUFFIX}")
        for order in self._book.all():
            self._add(order)
        self.report_within(REPORT_PHASE_S)  # that there is none is news, too
        self.wake_after(CLEAN_S, _CleanDue())

    def child_class(self, name: str) -> type[Actor]:  # noqa: ARG002 - all are alike
        """Return the class of a run's actor."""
        return ExperimentActor

    def child_spec(self, name: str) -> object:
        """Return the present specification of a run's actor; its order may have been renewed on disk."""
        run_id, spec = run_of_node(name), self._spec
        assert run_id is not None
        order = self._book.get(run_id) or self.orders[run_id]
        return RunActorSpec(order, spec.broker, spec.orders_dir, spec.journal_dir, spec.run_dir, spec.host, spec.redis_url)

    def label(self, name: str) -> str:
        """Return the rig that a run is at."""
        run_id = run_of_node(name)
        order = self.orders.get(run_id) if run_id else None
        return order.rig if order else ""

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take what fleet and runs say."""
        match message:
            case BeginRun(ref=ref, order=order):
                self.send(sender, RunBegun(ref, self._begun(order)))
            case RunOver(run_id=run_id, phase=phase):
                log.info("run over", extra={"run": str(run_id), "phase": phase})
                self._over.add(run_id)
                self._book.drop(run_id)
            case SteerDevice():
                self._steer(message)
            case _:
                super().on_message(message, sender)

    def on_child_changed(self, name: str) -> None:
        """Forget a run that is over once its actor is gone."""
        super().on_child_changed(name)
        child, run_id = self.supervision.children.get(name), run_of_node(name)
        if child is not None and child.phase is Phase.ENDED and run_id in self._over and not self.supervision.stopping:
            self.orders.pop(run_id, None)
            self._over.discard(run_id)
            self.tell(ChildRemoved(name, self.now(), "the run is over"))

    def on_wakeup(self, payload: object) -> None:
        """Clear away, or take another timer."""
        if isinstance(payload, _CleanDue):
            self.wake_after(CLEAN_S, payload)
            self._clean()
        else:
            super().on_wakeup(payload)

    def _begun(self, order: RunOrder) -> bool | LicsError:
        known = self.orders.get(order.run_id)
        if known is not None:
            return (
                True
                if same_run(known, order)
                else ConflictError("another run was ordered under this id", run_id=str(order.run_id))
            )
        try:
            self._book.keep(order)
        except LicsError as error:
            return error
        self._add(order)
        self.report_within(REPORT_PHASE_S)
        return True

    def _add(self, order: RunOrder) -> None:
        self.orders[order.run_id] = order
        spec = self._spec
        child = ChildSpec(
            run_node(order.run_id),
            ChildKind.TRANSIENT,
            stop_timeout_s=RUN_STOP_S,
            memory_bytes=spec.actor_memory_bytes,
            files=spec.actor_files,
        )
        self.tell(ChildAdded(child, self.now()))

    def _steer(self, wish: SteerDevice) -> None:
        def answer(outcome: object) -> None:
            self.report_news()
            self.send(self.supervisor, DeviceSteered(wish.ref, outcome))

        try:
            self.steer_child(wish.node, wish.verb, wish.principal, wish.reason, answer)
        except LicsError as error:
            answer(error)

    def _clean(self) -> None:
        """Discard what is left of runs that are over, once all of it is in the database and some time has passed."""
        for path in journal_files(Path(self._spec.journal_dir)):
            run_id = run_of_node(path.stem.replace("-", ":", 1))
            if run_id is not None and run_id not in self.orders and _done_with(path, KEPT_S):
                discard(path)
                Crashes(path.parent.parent).forget(run_node(run_id))

    @property
    def _book(self) -> OrderBook:
        return OrderBook(Path(self._spec.orders_dir))

    @property
    def _spec(self) -> RunsSpec:
        assert self.spec is not None
        return self.spec


def _done_with(path: Path, kept_s: float) -> bool:
    try:
        if path.stat().st_mtime > time.time() - kept_s:
            return False
        reader = JournalReader(path)
    except (OSError, JournalError):
        return False  # damaged ones are for a person
    try:
        return not reader.read(read_shipped(path, reader.identity), 1)
    except JournalError:
        return False
    finally:
        reader.close()
