"""What speaks against a session just now, each in a sentence that says what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lics_actors.welfare.calibration import Standing

A_DAY = "A_DAY"  # of the problem that the day's sessions were begun
READY = frozenset({"online", "armed", "degraded"})  # in the words of `DeviceTwin.status`


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """A device of the rig. `status` None: its actor did not say; `reserved_by`: a run has it; `tripped`: interlocks, by name."""

    role: str
    name: str
    status: str | None
    reserved_by: str | None = None
    tripped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a session that is to begin.

    `holder`: the run in which its rig or its subject is; `unfit`: why the protocol does not fit the rig; `rehearsed`: its version
    was, soundly; `calibration`: of what gives the reward, by its name; None: nothing gives any. `left`: of the subject's day;
    None: no limit. `resting`: why the subject must rest; `alarms`: critical ones of rig, devices and subject, in words; `begun`:
    how many sessions of this day the subject has begun already, of `a_day`.
    """

    experiment: str
    experiment_status: str
    subject: str
    subject_status: str
    takes_part: bool = True
    rig: str | None = None
    holder: str | None = None
    devices: tuple[DeviceFact, ...] = ()
    unfit: tuple[str, ...] = ()
    version: str = ""
    rehearsed: bool = True
    calibration: tuple[str, Standing] | None = None
    left: tuple[float, str] | None = None
    resting: str | None = None
    alarms: tuple[str, ...] = ()
    begun: int = 0
    a_day: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be. `forbids`: nothing begins while it is so; else it is only told."""

    code: str
    message: str
    todo: str
    forbids: bool = True

    @property
    def sentence(self) -> str:
        """Return both in one."""
        return f"{self.message}: {self.todo}"


def problems(facts: Facts) -> tuple[Problem, ...]:
    """Return what speaks against a session, the most general first."""
    return (*_plan(facts), *_subject(facts), *_rig(facts), *_protocol(facts))


def forbidding(found: tuple[Problem, ...]) -> tuple[str, ...]:
    """Return the sentences of what forbids a session."""
    return tuple(each.sentence for each in found if each.forbids)


def _plan(facts: Facts) -> Iterator[Problem]:
    if facts.experiment_status != "active":
        yield Problem("EXPERIMENT", f"{facts.experiment} is {facts.experiment_status}", "make it active")
    if not facts.takes_part:
        yield Problem("EXPERIMENT", f"{facts.subject} takes no part in {facts.experiment}", "add it to the experiment's subjects")
    if facts.a_day is not None and facts.begun >= facts.a_day:
        had = f"{facts.subject} has had {facts.begun} of {facts.a_day} sessions of {facts.experiment} this day"
        yield Problem(A_DAY, had, "wait for the next day, or raise `a_day`")


def _subject(facts: Facts) -> Iterator[Problem]:
    if facts.subject_status != "active":
        yield Problem("SUBJECT", f"{facts.subject} is {facts.subject_status}", "make it active, or leave it out")
    if facts.resting is not None:
        yield Problem("RESTING", f"{facts.subject} must rest: {facts.resting}", "wait, or override `between_s` with a reason")
    if facts.left is not None and facts.left[0] <= 0:
        message = f"{facts.subject} may be given no more {facts.left[1]} today"
        yield Problem("NOTHING_LEFT", message, "wait for its next day, or override its limit with a reason")


def _rig(facts: Facts) -> Iterator[Problem]:
    if facts.rig is None:
        yield Problem("RIG", f"{facts.subject} has no rig in {facts.experiment}", "name one in `schedule.rigs`")
    if facts.holder is not None:
        yield Problem("RUN_UNDER_WAY", facts.holder, "wait until it is over, or stop it")
    for each in facts.devices:
        yield from _device(each)
    for message in facts.alarms:
        yield Problem("ALARM", f"an alarm stands: {message}", "see to it, or shelve it with a reason")


def _device(fact: DeviceFact) -> Iterator[Problem]:
    called = f"{fact.name} ({fact.role})"
    if fact.tripped:
        yield Problem("TRIPPED", f"{called} was tripped by {', '.join(fact.tripped)}", "look into it, then reset the rig")
    elif fact.status is None:
        yield Problem("DEVICE", f"the actor of {called} does not answer", "see `lics fleet status`")
    elif fact.status not in READY:
        yield Problem("DEVICE", f"{called} is {fact.status}", _TODO.get(fact.status, "see `lics device show`"))
    if fact.reserved_by is not None:
        yield Problem("DEVICE_RESERVED", f"{called} is reserved for {fact.reserved_by}", "wait until that is over, or stop it")


_TODO = {
    "offline": "switch it on and look at its network",
    "connecting": "wait a moment; else look at broker and network",
    "stale": "it says nothing any more: restart the device",
    "maintenance": "enable it again",
    "quarantined": "find out why, then enable it again",
    "retired": "give the rig another device",
    "fault": "see to its fault",
}


def _protocol(facts: Facts) -> Iterator[Problem]:
    for why in facts.unfit:
        yield Problem("PROTOCOL", f"the protocol does not fit the rig: {why}", "change the rig, or the protocol")
    if not facts.rehearsed:
        yield Problem("NOT_REHEARSED", f"{facts.version} was not rehearsed soundly", "rehearse it: `lics protocol rehearse`")
    if facts.calibration is not None:
        name, standing = facts.calibration
        if standing is Standing.EXPIRED:
            yield Problem("CALIBRATION_EXPIRED", f"the calibration of {name} is over", "calibrate it: `lics calibration add`")
        elif standing is Standing.NONE:
            message = f"{name} was never calibrated, so what it gives is not known"
            yield Problem("NOT_CALIBRATED", message, "calibrate it: `lics calibration add`", forbids=False)
        elif standing is Standing.DUE:
            yield Problem("CALIBRATION_DUE", f"the calibration of {name} is over soon", "calibrate it in time", forbids=False)
