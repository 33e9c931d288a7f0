"""A trial's way through its states, from the interval before it to its outcome. Pure."""

from __future__ import annotations

from typing import Any, Final

from lics_actors.experiment.acts import SLACK, perform
from lics_actors.experiment.expressions import EvaluationError
from lics_actors.experiment.finishing import finish
from lics_actors.experiment.messages import (
    BlockBegan,
    ParameterSet,
    StaircaseMoved,
    StateEntered,
    TrialBegan,
    TrialEnded,
    WayTaken,
)
from lics_actors.experiment.plan import Plan, PlanDraw, PlanStaircase, Way
from lics_actors.experiment.state import RunState
from lics_actors.experiment.turn import Turn

INTERRUPTED: Final = "interrupted"
INTERVAL: Final = "interval"
MAX_CHAIN: Final = 32  # states passed at one instant; more is a circle


def await_next(turn: Turn) -> None:
    """Set the timer of the interval before the next trial; none where it is 0."""
    pause_s = max(0.0, float(turn.value(turn.plan.interval))) if turn.run.trial else 0.0
    if pause_s > 0:
        turn.set_timer(INTERVAL, turn.at + pause_s)
    else:
        begin(turn)


def begin(turn: Turn) -> None:
    """Begin a trial: wishes come true, chance is asked, the first state is entered."""
    run = turn.run
    run.trial += 1
    run.open, run.entitled, run.rewarded, run.ordinal, run.trial_began = True, True, 0.0, 0, turn.at
    turn.put("trial.number", run.trial)
    for name, value in run.wishes.items():
        turn.put(name, value)
        turn.tell(ParameterSet(name, value))
    run.wishes = {}
    if run.block < 0 and turn.plan.blocks:
        _begin_block(turn, 0)
    drawn = {draw.name: _draw(turn, draw) for draw in turn.plan.draws}
    for name, value in drawn.items():
        turn.put(name, value)
    turn.tell(TrialBegan(run.trial, turn.plan.blocks[run.block].name if run.block >= 0 else "", drawn))
    _enter(turn, turn.plan.start, None, None)


def heard(turn: Turn, key: str) -> None:
    """Take the first way of the present state that this opens."""
    for way in turn.plan.states[turn.run.state].heard.get(key, ()):
        if _opens(turn, way):
            _take(turn, way)
            return


def opened(plan: Plan, run: RunState, key: str, data: dict[str, Any]) -> Way | None:
    """Return the way that an event would open now."""
    turn = Turn(plan, run, run.now)
    turn.hear({f"event.{name}": value for name, value in data.items()})
    return next((way for way in plan.states[run.state].heard.get(key, ()) if _opens(turn, way)), None)


def metric(turn: Turn, subject: str, value: float) -> None:
    """Take the first way that a metric's value opens."""
    for way in turn.plan.states[turn.run.state].heard.get(f"metric:{subject}", ()):
        turn.hear({"value": value * way.factor})
        if _opens(turn, way):
            _take(turn, way)
            return


def settled(turn: Turn, subject: str, outcome: str) -> None:
    """Take the way that a command's fate opens."""
    for way in turn.plan.states[turn.run.state].heard.get(f"command:{subject}", ()):
        if (not way.outcomes or outcome in way.outcomes) and _opens(turn, way):
            _take(turn, way)
            return


def elapsed(turn: Turn, index: int) -> None:
    """Take the way of a state's timer."""
    way = turn.plan.states[turn.run.state].ways[index]
    if _opens(turn, way):
        _take(turn, way)


def interrupt(turn: Turn, reason: str) -> None:
    """Close the open trial, if there is one, as interrupted: kept, flagged, counted nowhere."""
    run = turn.run
    turn.cancel(INTERVAL)
    if run.open:
        _leave(turn, act=False)
        run.open, run.entitled = False, False
        turn.tell(TrialEnded(run.trial, INTERRUPTED, run.rewarded, reason))


def _opens(turn: Turn, way: Way) -> bool:
    """Return whether its condition holds. An event that lacks a field which the condition reads does not fulfil it."""
    when = way.when
    if when is None:
        return True
    return when.names <= turn.run.scope.keys() and bool(turn.value(when))


def _take(turn: Turn, way: Way) -> None:
    run, before = turn.run, turn.plan.states[turn.run.state].name
    if way.leaves:
        _leave(turn, act=True)
        perform(turn, way.acts)
        _arrive(turn, way, before, 0)
    else:
        turn.tell(WayTaken(run.trial, before, way.index))
        perform(turn, way.acts)
        _look(turn, 0)


def _arrive(turn: Turn, way: Way, before: str, chain: int) -> None:
    if way.end is not None:
        turn.tell(WayTaken(turn.run.trial, before, way.index))
        _end(turn, way.end)
        return
    targets = way.targets
    chosen = 0 if len(targets) == 1 else turn.pick([float(turn.value(weight)) for _, weight in targets])
    _enter(turn, targets[chosen][0], before, way.index, chain)


def _enter(turn: Turn, index: int, before: str | None, way: int | None, chain: int = 0) -> None:
    run, state = turn.run, turn.plan.states[index]
    run.state, run.entry = index, run.entry + 1
    turn.tell(StateEntered(run.trial, state.name, run.entry, before, way))
    perform(turn, state.enter)
    for each in state.timers:
        assert each.after is not None
        turn.set_timer(f"{run.entry}.{each.index}", turn.at + max(0.0, float(turn.value(each.after))))
    _look(turn, chain)


def _look(turn: Turn, chain: int) -> None:
    """Take the first way without a trigger whose condition holds."""
    state = turn.plan.states[turn.run.state]
    for way in state.always:
        if _opens(turn, way):
            if chain >= MAX_CHAIN:
                raise EvaluationError(f"more than {MAX_CHAIN} states were passed at one instant, the last `{state.name}`")
            _leave(turn, act=True)
            perform(turn, way.acts)
            _arrive(turn, way, state.name, chain + 1)
            return


def _leave(turn: Turn, *, act: bool) -> None:
    """Leave the present state: its timers are gone before anything else is done."""
    run = turn.run
    if run.state < 0:
        return
    state = turn.plan.states[run.state]
    turn.cancel(*(f"{run.entry}.{way.index}" for way in state.timers))
    if act:
        perform(turn, state.exit)
    run.state = -1


def _end(turn: Turn, outcome: str) -> None:
    run = turn.run
    run.open, run.entitled = False, False
    turn.tell(TrialEnded(run.trial, outcome, run.rewarded))
    _count(turn, outcome)
    for staircase in turn.plan.staircases:
        _climb(turn, staircase, outcome)
    if run.last is not None:
        finish(turn, *run.last)
    elif run.scope["session.trials"] >= turn.plan.trials:
        finish(turn, "completed", "all trials are done")
    elif turn.plan.max_reward is not None and run.total_reward >= turn.plan.max_reward - SLACK:
        finish(turn, "completed", "the limit of reward is reached")
    elif _next_block(turn):
        await_next(turn)
    else:
        finish(turn, "completed", "the last block is done")


def _count(turn: Turn, outcome: str) -> None:
    scope = turn.run.scope
    turn.put("session.trials", scope["session.trials"] + 1)
    turn.put("block.trials", scope["block.trials"] + 1)
    turn.put(f"count.{outcome}", scope[f"count.{outcome}"] + 1)
    turn.put(f"block_count.{outcome}", scope[f"block_count.{outcome}"] + 1)
    for name in turn.plan.document.outcomes:
        turn.put(f"streak.{name}", turn.run.scope[f"streak.{name}"] + 1 if name == outcome else 0)


def _draw(turn: Turn, draw: PlanDraw) -> Any:
    if draw.low is not None and draw.high is not None:
        low, high = turn.value(draw.low), turn.value(draw.high)
        return low + (high - low) * turn.number()
    weights = [float(turn.value(weight)) for _, weight in draw.values]
    latest, times = turn.run.runs.get(draw.name, (None, 0))
    barred = [
        0.0 if draw.max_run is not None and times >= draw.max_run and value == latest else weight
        for (value, _), weight in zip(draw.values, weights, strict=True)
    ]
    value = draw.values[turn.pick(barred if any(barred) else weights)][0]
    if draw.max_run is not None:
        turn.run.runs = {**turn.run.runs, draw.name: (value, times + 1 if value == latest else 1)}
    return value


def _climb(turn: Turn, staircase: PlanStaircase, outcome: str) -> None:
    before = value = turn.run.scope[staircase.name]
    for n, step in enumerate(staircase.steps):
        key = f"{staircase.name}.{n}"
        row = turn.run.steps.get(key, 0) + 1 if step.outcome == outcome else 0
        if row >= step.after:
            value, row = min(staircase.high, max(staircase.low, value + step.by)), 0
        turn.run.steps = {**turn.run.steps, key: row}
    if value != before:
        turn.put(staircase.name, value)
        turn.tell(StaircaseMoved(staircase.name, value))


def _next_block(turn: Turn) -> bool:
    """Go to the next block where this one is over; return False where there is none and the run is to end."""
    run, plan = turn.run, turn.plan
    if run.block < 0 or not _block_over(turn, plan):
        return True
    following = run.block + 1
    if following < len(plan.blocks):
        _begin_block(turn, following)
    elif plan.document.after_blocks == "repeat":
        _begin_block(turn, 0)
    else:
        return plan.document.after_blocks == "stay"
    return True


def _block_over(turn: Turn, plan: Plan) -> bool:
    block = plan.blocks[turn.run.block]
    if block.trials is not None and turn.run.scope["block.trials"] >= block.trials:
        return True
    return block.until is not None and bool(turn.value(block.until))


def _begin_block(turn: Turn, index: int) -> None:
    run, block = turn.run, turn.plan.blocks[index]
    run.block, run.block_began = index, turn.at
    turn.put("block.index", index)
    turn.put("block.trials", 0)
    for name in turn.plan.document.outcomes:
        turn.put(f"block_count.{name}", 0)
    turn.tell(BlockBegan(index, block.name))
    perform(turn, block.assigns)
