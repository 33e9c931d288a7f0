"""What is true of a run as a whole, as tables: devices, parameters, completeness, reaction times. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lics_actors.datafile.dossier import Move, RunFacts
from lics_actors.datafile.tables import NAN, Column, Table, text
from lics_actors.datafile.timing import reaction_times, reactions
from lics_actors.datafile.trial_rows import unit_name
from lics_actors.experiment.plan import Plan


def fact_tables(plan: Plan, facts: RunFacts, moves: Sequence[Move]) -> list[Table]:
    """Return the tables of facts."""
    return [
        _devices(facts),
        _calibrations(facts),
        _parameters(plan, facts),
        _completeness(facts),
        _gaps(facts),
        _reactions(moves),
    ]


def _devices(facts: RunFacts) -> Table:
    columns = (
        Column("role", "text", "what it is to the protocol"),
        Column("device_id", "text", "its id"),
        Column("device", "text", "its name"),
        Column("type", "text", "its type"),
        Column("driver", "text", "the convention it speaks"),
        Column("firmware", "text", "as it says itself"),
        Column("calibration", "text", "the calibration that held; empty: none"),
        Column("clock_samples", "int", "messages that its clock was compared by"),
        Column("clock_behind", "float", "how far its clock was behind that of LICS, the median, transport included", "s"),
        Column("clock_behind_min", "float", "the least of them", "s"),
        Column("clock_behind_max", "float", "the most of them", "s"),
    )
    rows = []
    for each in facts.devices:
        clock = each.clock
        times = (0, NAN, NAN, NAN) if clock is None else (clock.samples, clock.p50_s, clock.min_s, clock.max_s)
        rows.append(
            (
                each.role,
                str(each.id),
                text(each.name),
                each.type,
                each.driver,
                text(each.firmware),
                text(each.calibration),
                *times,
            )
        )
    return Table("devices", "The devices that took part, and how well their clocks agreed.", columns, tuple(rows), "facts")


def _calibrations(facts: RunFacts) -> Table:
    columns = (
        Column("role", "text", "the device, by its role"),
        Column("device_id", "text", "its id"),
        Column("version", "int", "of its calibration"),
        Column("made", "text", "since when it holds (UTC)"),
        Column("valid_until", "text", "until when (UTC)"),
        Column("is_over", "bool", "it was over as the run began"),
        Column("slope", "float", "measured = slope · commanded + offset"),
        Column("offset", "float", "likewise, in the unit of what it dispenses"),
        Column("low", "float", "the least commanded amount that was measured"),
        Column("high", "float", "the most"),
        Column("r_squared", "float", "how well the line fits; 1: exactly"),
        Column("point_count", "int", "measurements that the line was drawn through"),
        Column("points", "text", "commanded=measured"),
        Column("by", "text", "who measured"),
        Column("note", "text", "what was said with it"),
    )
    rows = tuple(
        (
            *(each.role, str(each.id), k.version, k.made_at.isoformat(), k.valid_until.isoformat()),
            *(k.valid_until <= facts.started_at, *map(float, (k.slope, k.offset, k.low, k.high, k.r2)), len(k.points)),
            *(" ".join(f"{told:g}={came:g}" for told, came in k.points), text(k.by), text(k.note)),
        )
        for each in facts.devices
        for k in each.calibrations
    )
    return Table("calibrations", "Calibrations of the devices that held while the run was on.", columns, rows, "facts")


def _parameters(plan: Plan, facts: RunFacts) -> Table:
    columns = (
        Column("parameter", "text", "its name"),
        Column("value", "text", "at the begin of the run, in its base unit"),
        Column("unit", "text", "its base unit; empty: it has none"),
        Column("is_default", "bool", "nobody set it for this run"),
        Column("about", "text", "what the protocol says of it"),
    )
    rows = []
    for name, each in plan.parameters.items():
        value, about = facts.parameters.get(name, each.default.value), plan.document.parameters[name].about
        rows.append((name, text(value), unit_name(each.default.kind), name not in facts.parameters, text(about)))
    return Table("parameters", "Parameters of the protocol, as the run began.", columns, tuple(rows), "facts")


def _completeness(facts: RunFacts) -> Table:
    columns = (
        Column("device_id", "text", "the device"),
        Column("stream", "text", "telemetry or events; each is numbered by itself"),
        Column("epoch", "int", "the boot of the device"),
        Column("first_seq", "int", "the first number that is there"),
        Column("last_seq", "int", "the last"),
        Column("received", "int", "how many are there"),
        Column("missing", "int", "how many are not"),
        Column("gap_count", "int", "in how many places"),
    )
    rows = tuple(
        (str(s.device_id), s.stream, s.epoch, s.first_seq, s.last_seq, s.received, s.missing, s.gap_count)
        for s in facts.completeness
    )
    return Table("completeness", "Which of the devices' numbered messages are in LICS's record.", columns, rows, "facts")


def _gaps(facts: RunFacts) -> Table:
    columns = (
        Column("device_id", "text", "the device"),
        Column("stream", "text", "telemetry or events"),
        Column("epoch", "int", "the boot of the device"),
        Column("first_seq", "int", "the first number that is missing"),
        Column("last_seq", "int", "the last number that is missing there"),
    )
    rows = tuple(
        (str(each.device_id), each.stream, each.epoch, first, last) for each in facts.completeness for first, last in each.gaps
    )
    return Table("gaps", "What of the devices' messages is missing.", columns, rows, "facts")


def _reactions(moves: Sequence[Move]) -> Table:
    columns = (
        Column("at_most", "float", "upper bound of the class", "s"),
        Column("count", "int", "reactions that took so long, and longer than the bound before"),
    )
    found = reactions(reaction_times(moves))
    rows = () if found is None else found.histogram
    return Table(
        "reaction_times", "How long from a device's event to the run's reaction on its way.", columns, tuple(rows), "facts"
    )
