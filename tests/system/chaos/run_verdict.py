"""What must hold of runs once all is healed: their steps, trials, rewards, the devices' ledgers and the tables agree. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from drivers.description import description_of
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.document import Protocol
from lics_actors.experiment.messages import OVER, CommandSettled, Effect, PhaseChanged, SendCommand, TrialBegan, TrialEnded
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.replay import replay
from lics_actors.experiment.state import new_run
from lics_actors.experiment.trials import INTERRUPTED
from lics_actors.store.run_records import RunOpened, RunStepped
from tests.system.chaos.verdict import Finding

SLACK = 1e-6  # of sums of floating-point amounts


@dataclass(frozen=True, slots=True)
class Gift:
    """A reward as a device's ledger has it. `amount`: what its result says, in base units."""

    state: str
    executions: int
    amount: float


@dataclass(frozen=True, slots=True)
class RowOfTrial:
    """A trial as the tables have it; `outcome` None: not over."""

    number: int
    outcome: str | None


@dataclass(frozen=True, slots=True)
class RowOfReward:
    """A reward as the tables have it."""

    command_id: UUID
    amount: float
    state: str | None


@dataclass(slots=True)
class Account:
    """All there is of one run, in the order it is kept."""

    run_id: UUID
    opened: RunOpened | None
    steps: list[RunStepped] = field(default_factory=list)
    phase: str = ""
    trials: list[RowOfTrial] = field(default_factory=list)
    rewards: list[RowOfReward] = field(default_factory=list)

    def plan(self) -> Plan:
        """Return the plan it was run by."""
        assert self.opened is not None
        devices = {name: description_of(each) for name, each in self.opened.described.items()}
        return prepared(Protocol.model_validate(self.opened.document), devices)[0]

    def sent(self) -> Iterator[SendCommand]:
        """Yield the rewards that it decided on and that were not barred."""
        for step in self.steps:
            for effect in step.effects:
                if isinstance(effect, SendCommand) and effect.reward is not None and effect.id not in step.barred:
                    yield effect

    def fates(self) -> dict[UUID, str]:
        """Return what it heard last of each command."""
        return {each.event.command_id: each.event.outcome for each in self.steps if isinstance(each.event, CommandSettled)}


def ends(accounts: Iterable[Account], wanted: int) -> Finding:
    """As many runs as were wanted, each over, and its steps numbered without a gap."""
    found = Finding("runs: each over, no step missing or twice", wanted)
    count = 0
    for each in accounts:
        count += 1
        numbers = [step.n for step in each.steps]
        if numbers != list(range(len(numbers))) or each.opened is None:
            found.doubled += len(numbers) != len(set(numbers))
            found.lost += len(numbers) == len(set(numbers))
            found.differences.append(f"run {each.run_id}: opened {each.opened is not None}, steps {_gaps(numbers)}")
        last = _last_phase(each)
        if each.phase not in OVER or last != each.phase:
            found.lost += 1
            found.differences.append(f"run {each.run_id} is {each.phase}, its steps say {last}")
    if count != wanted:
        found.lost += max(0, wanted - count)
        found.doubled += max(0, count - wanted)
        found.differences.append(f"{count} runs of {wanted}")
    return found


def trials(accounts: Iterable[Account]) -> Finding:
    """Each trial began once, ended once, and is in the table once with its outcome."""
    found = Finding("trials: each accounted for exactly once")
    for each in accounts:
        effects = [effect for step in each.steps for effect in step.effects]
        began = Counter(effect.trial for effect in effects if isinstance(effect, TrialBegan))
        ended = Counter(effect.trial for effect in effects if isinstance(effect, TrialEnded))
        outcomes = {effect.trial: effect.outcome for effect in effects if isinstance(effect, TrialEnded)}
        rows = Counter(row.number for row in each.trials)
        found.expected += len(began)
        for number in sorted({*range(1, len(began) + 1), *began, *ended, *rows}):
            times = (began[number], ended[number], rows[number])
            if times != (1, 1, 1):
                found.lost += min(times) == 0
                found.doubled += max(times) > 1
                found.differences.append(f"run {each.run_id}, trial {number}: began, ended, in the table {times} times")
        for row in each.trials:
            if row.outcome != outcomes.get(row.number):
                found.lost += 1
                found.differences.append(
                    f"run {each.run_id}, trial {row.number}: {row.outcome} in the table, {outcomes.get(row.number)} decided"
                )
    return found


def rewards(accounts: Iterable[Account], gifts: Mapping[UUID, Gift], commands: Mapping[UUID, str]) -> Finding:
    """What devices gave is what was decided and recorded: the same commands, once each, with the same amount and fate.

    `commands`: each command's last state in its own table; a run may be over before a doubt is settled.
    """
    found, decided = Finding("rewards: delivered, decided and recorded are the same"), set[UUID]()
    for each in accounts:
        fates, rows = each.fates(), Counter(row.command_id for row in each.rewards)
        recorded = {row.command_id: row for row in each.rewards}
        for sent in each.sent():
            found.expected += 1
            said = Said(fates.get(sent.id), commands.get(sent.id))
            fault = _reward_fault(sent, said, recorded.get(sent.id), gifts.get(sent.id))
            doubled = sent.id in decided or rows[sent.id] > 1
            decided.add(sent.id)
            if fault or doubled:
                found.lost += bool(fault)
                found.doubled += doubled
                found.differences.append(f"run {each.run_id}, trial {sent.trial}: {fault or 'rewarded twice'} ({sent.id})")
        for stray in set(rows) - decided:
            found.doubled += 1
            found.differences.append(f"run {each.run_id}: {stray} is recorded, and nobody decided it")
    for stray in set(gifts) - decided:
        found.doubled += 1
        found.differences.append(f"a device gave {gifts[stray].amount:g} for {stray}, which no run decided")
    return found


def limits(accounts: Iterable[Account], gifts: Mapping[UUID, Gift]) -> Finding:
    """No run gave more, or made more trials, than its protocol allows."""
    found = Finding("limits: of reward and of trials, none exceeded")
    for each in accounts:
        if each.opened is None:
            continue
        found.expected += 1
        plan = each.plan()
        set_in_motion = (sent for sent in each.sent() if sent.id in gifts and gifts[sent.id].executions)
        given = sum(max(gifts[sent.id].amount, sent.reward or 0.0) for sent in set_in_motion)
        whole = sum(_is_whole(effect) for step in each.steps for effect in step.effects)
        if (plan.max_reward is not None and given > plan.max_reward + SLACK) or whole > plan.trials:
            found.doubled += 1
            found.differences.append(f"run {each.run_id}: {given:g} given of {plan.max_reward}, {whole} trials of {plan.trials}")
    return found


def days(
    accounts: Iterable[Account], gifts: Mapping[UUID, Gift], told: Mapping[UUID, Mapping[str, Any]], most_ul: float
) -> Finding:
    """No subject was given more than its day allows, over all its runs; and what LICS says of its day is so.

    `told`: each subject's day as REST says it.
    """
    found, given = Finding("days: no subject given too much, and what is said of it is so", len(told)), dict.fromkeys(told, 0.0)
    for each in accounts:
        if each.opened is not None and each.opened.subject_id is not None:
            amounts = (gifts[sent.id].amount for sent in each.sent() if sent.id in gifts and gifts[sent.id].executions)
            given[each.opened.subject_id] = given.get(each.opened.subject_id, 0.0) + sum(amounts)
    for subject, amount in given.items():
        said = next((each for each in told.get(subject, {}).get("substances", ()) if each["substance"] == "fluid"), None)
        if amount > most_ul + SLACK:
            found.doubled += 1
            found.differences.append(f"subject {subject}: {amount:g} given of {most_ul:g}")
        if said is None or not said["surely"] - SLACK <= amount <= said["at_most"] + SLACK or said["reserved"]:
            found.lost += 1
            found.differences.append(f"subject {subject}: {amount:g} given, LICS says {said}")
    return found


def replays(accounts: Iterable[Account]) -> Finding:
    """What was recorded, fed to the engine again, gives the same decisions."""
    found = Finding("replay: identical decisions")
    for each in accounts:
        if each.opened is None:
            continue
        found.expected += 1
        plan = each.plan()
        run = new_run(plan, each.run_id, each.opened.seed, dict(each.opened.parameters))
        difference = replay(plan, run, [(step.event, step.effects) for step in each.steps])
        if difference is not None:
            found.lost += 1
            found.differences.append(f"run {each.run_id}: {difference}")
    return found


def judged(accounts: list[Account], gifts: Mapping[UUID, Gift], commands: Mapping[UUID, str], wanted: int) -> list[Finding]:
    """Return all of it."""
    return [
        ends(accounts, wanted),
        trials(accounts),
        rewards(accounts, gifts, commands),
        limits(accounts, gifts),
        replays(accounts),
    ]


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a command: as its run heard, and as its own table has it."""

    fate: str | None
    state: str | None

    @property
    def truth(self) -> str | None:
        """Return what is said last."""
        return self.state or self.fate


def _reward_fault(sent: SendCommand, said: Said, row: RowOfReward | None, gift: Gift | None) -> str | None:
    assert sent.reward is not None
    if row is None:
        return "decided and not recorded"
    if abs(row.amount - sent.reward) > SLACK:
        return f"{row.amount:g} recorded, {sent.reward:g} decided"
    if row.state not in {said.fate, said.truth}:
        return f"{row.state} recorded, {said.fate} heard, the command {said.state}"
    if said.fate not in {None, "indeterminate", said.truth}:
        return f"the run heard {said.fate}, the command {said.state}"
    if gift is None:
        return f"{said.truth}, and its device knows nothing of it" if said.truth in {"succeeded", "failed"} else None
    if gift.executions > 1:
        return f"given {gift.executions} times"
    if gift.state == "succeeded" and abs(gift.amount - sent.reward) > SLACK:
        return f"{gift.amount:g} given, {sent.reward:g} decided"
    return None if gift.state == said.truth else f"{said.truth} recorded, the device {gift.state}"


def _is_whole(effect: Effect) -> bool:
    """Return whether a trial ended by itself: one that was interrupted does not count against the limit."""
    return isinstance(effect, TrialEnded) and effect.outcome != INTERRUPTED


def _last_phase(account: Account) -> str | None:
    phases = [effect.phase for step in account.steps for effect in step.effects if isinstance(effect, PhaseChanged)]
    return phases[-1] if phases else None


def _gaps(numbers: list[int]) -> str:
    doubled = [number for number, times in Counter(numbers).items() if times > 1]
    missing = sorted(set(range(max(numbers, default=0))) - set(numbers))
    return f"{len(numbers)}: missing {missing[:5]}, twice {doubled[:5]}"
