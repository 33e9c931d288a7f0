"""A supervisor that tells its FleetSupervisor how its children are: coalesced, one report under way at a time."""

from __future__ import annotations

from dataclasses import dataclass

from thespian.actors import ActorAddress

from lics_actors.fleet.messages import NodeView, RackReported, ReportTaken
from lics_actors.fleet.view import node_view, wall_clock
from lics_actors.supervision.specs import Phase
from lics_actors.supervision.supervisor import Supervisor

REPORT_PHASE_S = 0.05  # changes of phase within this are one report
REPORT_WORD_S = 0.5  # states and counters come with the pongs of one sweep, which take about this long to come in
REPORT_AGAIN_S = 5.0  # without a word from the fleet the next report goes out anyway


@dataclass(frozen=True, slots=True)
class _ReportDue:
    """Wakeup: tell the fleet what has changed."""

    serial: int


class Reporting(Supervisor):
    """Sends `RackReported` whenever a child changes. Subclasses say of which kind children are, and what people call them."""

    kind = ""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[str] = set()  # as last seen here
        self._changed: dict[str, None] = {}
        self._report_due: float | None = None
        self._report_serial = 0
        self._reporting = False

    def label(self, name: str) -> str:  # noqa: ARG002 - for those who override it
        """Return what people call a child."""
        return ""

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Hear that a report was taken; the rest is the children's."""
        if isinstance(message, ReportTaken):
            self._reporting = False
            if self._changed:
                self.report_within(REPORT_PHASE_S)
        else:
            super().on_message(message, sender)

    def on_child_changed(self, name: str) -> None:
        """Remember to tell the fleet: at once where an actor came or went, in a moment where it only has news."""
        child = self.supervision.children.get(name)
        running = child is not None and child.phase is Phase.RUNNING
        only_news = running and name in self._running
        (self._running.add if running else self._running.discard)(name)
        self._changed[name] = None
        self.report_within(REPORT_WORD_S if only_news else REPORT_PHASE_S)

    def on_wakeup(self, payload: object) -> None:
        """Report, or take a timer of the supervision."""
        match payload:
            case _ReportDue(serial=serial):
                if serial == self._report_serial:
                    self.report()
            case _:
                super().on_wakeup(payload)

    def note_changed(self, name: str) -> None:
        """Have a child in the next report."""
        self._changed[name] = None

    def report_within(self, seconds: float) -> None:
        """Report before so much time has passed."""
        due = self.now() + seconds
        if self._reporting or (self._report_due is not None and self._report_due <= due):
            return
        self._report_due = due
        self._report_serial += 1
        self.wake_after(seconds, _ReportDue(self._report_serial))

    def report_news(self) -> None:
        """Report now what is not reported yet: whoever hears that something is done must see it."""
        if self._changed:
            self.report()

    def report(self) -> None:
        """Report now."""
        names, self._changed = list(self._changed), {}
        children, incarnations = self.supervision.children, self.incarnations
        self._report_due, self._reporting = None, True
        self._report_serial += 1
        self.send(
            self.supervisor,
            RackReported(
                nodes=tuple(self._view(name) for name in names if name in children),
                addresses={name: incarnations[name].address for name in names if name in children and name in self._running},
                forgotten=tuple(name for name in names if name not in children),
            ),
        )
        self.wake_after(REPORT_AGAIN_S, _ReportDue(self._report_serial))

    def _view(self, name: str) -> NodeView:
        known = self.incarnations.get(name)
        return node_view(
            self.supervision.children[name],
            self.kind,
            wall_clock(self.now()),
            hold=self.supervision.holds.get(name),
            pid=known.pid if known else None,
            label=self.label(name),
            word=known.word if known else "",
            stats=known.all_stats if known else {},
        )
