"""What must hold once everything is healed: commands, their journals, the devices' ledgers and the answers agree. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from lics_actors.device.messages import CommandState as State
from tests.benchmarks.figures import Audit

ENDS = frozenset({State.SUCCEEDED, State.FAILED, State.REJECTED, State.EXPIRED, State.CANCELLED})
# What may follow what (contracts.md, section 2): a device's word may be missed, never reordered; doubt is settled once.
NEXT: Mapping[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.DISPATCHED, State.CANCELLED, State.EXPIRED, State.REJECTED}),
    State.DISPATCHED: frozenset({State.DELIVERED, State.EXECUTING, State.INDETERMINATE, *ENDS}) - {State.CANCELLED},
    State.DELIVERED: frozenset({State.EXECUTING, State.INDETERMINATE, *ENDS}) - {State.CANCELLED},
    State.EXECUTING: frozenset({State.INDETERMINATE, *ENDS}) - {State.CANCELLED},
    State.INDETERMINATE: ENDS - {State.CANCELLED},
}
NEVER_RUN = frozenset({State.REJECTED, State.EXPIRED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Recorded:
    """A command as the tables have it. `steps`: (n, state) in order of n."""

    id: UUID
    device_id: UUID
    name: str
    idempotent: bool
    reason: str | None
    state: str
    steps: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """A command as its device's ledger has it."""

    state: str
    executions: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What a caller was told: 0 for no answer."""

    status: int
    command_id: UUID | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wanted once, and what he was told, in order."""

    tag: str
    answers: tuple[Answered, ...]


@dataclass(slots=True)
class Finding:
    """One audit with the first of its differences in words."""

    case: str
    expected: int = 0
    lost: int = 0
    doubled: int = 0
    differences: list[str] = field(default_factory=list)

    def audit(self) -> Audit:
        """Return it as the benches have it."""
        return Audit(self.case, self.expected, self.expected - self.lost, self.lost, self.doubled)


def journal_faults(command: Recorded) -> list[str]:
    """Return what is wrong with a command's states."""
    states = [State(state) for _, state in command.steps]
    faults = []
    if [n for n, _ in command.steps] != list(range(len(states))):
        faults.append(f"its states are numbered {[n for n, _ in command.steps]}")
    if not states or states[0] is not State.ACCEPTED:
        return [*faults, f"it begins as {states[0] if states else 'nothing'}"]
    faults += [f"{after} after {before}" for before, after in pairwise(states) if after not in NEXT.get(before, frozenset())]
    if not states[-1].terminal:
        faults.append(f"it is still {states[-1]}")
    if command.state != states[-1]:
        faults.append(f"it is {command.state}, its last state {states[-1]}")
    return faults


def journals(commands: Iterable[Recorded]) -> Finding:
    """Every command that LICS accepted has come to one end by legal steps."""
    found = Finding("commands: one end each, by legal steps")
    for command in commands:
        found.expected += 1
        if faults := journal_faults(command):
            found.lost += 1
            found.differences.append(
                f"{_named(command)}: {'; '.join(faults)} ({' → '.join(state for _, state in command.steps)})"
            )
    return found


def executions(commands: Mapping[UUID, Recorded], ledger: Mapping[UUID, Noted]) -> Finding:
    """Nothing was executed twice; what a device was told is in the record, and both tell the same of it."""
    found = Finding("commands: devices' ledgers and the record agree", len(ledger))
    for command_id, noted in ledger.items():
        command = commands.get(command_id)
        if noted.executions > 1:
            found.doubled += 1
            found.differences.append(f"command {command_id} was executed {noted.executions} times")
        if command is None:
            found.lost += 1
            found.differences.append(f"the device has executed {command_id}, which is in no table")
        elif fault := _disagreement(State(command.state), noted, command.idempotent):
            found.lost += 1
            found.differences.append(f"{_named(command)}: {fault}")
    for command in commands.values():
        if command.state in {State.SUCCEEDED, State.FAILED} and command.id not in ledger:
            found.lost += 1
            found.differences.append(f"{_named(command)}: it {command.state}, and its device knows nothing of it")
    return found


def _disagreement(state: State, noted: Noted, idempotent: bool) -> str | None:
    if state.value == noted.state:
        return None
    if state in NEVER_RUN and noted.executions and not (idempotent and state is State.EXPIRED):
        return f"the record says {state}, and the device executed it"
    if state in {State.SUCCEEDED, State.FAILED}:
        return f"the record says {state}, the device {noted.state}"
    return None


def in_doubt(commands: Iterable[Recorded]) -> int:
    """Return how many commands are indeterminate still."""
    return sum(command.state == State.INDETERMINATE for command in commands)


def answers(asked: Iterable[Asked], commands: Mapping[UUID, Recorded]) -> Finding:
    """What callers were told is what the record says, and each wish became one command at most."""
    found = Finding("answers: as the record has it")
    by_tag: dict[str, list[Recorded]] = {}
    for command in commands.values():
        by_tag.setdefault(command.reason or "", []).append(command)
    for wish in asked:
        found.expected += 1
        made = by_tag.get(wish.tag, [])
        if len(made) > 1:
            found.doubled += 1
            found.differences.append(f"{wish.tag} became {len(made)} commands")
        for answer in wish.answers:
            if fault := _untrue(answer, commands, made):
                found.lost += 1
                found.differences.append(f"{wish.tag}: {fault}")
    return found


def _untrue(answer: Answered, commands: Mapping[UUID, Recorded], made: Sequence[Recorded]) -> str | None:
    """Return what is untrue of an answer. Of a 5xx, or none, nobody can tell whether the command was accepted."""
    if answer.status in {200, 202}:
        command = commands.get(answer.command_id) if answer.command_id else None
        if command is None:
            return f"{answer.command_id} was answered {answer.status} and is in no table"
        states = [state for _, state in command.steps]
        if answer.state not in states:
            return f"it was said to be {answer.state}; the record has {' → '.join(states)}"
        if answer.state in ENDS and answer.state != states[-1]:
            return f"it was said to have {answer.state}, and has {states[-1]}"
        return None
    if 400 <= answer.status < 500 and made:
        return f"it was refused with {answer.status}, and is {made[0].state} in the record"
    return None


def streams(case: str, expected: Mapping[int, Sequence[tuple[int, int]]], rows: Mapping[tuple[int, int], int]) -> Finding:
    """Compare what a device was acknowledged, ranges of seq by epoch, with how often each (epoch, seq) is in the table."""
    found = Finding(case)
    for epoch, ranges in expected.items():
        for first, last in ranges:
            found.expected += last - first + 1
            missing = [seq for seq in range(first, last + 1) if (epoch, seq) not in rows]
            found.lost += len(missing)
            found.differences += [f"{case}: epoch {epoch}, seq {seq} was acknowledged and is missing" for seq in missing]
    for (epoch, seq), count in rows.items():
        if count != 1:
            found.doubled += 1
            found.differences.append(f"{case}: epoch {epoch}, seq {seq} is there {count} times")
    return found


def together(case: str, findings: Iterable[Finding]) -> Finding:
    """Return several findings as one."""
    found = Finding(case)
    for each in findings:
        found.expected += each.expected
        found.lost += each.lost
        found.doubled += each.doubled
        found.differences += each.differences
    return found


def _named(command: Recorded) -> str:
    return f"{command.name} {command.id} ({command.reason})"
