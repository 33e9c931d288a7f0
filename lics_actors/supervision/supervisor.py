"""The shell of every supervisor: performs what the policy asks for, with Thespian children, pings, kills and a journal.

No thread, no loop: it forks. At most one ping and one request to end are outstanding per child.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import assert_never

from thespian.actors import Actor, ActorAddress

from lics_actors.errors import NodeNotFoundError
from lics_actors.runtime.actor import LicsActor
from lics_actors.runtime.messages import ActorBegun, ActorPong, ActorStopped, BeginActor, BeginFailed, PingActor, StopActor
from lics_actors.runtime.process import start_mark
from lics_actors.runtime.pulse import Sheet
from lics_actors.store.records import CrashReport
from lics_actors.supervision.crashes import Crashes
from lics_actors.supervision.holds import Holds
from lics_actors.supervision.incarnation import Incarnation, forked, told_anew, usage_of
from lics_actors.supervision.messages import (
    ChildAdded,
    ChildBeginFailed,
    ChildBegun,
    ChildExited,
    ClearAlarm,
    Effect,
    Event,
    ForgetChild,
    KillChild,
    LookAtPulses,
    LookAtUsages,
    PingChild,
    Ponged,
    Pulse,
    PulsesSeen,
    RaiseAlarm,
    RecordEvent,
    ReportStopped,
    SetTimer,
    StartChild,
    StopChild,
    StopRequested,
    Timer,
    TimerFired,
    Usage,
    UsagesSeen,
)
from lics_actors.supervision.policy import reduce
from lics_actors.supervision.record import SupervisorRecord, luck
from lics_actors.supervision.specs import Hold, Phase, Policy, Verb
from lics_actors.supervision.state import ALIVE, Supervision
from lics_actors.supervision.wishes import STEERED, Answer, Wish, Wishes

HOLDS = "held"  # folder in the data directory
LOOK_S = 0.1  # Thespian misses a child that died before it was connected, and some of those that die together, so one looks

DUMP_S = 0.1  # the interpreter writes its stacks in a millisecond, if it can at all

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _LookForGone:
    """Wakeup: are those that come and go still there?"""


@dataclass(frozen=True, slots=True)
class _KillNow:
    """Wakeup: the hung one had its time to write down where it is."""

    name: str
    number: int
    reason: str


class Supervisor(LicsActor):
    """Keeps children alive. Subclasses say what they are made of (`child_class`, `child_spec`) and hear of their changes.

    `begin` of a subclass calls `supervise` first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.supervision = Supervision()
        self.incarnations: dict[str, Incarnation] = {}
        self._record: SupervisorRecord | None = None
        self._holds: Holds | None = None
        self._crashes: Crashes | None = None
        self._events: deque[Event] = deque()
        self._reducing = False
        self._in_order: set[tuple[str, int]] = set()  # said that they have stopped
        self._wished = Wishes()
        self._looking = False
        self._seen_gone: set[tuple[str, int]] = set()
        self._sheet = Sheet()

    # what a subclass says

    def child_class(self, name: str) -> type[Actor]:
        """Return the actor class of a child."""
        raise NotImplementedError

    def child_spec(self, name: str) -> object:
        """Return what a child is to be: `BeginActor.spec`."""
        raise NotImplementedError

    def on_child_changed(self, name: str) -> None:
        """Hear that a child came into another phase, reported another state, or is no longer one."""

    def on_child_begun(self, name: str, address: ActorAddress) -> None:
        """Hear that a child is at work, before anybody else does."""

    # what a subclass uses

    def supervise(self, policy: Policy, journal: Path) -> None:
        """Take up supervision; the record goes to `journal`, and what is kept down lies beside the journals' folder."""
        self.supervision = Supervision(policy)
        self._holds = Holds(journal.parent.parent / HOLDS)
        self._crashes = Crashes(journal.parent.parent)
        self._record = SupervisorRecord(journal)
        self._record.clear_inherited(self._holds)

    def tell(self, event: Event) -> None:
        """Have the policy judge an event and do what it asks for; events that arise from that follow in order."""
        if isinstance(event, ChildAdded) and self._holds is not None and event.spec.name not in self.supervision.children:
            event = replace(event, hold=self._holds.read(event.spec.name))
        self._events.append(event)
        if self._reducing:
            return
        self._reducing = True
        try:
            while self._events:
                self._reduce(self._events.popleft())
        finally:
            self._reducing = False
        if self._record is not None:
            self._record.write()

    def steer_child(self, name: str, verb: Verb, principal: str, reason: str | None, answer: Answer) -> None:
        """Do to a child what an operator wants; `answer` hears True once it is done, or the LicsError why it is not.

        Raises:
            NodeNotFoundError: no such child.
        """
        child = self.supervision.children.get(name)
        if child is None:
            raise NodeNotFoundError(f"there is no {name} in the supervision tree", node=name)
        if verb is Verb.CLEAR and name not in self.supervision.holds:
            answer(True)  # there is nothing to lift
            return
        self._wished.add(name, Wish(verb, child.incarnation, answer))
        self.tell(STEERED[verb](name, principal, reason, self.now()))
        self._wished.settle(name, self.supervision.children.get(name))

    def note(self, event: RecordEvent) -> None:
        """Put something into the record that is about no child."""
        if self._record is not None:
            self._record.take(event)
            self._record.write()

    def tell_child(self, name: str, message: object) -> bool:
        """Send a running child a message; returns whether it runs."""
        child = self.supervision.children.get(name)
        if child is None or child.phase is not Phase.RUNNING:
            return False
        self.send(self.incarnations[name].address, message)
        return True

    @staticmethod
    def now() -> float:
        """Return the supervision's clock, in seconds."""
        return time.monotonic()

    # what comes in

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take what children say."""
        match message:
            case ActorPong():
                self._on_pong(message)
            case ActorBegun():
                self._on_begun(message, sender)
            case BeginFailed(name=name, incarnation=incarnation, reason=reason):
                self.tell(ChildBeginFailed(name, incarnation, reason, self.now()))
            case ActorStopped(name=name, pid=pid):
                known = self.incarnations.get(name)
                if known is not None and known.pid == pid:
                    self._in_order.add((name, known.number))
            case _:
                super().on_message(message, sender)

    def on_child_exited(self, address: ActorAddress) -> None:
        """Take Thespian's word that a child's process ended."""
        for known in self.incarnations.values():
            if known.created is address:
                self._exited(known)
                break
        self._look_soon()  # a second death within a millisecond is told of by the same signal, and missed

    def on_wakeup(self, payload: object) -> None:
        """Take a timer."""
        match payload:
            case Timer():
                self.tell(TimerFired(payload, self.now()))
            case _KillNow(name=name, number=number, reason=reason):
                known = self.incarnations.get(name)
                if known is not None and known.number == number:
                    self._kill(known, reason)
            case _LookForGone():
                self._looking = False
                self._look_for_gone()

    def stats(self) -> dict[str, float]:
        """Return how many children there are, run and were given up, and how often any was restarted."""
        children = self.supervision.children.values()
        return {
            "children": len(children),
            "children_running": sum(child.phase is Phase.RUNNING for child in children),
            "children_quarantined": sum(child.phase is Phase.QUARANTINED for child in children),
            "restarts": sum(child.restarts for child in children),
        }

    def stop(self, reason: str) -> None:
        """Stop all children, then oneself."""
        self.tell(StopRequested(self.now(), reason))

    def _on_begun(self, message: ActorBegun, sender: ActorAddress) -> None:
        known = self.incarnations.get(message.name)
        if known is None or known.number != message.incarnation:
            return
        self.incarnations[message.name] = replace(known, address=sender, pid=message.pid, started=start_mark(message.pid))
        self.on_child_begun(message.name, sender)
        self.tell(ChildBegun(message.name, message.incarnation, self.now()))

    def _on_pong(self, pong: ActorPong) -> None:
        known = next((known for known in self.incarnations.values() if known.pid == pong.pid), None)
        if known is None:
            return
        if (known.word, known.stats) != (pong.state, pong.stats):
            self.incarnations[known.name] = replace(known, word=pong.state, stats=pong.stats)
            self.on_child_changed(known.name)
        self.tell(Ponged(known.name, known.number, pong.serial, self.now()))

    def _exited(self, known: Incarnation) -> None:
        mark = (known.name, known.number)
        in_order = mark in self._in_order
        self._in_order.discard(mark)
        self.tell(ChildExited(known.name, known.number, self.now(), luck(), in_order))

    # what goes out

    def _reduce(self, event: Event) -> None:
        before, held = self.supervision.children, self.supervision.holds
        self.supervision, effects = reduce(self.supervision, event)
        self._keep_holds(held)
        for effect in effects:
            try:
                self._perform(effect)
            except Exception:  # the others are other children's lives
                self.counters["actor_faults"] += 1
                log.exception("effect failed", extra={"actor": self.name, "kind": type(effect).__name__})
        after = self.supervision.children
        for name in [*before, *(name for name in after if name not in before)]:
            old, new = before.get(name), after.get(name)
            if old is not new and (old is None or new is None or old.phase is not new.phase):
                self.on_child_changed(name)
                self._wished.settle(name, new)

    def _keep_holds(self, before: Mapping[str, Hold]) -> None:
        after = self.supervision.holds
        if after is before or self._holds is None:
            return
        for name, hold in after.items():
            if before.get(name) != hold:
                self._holds.keep(name, hold)
        for name in before.keys() - after.keys():
            self._holds.lift(name)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case StartChild(name=name, incarnation=incarnation):
                self._start(name, incarnation)
            case StopChild(name=name, reason=reason):
                self.send(self.incarnations[name].address, StopActor(reason))
                self._look_soon()
            case KillChild(name=name, reason=reason, hung=True):
                self.incarnations[name].ask_where_it_is()
                self.wake_after(DUMP_S, _KillNow(name, self.incarnations[name].number, reason))
            case KillChild(name=name, reason=reason):
                self._kill(self.incarnations[name], reason)
            case PingChild(name=name, serial=serial):
                self.send(self.incarnations[name].address, PingActor(serial))
            case SetTimer(timer=timer, after_s=after_s):
                self.wake_after(after_s, timer)
            case LookAtPulses():
                self._look_at_pulses()
            case LookAtUsages():
                self._look_at_usages()
            case ForgetChild(name=name):
                self.incarnations.pop(name, None)
                self._sheet.forget(name)
            case RecordEvent(name=name, kind="exited"):
                assert self._record is not None
                self._record.take(effect, self._crash(self.incarnations[name], effect.reason))
            case RaiseAlarm() | ClearAlarm() | RecordEvent():
                assert self._record is not None
                self._record.take(effect)
            case ReportStopped():
                self._end()
            case _:
                assert_never(effect)

    def _start(self, name: str, number: int) -> None:
        try:
            spec = self.child_spec(name)
            self._sheet.offer(name)
            created = self.createActor(self.child_class(name))
        except Exception as error:
            log.exception("child could not be created", extra={"child": name})
            self.incarnations[name] = Incarnation(name, number, self.myAddress, self.myAddress)
            self._events.append(ChildBeginFailed(name, number, f"{type(error).__name__}: {error}", self.now()))
            return
        self.incarnations[name] = forked(name, number, created, self._newest_process())
        words = str(self._crashes.last_words(name)) if self._crashes else None
        self.send(created, BeginActor(name, number, spec, words))
        self._look_soon()

    def _look_at_pulses(self) -> None:
        running = [name for name, child in self.supervision.children.items() if child.phase is Phase.RUNNING]
        self._events.append(PulsesSeen({name: Pulse(*self._sheet.read(name)) for name in running}, self.now()))

        self._look_for_gone()

    def _look_at_usages(self) -> None:
        usages: dict[str, Usage] = {}
        for name, child in self.supervision.children.items():
            known = self.incarnations.get(name)
            usage = usage_of(known) if known and child.phase is Phase.RUNNING else None
            if known and usage:
                usages[name] = usage
                self.incarnations[name] = replace(known, usage=usage, peak_bytes=max(known.peak_bytes, usage.own_bytes))
                if told_anew(known.usage, usage):
                    self.on_child_changed(name)
        self._events.append(UsagesSeen(usages, self.now()))

    def _crash(self, known: Incarnation, reason: str | None) -> CrashReport | None:
        if self._crashes is None:
            return None
        return self._crashes.report(known, reason or "", self.now() - known.born)

    def _newest_process(self) -> BaseProcess | None:
        """Return the child created last: Thespian knows it at once, the child itself says its pid only when it begins."""
        children = getattr(self._myRef, "_child_procs", [])
        return children[-1].childProc if children else None

    def _kill(self, known: Incarnation, reason: str) -> None:
        if known.gone:
            self._events.append(ChildExited(known.name, known.number, self.now(), luck()))
            return
        log.warning("child killed", extra={"child": known.name, "child_pid": known.pid, "reason": reason})
        known.kill()
        self._look_soon()

    def _look_soon(self) -> None:
        if not self._looking:
            self._looking = True
            self.wake_after(LOOK_S, _LookForGone())

    def _look_for_gone(self) -> None:
        """Find whose exit nobody told: often while somebody comes or goes, else with every look at the heartbeats.

        Who is seen gone is believed the second time, so that its own word that it ended in order can come in first.
        """
        children = self.supervision.children.values()
        alive = [child for child in children if child.phase in ALIVE]
        gone = {(child.name, child.incarnation) for child in alive if self.incarnations[child.name].gone}
        for name, _ in sorted(gone & self._seen_gone):
            self._exited(self.incarnations[name])
        self._seen_gone = gone - self._seen_gone
        if self._seen_gone or any(child.phase is not Phase.RUNNING for child in alive):
            self._look_soon()

    def _end(self) -> None:
        if self._record is not None:
            self._record.close()
            self._record = None
        self.stopped()
