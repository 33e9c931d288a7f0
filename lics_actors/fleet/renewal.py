"""Renewing the whole fleet for an operator: everybody a few at a time, or all at once from the program on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from lics_actors.errors import LicsError, NodeNotFoundError, ProgramUnsoundError, RollNotFoundError, RollUnderWayError
from lics_actors.fleet import rolling
from lics_actors.fleet.messages import (
    AskRoll,
    NodeView,
    Relaunch,
    RelaunchFleet,
    RelaunchJudged,
    RollNodes,
    RollView,
    SteerNode,
)
from lics_actors.supervision.messages import RecordEvent
from lics_actors.supervision.specs import Verb
from lics_actors.supervision.supervisor import Supervisor

LOOK_S = 0.1  # how late one is noticed to be back; a look costs 1 ms with 300 devices
ROOT = "fleet"

Reply = Callable[[object], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _LookAtRoll:
    """Wakeup: who is back?"""


@dataclass(slots=True)
class _Asked:
    """A rolling restart as somebody asked for it."""

    roll: rolling.Roll
    principal: str
    reason: str | None
    began_at: datetime
    ended_at: datetime | None = None


class Renewing(Supervisor):
    """The part of the FleetSupervisor that renews everybody. If it dies meanwhile, everybody is new anyway."""

    def __init__(self) -> None:
        super().__init__()
        self._rolling: _Asked | None = None
        self._relaunches: list[Reply] = []

    def tree(self) -> NodeView:
        """Return the supervision tree, from memory."""
        raise NotImplementedError

    def steer(self, wish: SteerNode, reply: Reply) -> None:
        """Do to a node what an operator wants."""
        raise NotImplementedError

    def renew(self, body: RollNodes | AskRoll | RelaunchFleet, reply: Reply) -> None:
        """Answer a request about renewing.

        Raises:
            RollUnderWayError, RollNotFoundError
        """
        match body:
            case RollNodes():
                self._begin_roll(body)
                reply(self._roll_view())
            case AskRoll():
                reply(self._roll_view())
            case RelaunchFleet(principal=principal, reason=reason):
                self._relaunches.append(reply)
                if len(self._relaunches) == 1:
                    self.note(RecordEvent(ROOT, "relaunch_requested", principal, reason))
                    self.send(self.supervisor, Relaunch(principal, reason))

    def on_wakeup(self, payload: object) -> None:
        """Go on with the rolling restart, or take a timer."""
        match payload:
            case _LookAtRoll():
                self._go_on()
            case _:
                super().on_wakeup(payload)

    def judged(self, judged: RelaunchJudged) -> None:
        """Hear from the launcher whether it starts anew, and tell whoever asked."""
        waiting, self._relaunches = self._relaunches, []
        for reply in waiting:
            reply(True if judged.obstacle is None else ProgramUnsoundError(f"the fleet goes on as it is: {judged.obstacle}"))

    # a few at a time

    def _begin_roll(self, asked: RollNodes) -> None:
        if self._rolling is not None and self._rolling.ended_at is None:
            raise RollUnderWayError("a rolling restart is under way; `lics fleet status` says how far it is")
        roll = rolling.roll_of(self.tree(), max(1, asked.at_once))
        self._rolling = _Asked(roll, asked.principal, asked.reason, datetime.now(UTC))
        self.note(RecordEvent(ROOT, "roll_requested", asked.principal, asked.reason))
        self._go_on()

    def _go_on(self) -> None:
        asked = self._rolling
        if asked is None or asked.ended_at is not None:
            return
        tree = self.tree()
        roll, chosen = rolling.begin_next(rolling.look(asked.roll, tree, self.now()), tree)
        asked.roll = roll
        for name in chosen:
            self._renew_one(asked, name)
        if asked.roll.over:
            asked.ended_at = datetime.now(UTC)
            kind = "roll_stopped" if asked.roll.failed else "roll_ended"
            why = "; ".join(f"{name}: {reason}" for name, reason in asked.roll.failed.items())
            self.note(RecordEvent(ROOT, kind, asked.principal, why or asked.reason))
        else:
            self.wake_after(LOOK_S, _LookAtRoll())

    def _renew_one(self, asked: _Asked, name: str) -> None:
        def answer(outcome: object) -> None:
            match outcome:
                case NodeNotFoundError():
                    asked.roll = rolling.gone(asked.roll, name)
                case LicsError(message=message):
                    asked.roll = rolling.failed(asked.roll, name, message)
                case _:
                    asked.roll = rolling.begun(asked.roll, name, self.now())

        try:
            self.steer(SteerNode(name, Verb.RESTART, asked.principal, asked.reason), answer)
        except LicsError as error:
            answer(error)

    def _roll_view(self) -> RollView:
        asked = self._rolling
        if asked is None:
            raise RollNotFoundError("no rolling restart was asked for since the fleet began")
        roll = asked.roll
        state = "running" if asked.ended_at is None else "stopped" if roll.failed else "done"
        return RollView(
            state=state,
            total=roll.total,
            done=len(roll.done),
            skipped=roll.skipped,
            under_way=tuple(roll.under_way),
            failed=dict(roll.failed),
            principal=asked.principal,
            reason=asked.reason,
            began_at=asked.began_at,
            ended_at=asked.ended_at,
        )
