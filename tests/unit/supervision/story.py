"""A supervisor of children that are only told of."""

from __future__ import annotations

from dataclasses import replace

from lics_actors.supervision.messages import (
    ChildAdded,
    ChildBegun,
    ChildExited,
    Effect,
    Event,
    OperatorRestart,
    RecordEvent,
    SetTimer,
    Timer,
    TimerFired,
    TimerKind,
)
from lics_actors.supervision.policy import reduce
from lics_actors.supervision.specs import ChildSpec, Phase, Policy
from lics_actors.supervision.state import Supervision

OPERATOR = "user:ada"


class Story:
    """A supervisor whose events are told one by one; what it asked for last is in `effects`."""

    def __init__(self, *specs: ChildSpec | str, **policy: object) -> None:
        self.state = Supervision(replace(Policy(parallel_starts=100, ping_every_s=5.0, look_every_s=None), **policy))  # type: ignore[arg-type]
        self.effects: list[Effect] = []
        self.now = 0.0
        for spec in specs:
            self.add(spec)

    def add(self, spec: ChildSpec | str) -> list[Effect]:
        return self.tell(ChildAdded(spec if isinstance(spec, ChildSpec) else ChildSpec(spec), self.now))

    def tell(self, event: Event) -> list[Effect]:
        self.state, self.effects = reduce(self.state, event)
        return self.effects

    def begin(self, *names: str) -> list[Effect]:
        for name in names:
            self.tell(ChildBegun(name, self.state.children[name].incarnation, self.now))
        return self.effects

    def exit(self, name: str, *, normal: bool = False, luck: float = 1.0, reason: str | None = None) -> list[Effect]:
        child = self.state.children[name]
        return self.tell(ChildExited(name, child.incarnation, self.now, luck, normal, reason))

    def fire(self, kind: TimerKind, name: str = "", *, after: float = 0.0) -> list[Effect]:
        self.now += after
        serial = self.state.look if kind is TimerKind.LOOK else self.state.sweep
        number = self.state.children[name].incarnation if name else serial
        return self.tell(TimerFired(Timer(kind, name, number), self.now))

    def restart(self, name: str) -> list[Effect]:
        return self.tell(OperatorRestart(name, OPERATOR, "stuck", self.now))

    def phase(self, name: str) -> Phase:
        return self.state.children[name].phase

    def asked(self, kind: type[Effect]) -> list[str]:
        return [getattr(effect, "name", "") for effect in self.effects if isinstance(effect, kind)]

    def timer(self, kind: TimerKind) -> float:
        return next(e.after_s for e in self.effects if isinstance(e, SetTimer) and e.timer.kind is kind)

    def recorded(self) -> list[str]:
        return [effect.kind for effect in self.effects if isinstance(effect, RecordEvent)]


def quarantined(name: str = "a", *more: str) -> Story:
    story = Story(name, *more)
    story.begin(name, *more)
    while story.phase(name) is not Phase.QUARANTINED:
        story.exit(name)
        if story.phase(name) is Phase.BACKING_OFF:
            story.fire(TimerKind.RESTART, name, after=0.1)
        if story.phase(name) is Phase.STARTING:
            story.begin(name)
    return story
