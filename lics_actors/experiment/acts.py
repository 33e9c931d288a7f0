"""What a state or a transition does: commands, rewards, variables, markers. Pure."""

from __future__ import annotations

from typing import Any, Final, assert_never

from lics_actors.experiment.expressions import EvaluationError
from lics_actors.experiment.messages import Marked, RewardRefused, SendCommand
from lics_actors.experiment.plan import Act, Argument, Assign, Give, Mark, PlanReward, Say
from lics_actors.experiment.state import Pending
from lics_actors.experiment.turn import Turn

MAX_PENDING: Final = 100  # commands without a fate; a device that settles nothing for so long is lost
SLACK: Final = 1e-9  # of sums of floating-point amounts


def perform(turn: Turn, acts: tuple[Act, ...]) -> None:
    """Do these things, in order.

    Raises:
        EvaluationError: a value cannot be had.
    """
    for act in acts:
        match act:
            case Say():
                send(turn, act.role, act.name, _arguments(turn, act.args), None)
            case Give():
                give(turn, turn.value(act.amount))
            case Assign():
                turn.put(act.name, turn.value(act.value))
            case Mark():
                turn.tell(Marked(turn.run.trial, act.name))
            case _:
                assert_never(act)


def send(turn: Turn, role: str, name: str, args: dict[str, Any], reward: float | None) -> None:
    """Say a command, and remember that its fate is open.

    Raises:
        EvaluationError: too many are open.
    """
    if len(turn.run.pending) >= MAX_PENDING:
        raise EvaluationError(f"{MAX_PENDING} commands are without a fate: the devices do not answer")
    command_id = turn.command_id()
    turn.run.pending = {**turn.run.pending, command_id: Pending(f"{role}.{name}", turn.run.trial)}
    turn.tell(SendCommand(command_id, role, name, args, turn.run.trial, reward))


def give(turn: Turn, amount: float) -> None:
    """Reward the open trial, if it has not been and the run's limit allows it; otherwise tell that not."""
    run = turn.run
    if not run.entitled:
        turn.tell(RewardRefused(run.trial, amount, "this trial was rewarded already"))
        return
    if dispense(turn, amount):
        run.entitled, run.rewarded = False, amount


def dispense(turn: Turn, amount: float) -> bool:
    """Give so much if limits allow; return whether it was."""
    run, reward = turn.run, turn.plan.reward
    assert reward is not None
    refusal = _refusal(turn, amount)
    if refusal is not None:
        turn.tell(RewardRefused(run.trial, amount, refusal))
        return False
    run.total_reward += amount
    turn.put("session.reward", run.total_reward)
    args = _arguments(turn, reward.args) | {reward.argument: _whole(reward, amount / reward.factor)}
    send(turn, reward.role, reward.command, args, amount)
    return True


def _refusal(turn: Turn, amount: float) -> str | None:
    if not amount > 0:
        return "the amount is not above 0"
    limit = turn.plan.max_reward
    if limit is not None and turn.run.total_reward + amount > limit + SLACK:
        turn.run.last = turn.run.last or ("completed", "the limit of reward is reached")
        return "it would exceed the limit of the run"
    return None


def _whole(reward: PlanReward, amount: float) -> float:
    return int(amount) if reward.kind == "pellets" and amount == int(amount) else amount


def _arguments(turn: Turn, args: tuple[Argument, ...]) -> dict[str, Any]:
    return {each.name: _scaled(turn.value(each.value), each.factor) for each in args}


def _scaled(value: Any, factor: float) -> Any:
    return value if factor == 1.0 else value / factor
