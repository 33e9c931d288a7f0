"""Whatever happens, in whatever order: what the supervision policy never does."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from lics_actors.supervision.messages import (
    ChildAdded,
    ChildBeginFailed,
    ChildBegun,
    ChildExited,
    ChildHung,
    ChildRemoved,
    Effect,
    Event,
    ForgetChild,
    KillChild,
    OperatorClear,
    OperatorDrain,
    OperatorQuarantine,
    OperatorRestart,
    PingChild,
    Ponged,
    ReportStopped,
    SetTimer,
    StartChild,
    StopChild,
    StopRequested,
    Timer,
    TimerFired,
    TimerKind,
)
from lics_actors.supervision.policy import reduce
from lics_actors.supervision.specs import ChildKind, ChildSpec, Phase, Policy, Strategy, Then
from lics_actors.supervision.state import Supervision

NAMES = ("a", "b", "c", "d")
INTENSITY, PERIOD_S = 3, 60.0
ACTIONS = (
    *("begin", "exit", "normal", "fail", "hang", "pong", "timer", "add", "remove", "stale"),
    *("restart", "clear", "drain", "quarantine"),
)

STEERED: dict[str, type[OperatorRestart | OperatorClear | OperatorDrain | OperatorQuarantine]] = {
    "restart": OperatorRestart,
    "clear": OperatorClear,
    "drain": OperatorDrain,
    "quarantine": OperatorQuarantine,
}

steps = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS), st.sampled_from(NAMES), st.floats(0, 30), st.floats(0, 1, exclude_max=True), st.integers(0, 9)
    ),
    max_size=80,
)
policies = st.builds(
    Policy,
    strategy=st.sampled_from(Strategy),
    intensity=st.just(INTENSITY),
    period_s=st.just(PERIOD_S),
    parallel_starts=st.integers(1, 4),
    parallel_stops=st.integers(1, 4),
)


@dataclass
class World:
    """Keeps the supervisor's state, the timers it asked for and which processes would be alive, and checks every step."""

    state: Supervision
    now: float = 0.0
    alive: dict[str, int] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    restarts: dict[str, list[float]] = field(default_factory=dict)
    forgiven: set[str] = field(default_factory=set)

    def tell(self, event: Event) -> list[Effect]:
        before = self.state
        if isinstance(event, ChildExited) and self.alive.get(event.name) == event.incarnation:
            del self.alive[event.name]
        self.state, effects = reduce(before, event)
        if isinstance(event, ChildExited):
            self.judged(before, event)
        for effect in effects:
            self.perform(before, effect)
        for child in self.state.children.values():
            held = self.state.holds.get(child.name)
            if child.phase in {Phase.QUARANTINED, Phase.DRAINED}:
                assert held is not None and held.phase is child.phase
            elif held is not None and not self.state.stopping:
                assert child.then is Then.HOLD or (child.leaving and child.leaving.then is Then.HOLD)
        assert self.state.holds.keys() <= self.state.children.keys()
        return effects

    def perform(self, before: Supervision, effect: Effect) -> None:
        match effect:
            case StartChild(name=name, incarnation=incarnation):
                assert name not in self.alive, "two incarnations alive at once"
                self.alive[name] = incarnation
                self.count(before, name, incarnation)
            case StopChild(name=name, incarnation=incarnation) | KillChild(name=name, incarnation=incarnation):
                assert self.alive.get(name) == incarnation
            case PingChild(name=name, incarnation=incarnation):
                assert self.alive.get(name) == incarnation
                assert before.children[name].pinged_at is None, "more than one ping outstanding"
            case SetTimer(timer=timer, after_s=after_s):
                assert after_s > 0
                self.timers.append(timer)
            case ForgetChild(name=name):
                assert name not in self.state.children and name not in self.alive
                self.restarts.pop(name, None)
            case _:
                pass

    def count(self, before: Supervision, name: str, incarnation: int) -> None:
        known = before.children.get(name)
        assert name not in self.state.holds, "a child that is kept down was started"
        if known is not None and known.phase in {Phase.QUARANTINED, Phase.DRAINED}:
            assert name in self.forgiven, "a child that is kept down was started without a person"

    def judged(self, before: Supervision, event: ChildExited) -> None:
        known, child = before.children.get(event.name), self.state.children.get(event.name)
        if known is None or child is None or not child.owed or known.owed:
            return
        times = self.restarts.setdefault(event.name, [])
        times.append(self.now)
        assert sum(time >= self.now - PERIOD_S for time in times) <= INTENSITY

    def play(self, action: str, name: str, number: int, luck: float) -> None:
        child = self.state.children.get(name)
        incarnation = self.alive.get(name, child.incarnation if child else 0)
        self.forgiven = set()
        match action:
            case "begin":
                self.tell(ChildBegun(name, incarnation, self.now))
            case "exit" | "normal" if name in self.alive:
                event = ChildExited(name, incarnation, self.now, luck, action == "normal")
                self.tell(event)
                settled = self.state
                assert self.tell(event) == [], "the second report of one death had an effect"
                assert self.state == settled
            case "fail":
                self.tell(ChildBeginFailed(name, incarnation, "x", self.now))
            case "hang":
                self.tell(ChildHung(name, incarnation, self.now))
            case "pong":
                self.tell(Ponged(name, incarnation, child.serial if child else 0, self.now))
            case "timer" if self.timers:
                self.tell(TimerFired(self.timers.pop(number % len(self.timers)), self.now))
            case "restart" | "clear" | "drain" | "quarantine":
                before = self.state
                self.forgiven = {name}
                self.restarts.pop(name, None) if action != "clear" or name in before.holds else None
                self.tell(STEERED[action](name, "user:x", None, self.now))
            case "add":
                self.tell(ChildAdded(ChildSpec(name, list(ChildKind)[number % 3], stage=number % 2), self.now))
            case "remove":
                self.tell(ChildRemoved(name, self.now))
            case "stale":
                before = self.state
                assert self.tell(ChildExited(name, incarnation - 1 - number, self.now, luck)) == []
                assert self.state == before
            case _:
                pass


def world_of(policy: Policy, names: tuple[str, ...] = NAMES) -> World:
    world = World(Supervision(policy))
    for name in names:
        world.tell(ChildAdded(ChildSpec(name), 0.0))
    return world


@given(policies, steps)
@settings(max_examples=300, deadline=None)
def test_no_history_breaks_the_rules_and_stopping_always_ends(
    policy: Policy, history: list[tuple[str, str, float, float, int]]
) -> None:
    world = world_of(policy)
    for action, name, seconds, luck, number in history:
        world.now += seconds
        world.play(action, name, number, luck)
        assert not world.state.stopping, "children stopped their supervisor"
        starting = [child for child in world.state.children.values() if child.phase is Phase.STARTING]
        limit = policy.parallel_starts if policy.strategy is Strategy.ONE_FOR_ONE else 1
        assert len(starting) <= limit
    reported = [*world.tell(StopRequested(world.now))].count(ReportStopped())
    for _ in range(100):
        if not world.alive:
            break
        name, incarnation = next(
            (name, number) for name, number in world.alive.items() if world.state.children[name].phase in {"stopping", "killing"}
        )
        reported += world.tell(ChildExited(name, incarnation, world.now, 0.5, True)).count(ReportStopped())
    assert reported == 1 and world.state.stopped


@given(steps.map(lambda history: [step for step in history if step[0] not in {"add", "remove", *STEERED}]))
@settings(max_examples=150, deadline=None)
def test_one_for_one_touches_nobody_but_the_one_it_is_about(history: list[tuple[str, str, float, float, int]]) -> None:
    world = world_of(Policy(intensity=INTENSITY, parallel_starts=len(NAMES)))
    for action, name, seconds, luck, number in history:
        world.now += seconds
        before = world.state
        world.play(action, name, number, luck)
        if action != "timer":
            assert all(world.state.children[other] == before.children[other] for other in NAMES if other != name)


@given(st.integers(0, 3), st.integers(1, 2))
def test_rest_for_one_restarts_exactly_the_later_ones_in_order(dying: int, deaths: int) -> None:
    world = world_of(Policy(strategy=Strategy.REST_FOR_ONE, intensity=9))
    for name in NAMES:
        world.tell(ChildBegun(name, world.alive[name], 0.0))
    for _ in range(deaths):
        world.now += 40.0  # long enough to be healthy: the restart is immediate
        before = dict(world.alive)
        started = settle(world, world.tell(ChildExited(NAMES[dying], world.alive[NAMES[dying]], world.now, 0.5)))
        assert started == list(NAMES[dying:])
        assert all(world.alive[name] == before[name] for name in NAMES[:dying])


def settle(world: World, effects: list[Effect]) -> list[str]:
    """Let children stop and begin as they are told to; return who was started, in order."""
    started = []
    while effects:
        effect = effects.pop(0)
        if isinstance(effect, StopChild):
            effects += world.tell(ChildExited(effect.name, effect.incarnation, world.now, 0.5, True))
        elif isinstance(effect, StartChild):
            started.append(effect.name)
            effects += world.tell(ChildBegun(effect.name, effect.incarnation, world.now))
    return started


@given(policies, steps)
@settings(max_examples=150, deadline=None)
def test_after_any_trouble_every_child_ends_up_running_or_waits_for_a_person(
    policy: Policy, history: list[tuple[str, str, float, float, int]]
) -> None:
    world = world_of(policy)
    for action, name, seconds, luck, number in history:
        world.now += seconds
        world.play(action, name, number, luck)
    for _ in range(400):
        world.now += 200.0
        todo = [timer for timer in world.timers if timer.kind is not TimerKind.SWEEP]
        world.timers = []
        for timer in todo:
            world.tell(TimerFired(timer, world.now))
        for name, incarnation in list(world.alive.items()):
            if world.state.children[name].phase in {Phase.STOPPING, Phase.KILLING}:
                world.tell(ChildExited(name, incarnation, world.now, 0.5, True))
            else:
                world.tell(ChildBegun(name, incarnation, world.now))
    resting = {Phase.RUNNING, Phase.QUARANTINED, Phase.DRAINED, Phase.ENDED}
    if policy.strategy is Strategy.REST_FOR_ONE and world.state.holds:
        resting.add(Phase.WAITING)  # for the one it depends on, which is kept down
    assert {child.phase for child in world.state.children.values()} <= resting
