"""The FleetSupervisor's part in runs: have them begun, and know where their actors are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from thespian.actors import ActorAddress

from lics_actors.errors import FleetUnavailableError, LicsError, RunNotFoundError
from lics_actors.fleet.directory import Directory
from lics_actors.fleet.messages import FleetSpec, NodeState, NodeView, RackReported, ReportTaken, SteerDevice, SteerNode
from lics_actors.run.messages import AskRuns, BeginRun, LocateRun, RunBegun, RunLocated, RunsSpec, StartRun
from lics_actors.run.orders import RunOrder, run_node, run_of_node
from lics_actors.runtime import transport
from lics_actors.supervision.specs import Phase
from lics_actors.supervision.supervisor import Supervisor

RUNS = "runs"
ORDERS = "orders"  # folder in the data directory
MAX_BEGINNING = 100  # runs that are ordered at once

Reply = Callable[[object], None]


class RunDuties(Supervisor):
    """What a FleetSupervisor knows of runs; the RunSupervisor, its child, tells it."""

    def __init__(self) -> None:
        super().__init__()
        self.run_nodes = Directory()
        self._runs_known = False  # as its present incarnation has them
        self._beginning: dict[int, tuple[RunOrder, Reply]] = {}
        self._ref_of_run = 0

    def runs_spec(self, fleet: FleetSpec, journals: Path) -> RunsSpec:
        """Return the present specification of the RunSupervisor."""
        folder = Path(fleet.data_dir)
        return RunsSpec(
            broker=fleet.broker,
            orders_dir=str(folder / ORDERS),
            journal_dir=str(journals),
            run_dir=str(folder / "run"),
            host=transport.bound_host(),
            redis_url=fleet.redis_url,
            actor_memory_bytes=fleet.actor_memory_bytes,
            actor_files=fleet.actor_files,
        )

    def runs_reported(self, report: RackReported, sender: ActorAddress) -> bool:
        """Take a report of the RunSupervisor; returns False for anybody else's."""
        known = self.incarnations.get(RUNS)
        if known is None or known.address != sender:
            return False
        self.run_nodes.take(report)
        self._runs_known = True
        self.send(sender, ReportTaken())
        return True

    def run_begun(self, begun: RunBegun) -> None:
        """Tell whoever ordered a run."""
        order, reply = self._beginning.pop(begun.ref, (None, None))
        if order is None or reply is None:
            return
        name = run_node(order.run_id)
        if begun.outcome is True and name not in self.run_nodes.nodes:  # whoever hears that it is ordered must find it
            view = NodeView(name, "run", NodeState.STARTING, None, 0, 0, datetime.now(UTC), label=order.rig)
            self.run_nodes.take(RackReported((view,), {}))
        reply(begun.outcome)

    def runs_changed(self) -> None:
        """The RunSupervisor came or went, and its runs with it."""
        child = self.supervision.children.get(RUNS)
        if child is not None and child.phase is Phase.RUNNING:
            return
        self._runs_known = False
        self.run_nodes.lose(list(self.run_nodes.nodes), NodeState.RESTARTING)
        waiting, self._beginning = self._beginning, {}
        for _, reply in waiting.values():
            reply(_away())

    def run_asked(self, body: StartRun | LocateRun | AskRuns, reply: Reply) -> None:
        """Answer a peer.

        Raises:
            RunNotFoundError, FleetUnavailableError
        """
        match body:
            case StartRun(order=order):
                if len(self._beginning) >= MAX_BEGINNING:
                    raise FleetUnavailableError("too many runs are being ordered; ask again", delivered=False)
                self._ref_of_run += 1
                if not self.tell_child(RUNS, BeginRun(self._ref_of_run, order)):
                    raise _away()
                self._beginning[self._ref_of_run] = (order, reply)
            case LocateRun():
                reply(self._located(body))
            case AskRuns():
                if not self._runs_known:
                    raise _away()
                reply(tuple(run_id for name in self.run_nodes.nodes if (run_id := run_of_node(name)) is not None))

    def steer_run(self, ref: int, wish: SteerNode) -> None:
        """Pass an operator's wish about a run's actor on.

        Raises:
            FleetUnavailableError: the RunSupervisor does not run.
        """
        if not self.tell_child(RUNS, SteerDevice(ref, wish.node, wish.verb, wish.principal, wish.reason)):
            raise _away()

    def run_views(self) -> tuple[NodeView, ...]:
        """Return the nodes of runs."""
        return tuple(self.run_nodes.nodes.values())

    def _located(self, asked: LocateRun) -> RunLocated | LicsError:
        name = run_node(asked.run_id)
        view, address = self.run_nodes.nodes.get(name), self.run_nodes.addresses.get(name)
        if view is not None and address is not None:
            return RunLocated(asked.run_id, address, view.incarnation)
        if view is None and self._runs_known:
            return RunNotFoundError("no such run is under way", run_id=str(asked.run_id))
        state = view.state.value if view else NodeState.STARTING.value
        return FleetUnavailableError(f"the actor of this run is {state}", run_id=str(asked.run_id), state=state)


def _away() -> FleetUnavailableError:
    return FleetUnavailableError("the supervisor of runs is just starting; ask again", node=RUNS, delivered=False)
