"""The shell around a run's engine: each step is journaled, then carried out.

Knows neither Thespian nor a loop nor MQTT: `Outside` is what the ExperimentActor lends it. One thread.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from lics_actors.errors import RunRefusedError, StorageFullError
from lics_actors.experiment.engine import reduce
from lics_actors.experiment.messages import (
    OVER,
    CommandSettled,
    DeviceSaid,
    Effect,
    Event,
    MetricSaid,
    PauseAsked,
    PhaseChanged,
    ResumeAsked,
    SendCommand,
    SessionOver,
    TimerFired,
)
from lics_actors.journal import Journal
from lics_actors.run.history import History
from lics_actors.run.limits import current, overdrawn, refusal, superseded
from lics_actors.run.messages import (
    RenewAllowance,
    ResumeRun,
    RunView,
    RunWish,
)
from lics_actors.run.orders import Allowance, run_node
from lics_actors.run.pausing import INTERLOCK, ITSELF
from lics_actors.run.reactions import Reactions
from lics_actors.run.standing import Standings
from lics_actors.run.wishes import event_of, refusal_of
from lics_actors.store.records import AlarmCleared, AlarmRaised, Record
from lics_actors.store.run_records import RunReacted, RunStepped

QUIET: Final = frozenset({"paused", "finishing"}) | OVER  # what was decided before must not leave any more
HELD: Final = 1000  # events that wait for the disk: fates, timers and wishes, which are few
WAITS, BARRED = "run_waits", "reward_barred"

log = logging.getLogger(__name__)
Reply = Callable[[object], None]


class Outside(Protocol):
    """What the shell needs of the world; nothing of it waits, nothing of it answers."""

    def now(self) -> float:
        """Return the time on the run's axis, in seconds."""

    def send(self, command: SendCommand, n: int, heard: datetime, decided: datetime) -> None:
        """Have a device do this. Its fate comes back as `settled`."""

    def hush(self) -> None:
        """Hold back what was to be sent and has not left."""

    def wake_at(self, due: float | None) -> None:
        """Call `woke` at this time of the run's axis, instead of at any given before."""

    def told(self, step: RunStepped) -> None:
        """Tell the world of a step that is in the journal; behind what it sends."""

    def unsynced(self) -> None:
        """Have the journal synced soon."""

    def blocked(self) -> None:
        """Call `unblock` in a while: the disk takes nothing."""


class RunShell:
    """One run. `history`: as far as the journal had it."""

    def __init__(
        self,
        history: History,
        journal: Journal,
        standings: Standings,
        outside: Outside,
        allowance: Allowance | None,
    ) -> None:
        self._run_id = history.opened.run_id
        self._journal, self._standings, self._outside = journal, standings, outside
        self.history, self.allowance = history, allowance
        self.reactions = Reactions()
        self._inbox: deque[tuple[Event, datetime, UUID | None, Reply | None]] = deque()
        self._held: deque[tuple[Event, datetime, UUID | None]] = deque(maxlen=HELD)
        self._working = False
        self.dropped = 0
        waited = {key for state in history.plan.states for key in state.heard}
        self._waited = frozenset(waited)

    # what happens

    def said(self, event: DeviceSaid | MetricSaid, heard: datetime) -> None:
        """Take what a device said, where it changes anything."""
        run = self.history.run
        if not run.open:
            return
        if isinstance(event, MetricSaid):
            wanted = f"metric:{event.role}.{event.metric}" in self.history.plan.states[run.state].heard
        else:
            wanted = f"event:{event.role}.{event.event}" in self._waited
        if wanted:
            self.happened(event, heard)

    def settled(self, command_id: UUID, outcome: str) -> None:
        """Take a command's fate."""
        self.happened(CommandSettled(self._outside.now(), command_id, outcome))  # type: ignore[arg-type]

    def reacted(self, n: int, command_id: UUID, heard: datetime, decided: datetime, left: datetime) -> None:
        """Take that a command is published."""
        self.reactions.took((left - heard).total_seconds() * 1e3)
        self._keep([RunReacted(self._run_id, n, command_id, heard, decided, left)])

    def woke(self) -> None:
        """Fire the timers that are due, the earliest first."""
        while True:
            timers, now = self.history.run.timers, self._outside.now()
            timer = min(timers, key=lambda each: timers[each], default=None)
            if timer is None or timers[timer] > now or self._held:
                break
            self.happened(TimerFired(now, timer))
        if (ends := self._session_ends()) is not None and ends <= self._outside.now() and not self._held:
            self.happened(SessionOver(self._outside.now(), "the subject's session has lasted as long as it may"))
        self._arm()

    def looked(self) -> None:
        """Pause where something is missing or has tripped; go on where it is back."""
        run, tripped = self.history.run, self._standings.tripped()
        missing = self._standings.missing(self._outside.now())
        now = self._outside.now()
        if tripped and (run.phase == "running" or (run.phase == "paused" and self.history.auto)):
            self.happened(PauseAsked(now, INTERLOCK, "; ".join(tripped)))
        elif missing and run.phase == "running":
            self.happened(PauseAsked(now, ITSELF, "; ".join(missing)))
        elif run.phase == "paused" and self.history.auto and not tripped and self._standings.ready():
            self.happened(ResumeAsked(now, ITSELF))

    def wished(self, wish: RunWish, reply: Reply) -> None:
        """Do what an operator wants, once.

        Raises:
            RunRefusedError: not now. StorageFullError: nothing was done.
        """
        if wish.ask_id in self.history.asks:
            reply(self.view())
            return
        if isinstance(wish, ResumeRun) and (troubles := (*self._standings.tripped(), *self._standings.all_troubles())):
            raise RunRefusedError(f"the run cannot go on: {'; '.join(dict.fromkeys(troubles))}")
        if self._held:
            raise StorageFullError("the disk takes nothing; nothing was done")
        if isinstance(wish, RenewAllowance):
            if superseded(self.allowance, wish.allowance):
                reply(self.view())
                return
            same, self.allowance = wish.allowance == self.allowance, wish.allowance
            if same:
                reply(self.view())
                return
        self.happened(event_of(wish, self._outside.now()), ask=wish.ask_id, reply=reply)

    def happened(
        self, event: Event, heard: datetime | None = None, *, ask: UUID | None = None, reply: Reply | None = None
    ) -> None:
        """Take a step; those that follow from it come behind it."""
        self._inbox.append((event, heard or datetime.now(UTC), ask, reply))
        if self._working:
            return
        self._working = True
        try:
            while self._inbox:
                self._step(*self._inbox.popleft())
        finally:
            self._working = False
        self._arm()

    def unblock(self) -> None:
        """Try again what the disk did not take: the run pauses for a moment, since what happened meanwhile was not heard."""
        held, self._held = list(self._held), deque(maxlen=HELD)
        if held:
            if self.history.run.phase == "running" and not isinstance(held[0][0], PauseAsked):
                self.happened(PauseAsked(self._outside.now(), ITSELF, "the disk took nothing"))
            for event, heard, ask in held:
                self.happened(event, heard, ask=ask)
            self.looked()

    def view(self) -> RunView:
        """Return the run as it is."""
        history, run = self.history, self.history.run
        missing = self._standings.missing(self._outside.now()) if run.phase == "paused" and history.auto else ()
        allowance = None if self.allowance is None else current(self.allowance, datetime.now(UTC))
        given = 0.0 if allowance is None else history.given_since(allowance.as_of)
        return RunView(
            run_id=self._run_id,
            phase=run.phase,
            reason=run.reason,
            n=history.n,
            at=run.now,
            trial=run.trial,
            open=run.open,
            block=run.block,
            rewarded=run.total_reward,
            outcomes={name: int(run.scope.get(f"count.{name}", 0)) for name in history.plan.document.outcomes},
            pending=len(run.pending),
            parameters={name: run.scope[name] for name in history.plan.parameters},
            devices=dict(self._standings.words),
            holding=missing,
            last=run.last[1] if run.last else None,
            reaction_ms=self.reactions.figures(),
            allowance_left=None if allowance is None or allowance.amount is None else max(0.0, allowance.amount - given),
            overdrawn=overdrawn(allowance, given),
            session_ends=None if self.allowance is None else self.allowance.ends,
        )

    # one step

    def _step(self, event: Event, heard: datetime, ask: UUID | None, reply: Reply | None) -> None:
        history = self.history
        if self._held:  # in order, or not at all
            self._hold(event, heard, ask, reply)
            return
        before = history.run
        run, effects = reduce(history.plan, before, event)
        now = datetime.now(UTC)
        barred = self._barred(effects, heard)  # a reward counts for the day in which it is heard, as its record does
        step = RunStepped(self._run_id, history.n, heard, event, tuple(effects), ask, barred)
        told = any(isinstance(effect, SendCommand | PhaseChanged) for effect in effects)
        try:
            self._journal.append([step, *self._alarms(step, now)], durable=told)
        except StorageFullError as error:
            log.error("a run's journal takes nothing", extra={"run": str(self._run_id), "reason": error.message})
            self._hold(event, heard, ask, reply)
            return
        history.take(step, run)
        self._carry_out(step, datetime.now(UTC))
        if not told:
            self._outside.unsynced()
        self._outside.told(step)
        if reply is not None:
            refused = refusal_of(event, before.phase, effects) or next(iter(barred.values()), None)
            reply(self.view() if refused is None else RunRefusedError(refused, phase=run.phase))

    def _carry_out(self, step: RunStepped, decided: datetime) -> None:
        if any(isinstance(effect, PhaseChanged) and effect.phase in QUIET for effect in step.effects):
            self._outside.hush()
        for effect in step.effects:
            if isinstance(effect, SendCommand):
                if effect.id in step.barred:
                    self._inbox.append((CommandSettled(self._outside.now(), effect.id, "rejected"), decided, None, None))
                else:
                    self._outside.send(effect, step.n, step.time, decided)

    def _barred(self, effects: Sequence[Effect], at: datetime) -> dict[UUID, str]:
        """Return the rewards that the subject's allowance does not cover, and why."""
        if self.allowance is None:
            return {}
        barred: dict[UUID, str] = {}
        allowance = current(self.allowance, at)
        given = self.history.given_since(allowance.as_of)
        for effect in effects:
            if isinstance(effect, SendCommand) and effect.reward is not None:
                why = refusal(allowance, given, effect.reward, at)
                if why is None:
                    given += effect.reward
                else:
                    barred[effect.id] = why
        return barred

    def _alarms(self, step: RunStepped, now: datetime) -> list[Record]:
        source, found = run_node(self._run_id), list[Record]()
        if step.barred:
            found.append(AlarmRaised(now, source, BARRED, f"a reward was not given: {next(iter(step.barred.values()))}"))
        phases = [effect for effect in step.effects if isinstance(effect, PhaseChanged)]
        if phases and phases[-1].phase == "recovering":
            found.append(AlarmRaised(now, source, WAITS, "the run was interrupted; a person is to resume or abort it"))
        elif phases and self.history.run.phase == "recovering":
            found.append(AlarmCleared(now, source, WAITS))
        if phases and phases[-1].phase in OVER and self.history.barred:
            found.append(AlarmCleared(now, source, BARRED))
        return found

    def _hold(self, event: Event, heard: datetime, ask: UUID | None, reply: Reply | None) -> None:
        """Keep what must not be lost until the disk takes it. What devices say meanwhile is dropped: nothing may answer it."""
        if reply is not None:
            reply(StorageFullError("the disk takes nothing; nothing was done"))
        elif isinstance(event, DeviceSaid | MetricSaid):
            self.dropped += 1
        else:
            self._held.append((event, heard, ask))
        self._outside.blocked()

    def _keep(self, records: list[Record]) -> None:
        try:
            self._journal.append(records, durable=False)
        except StorageFullError:
            self.dropped += 1  # a figure, no decision
        else:
            self._outside.unsynced()

    def _arm(self) -> None:
        due = list(self.history.run.timers.values())
        if (ends := self._session_ends()) is not None:
            due.append(ends)
        self._outside.wake_at(min(due, default=None) if not self._held else None)

    def _session_ends(self) -> float | None:
        """Return when the subject's session is to end, on the run's axis; None: by no limit, or it is ending already."""
        run, ends = self.history.run, None if self.allowance is None else self.allowance.ends
        if ends is None or run.phase == "finishing" or run.phase in OVER:
            return None
        return (ends - self.history.opened.time).total_seconds()
