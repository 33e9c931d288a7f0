"""No limit is exceeded in any fault: several runs on several rigs, hands meanwhile, crashes, late and lost words, no database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lics_actors.run.limits import current, overdrawn, refusal, superseded
from lics_actors.run.orders import Allowance
from lics_actors.welfare.bank import Share, allowance, held, portions, reserved, room_of
from lics_actors.welfare.days import LaboratoryDay, day_of
from lics_actors.welfare.judge import Request, in_force, judge
from lics_actors.welfare.ledger import Ledger, most, noted
from lics_actors.welfare.messages import Entry, Fate, Grant, Granted, Limit, Limits, Override, Substance
from tests.unit.welfare.accounts import BERLIN, NOON, SUBJECT

FLUID = Substance.FLUID
LIMITS = Limits(max_fluid=1000)
RUNS = 2
doses = st.sampled_from([300.0, 400.0, 600.0, 1000.0])


@dataclass
class Run:
    """A run: its order and journal outlive it. `allowance` None: it is dead; `shipped`: so much the database has."""

    id: UUID
    order: Allowance
    allowance: Allowance | None = None
    journal: list[Entry | None] = field(default_factory=list)  # None: it is over
    shipped: int = 0
    mail: list[Allowance] = field(default_factory=list)

    def given_since(self, time: datetime) -> float:
        """Return what it has sent since then, whatever became of it."""
        return sum(each.amount for each in self.journal if each and each.fate is Fate.COMMANDED and each.at >= time)


class Welfare:
    """The invariant: what devices really gave in a day is within the highest limit that held in that day."""

    def __init__(self) -> None:
        self.now = NOON
        self.ids = self.serial = 0
        self.table: dict[UUID, Entry] = {}
        self.grants: dict[UUID, Grant] = {}
        self.closed: set[UUID] = set()
        self.overrides: list[Override] = []
        self.really: dict[UUID, tuple[datetime, float]] = {}  # the devices' own ledgers
        self.away = False
        self.runs: list[Run] = []
        self.runs += [self._run() for _ in range(RUNS)]
        self.over: list[Run] = []

    def _run(self) -> Run:
        run = Run(self._id(), Allowance(0.0, self.now, self.now))
        if not self.away:
            run.order = self._granted(run, None)
        run.allowance = run.order
        return run

    def _id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

    def time_goes_on(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def the_database_goes_or_comes(self, away: bool) -> None:
        self.away = away

    def a_run_is_granted(self, n: int, wanted: float | None, way: str) -> None:
        run = self.runs[n]
        if self.away:
            return
        told = self._granted(run, wanted)
        if way != "lost":
            run.mail.append(told)
        if not way:
            self.an_allowance_arrives(n, -1)

    def _granted(self, run: Run, wanted: float | None) -> Allowance:
        today = day_of(self.now, BERLIN)
        self.serial += 1
        then = self._granted_of(run, day_of(today.end, BERLIN), None)
        return replace(self._granted_of(run, today, wanted), then=then, serial=self.serial)

    def _granted_of(self, run: Run, day: LaboratoryDay, wanted: float | None) -> Allowance:
        others = [share for each, share in self._shares(day.begin).items() if each != run.id]
        had = sum(each.amount for each in self.grants.values() if each.run == run.id and each.begin == day.begin)
        already = held(others, self._by_hand(day.begin)) + had
        found = portions(FLUID, wanted, already, limits=LIMITS, overrides=self.overrides, day=day, now=self.now)
        for portion in found or ():
            made = Grant(self._id(), run.id, SUBJECT, FLUID, portion.amount, day.begin, portion.until, portion.override)
            self.grants[made.id] = made
        limit = in_force(LIMITS, self.overrides, max(self.now, day.begin)).most(FLUID)
        room = room_of(limit, others, self._by_hand(day.begin), 0.0)
        return allowance((each for each in self.grants.values() if each.run == run.id), day, self.now, room)

    def an_allowance_arrives(self, n: int, pick: int) -> None:
        run = self.runs[n]
        if run.mail and run.allowance is not None:
            word = run.mail[pick % len(run.mail)]  # it may come again, and after a later one
            if not superseded(run.allowance, word):
                run.allowance = run.order = word

    def a_run_rewards(self, n: int, amount: float, part: float, outcome: Fate | None, dies: bool) -> None:
        run, command = self.runs[n], self._id()
        if run.allowance is None:
            run.allowance = run.order
        told = current(run.allowance, self.now)
        if refusal(told, run.given_since(told.as_of), amount, self.now) is not None:
            return
        said = Entry(command, SUBJECT, FLUID, amount, self.now, run=run.id)
        run.journal.append(said)
        gave = {Fate.REFUSED: 0.0, Fate.CONFIRMED: amount}.get(outcome or Fate.COMMANDED, part * amount)
        self.really[command] = (self.now, gave)
        if dies:
            run.allowance = None
        elif outcome is not None and outcome is not Fate.COMMANDED:
            run.journal.append(structs.replace(said, fate=outcome))

    def a_fate_is_known_later(self, n: int, measured: bool) -> None:
        run = self.runs[n]
        known = {each.id for each in run.journal if each and each.fate is not Fate.COMMANDED}
        waiting = [each for each in run.journal if each and each.id not in known]
        if waiting:
            gave = self.really[waiting[0].id][1]
            fate = Fate.REFUSED if gave == 0 else Fate.CONFIRMED if gave == waiting[0].amount else Fate.FAILED
            run.journal.append(structs.replace(waiting[0], fate=fate, measured=gave if measured and gave else None))

    def a_run_is_killed(self, n: int) -> None:
        self.runs[n].allowance = None

    def a_run_ends(self, n: int) -> None:
        self.runs[n].journal.append(None)
        self.over.append(self.runs[n])
        self.runs[n] = self._run()

    def a_journal_is_shipped(self, n: int, how_much: int, again: bool) -> None:
        if self.away:
            return
        run = [*self.runs, *self.over][n % (RUNS + len(self.over))]
        begin = max(0, run.shipped - (2 if again else 0))
        run.shipped = min(len(run.journal), max(run.shipped, begin + how_much))
        for word in run.journal[begin : run.shipped]:
            if word is None:
                self.closed.add(run.id)
            else:
                self.table = dict(noted(Ledger(self.table), [word]).entries)

    def a_hand_gives(self, amount: float) -> None:
        if self.away:
            return
        day, given = day_of(self.now, BERLIN), self._id()
        shares = self._shares(day.begin).values()
        entries = {each.id: each for each in self.table.values() if day.begin <= each.at < day.end}
        ledger = Ledger(entries, {FLUID: reserved(shares)})
        if isinstance(judge(ledger, Request(given, FLUID, amount, self.now), LIMITS, self.overrides), Granted):
            self.table[given] = Entry(given, SUBJECT, FLUID, amount, self.now, Fate.CONFIRMED)
            self.really[given] = (self.now, amount)

    def a_hand_asks(self, amount: float, reached: bool) -> None:
        """As welfare_hand.py: noted if there is room beside what is known, runs told, withdrawn if one had given too much."""
        if self.away:
            return
        day, given = day_of(self.now, BERLIN), self._id()
        entries = {each.id: each for each in self.table.values() if day.begin <= each.at < day.end}
        if not isinstance(judge(Ledger(entries), Request(given, FLUID, amount, self.now), LIMITS, self.overrides), Granted):
            return
        self.table[given] = Entry(given, SUBJECT, FLUID, amount, self.now, Fate.CONFIRMED)
        if reached and all(self._has_room(run) for run in (*self.runs, *self.over) if run.id not in self.closed):
            self.really[given] = (self.now, amount)
        else:
            back = self._id()
            self.table[back] = Entry(back, SUBJECT, FLUID, -amount, self.now, Fate.CONFIRMED)

    def _has_room(self, run: Run) -> bool:
        """Tell a run what it may give now; one that is dead, or over and not yet known to be, does not answer."""
        run.mail.append(told := self._granted(run, None))
        if run.allowance is None or run in self.over:
            return False
        if not superseded(run.allowance, told):
            run.allowance = run.order = told
        known = current(run.allowance, self.now)
        return overdrawn(known, run.given_since(known.as_of)) == 0.0

    def somebody_overrides(self, value: float, hours: int) -> None:
        until = self.now + timedelta(hours=hours)
        self.overrides.append(Override(self._id(), SUBJECT, Limit.MAX_FLUID, value, self.now, until, "user:vet", "ill"))

    def _shares(self, begin: datetime) -> dict[UUID, Share]:
        day = day_of(begin, BERLIN)
        granted: dict[UUID, float] = defaultdict(float)
        given: dict[UUID, float] = defaultdict(float)
        for each in self.grants.values():
            if each.begin == begin:
                granted[each.run] += each.amount
        for entry in self.table.values():
            if entry.run is not None and day.begin <= entry.at < day.end:
                given[entry.run] += most(entry)
        return {each: Share(granted[each], given[each], each not in self.closed) for each in dict.fromkeys([*granted, *given])}

    def _by_hand(self, begin: datetime) -> float:
        day = day_of(begin, BERLIN)
        return sum(most(each) for each in self.table.values() if each.run is None and day.begin <= each.at < day.end)

    def no_limit_is_exceeded(self) -> None:
        given: dict[date, float] = defaultdict(float)
        for at, amount in self.really.values():
            given[day_of(at, BERLIN).date] += amount
        for named, total in given.items():
            assert total <= self._highest(named) + 1e-3

    def _highest(self, named: date) -> float:
        days = [(day_of(each.begin, BERLIN).date, day_of(each.until, BERLIN).date) for each in self.overrides]
        words = zip(self.overrides, days, strict=True)
        return max([1000.0, *(each.value for each, (first, last) in words if first <= named <= last)])


def _acts(*facts: st.SearchStrategy[Any], name: str) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), *facts)


runs = st.integers(0, RUNS - 1)
rewards = _acts(
    runs,
    doses,
    st.sampled_from([0.0, 1.0, 1.0]),
    st.sampled_from([*Fate, None]),
    st.sampled_from([False, False, True]),
    name="a_run_rewards",
)
grants = _acts(
    runs,
    st.sampled_from([None, None, 600.0]),
    st.sampled_from(["", "", "", "late", "lost"]),
    name="a_run_is_granted",
)
ships = _acts(st.integers(0, 9), st.integers(1, 6), st.booleans(), name="a_journal_is_shipped")
overrides = _acts(st.sampled_from([0.0, 500.0, 1500.0, 2000.0]), st.integers(1, 30), name="somebody_overrides")
acts = st.one_of(
    *(rewards, rewards, rewards, rewards, grants, grants, grants, ships, ships),
    _acts(st.sampled_from([1, 60, 300]), name="time_goes_on"),
    _acts(st.sampled_from([False, False, True]), name="the_database_goes_or_comes"),
    _acts(runs, st.integers(0, 9), name="an_allowance_arrives"),
    _acts(runs, st.booleans(), name="a_fate_is_known_later"),
    _acts(runs, name="a_run_is_killed"),
    _acts(runs, name="a_run_ends"),
    _acts(doses, name="a_hand_gives"),
    _acts(doses, st.sampled_from([True, True, False]), name="a_hand_asks"),
    _acts(st.sampled_from([100.0, 300.0]), st.just(True), name="a_hand_asks"),
    overrides,
)


@settings(max_examples=300)
@given(st.lists(acts, min_size=30, max_size=50))
def test_no_limit_is_exceeded_whatever_happens(history: list[tuple[Any, ...]]) -> None:
    welfare = Welfare()
    for name, *facts in history:
        getattr(welfare, name)(*facts)
        welfare.no_limit_is_exceeded()


meanwhile = st.one_of(
    _acts(
        st.just(0),
        st.sampled_from([100.0, 300.0, 600.0]),
        st.just(1.0),
        st.just(Fate.CONFIRMED),
        st.just(False),
        name="a_run_rewards",
    ),
    _acts(st.sampled_from([100.0, 300.0]), st.just(True), name="a_hand_asks"),
    _acts(st.just(0), st.integers(0, 9), name="an_allowance_arrives"),
    _acts(st.just(0), st.none(), st.just("late"), name="a_run_is_granted"),
    _acts(st.just(0), st.integers(1, 4), st.booleans(), name="a_journal_is_shipped"),
)


@settings(max_examples=300)
@given(st.lists(meanwhile, min_size=5, max_size=30))
def test_what_a_hand_asks_for_while_a_run_gives_is_never_too_much_with_it(history: list[tuple[Any, ...]]) -> None:
    welfare = Welfare()
    for name, *facts in history:
        getattr(welfare, name)(*facts)
        welfare.no_limit_is_exceeded()
