"""What a file says of itself for people: sentences, and the JSON that lies beside the tables. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from lics_actors.datafile.dossier import CalibrationFacts, Dossier, RunFacts
from lics_actors.datafile.species import is_scientific, scientific
from lics_actors.datafile.tables import Table
from lics_actors.datafile.timing import reaction_times, reactions
from lics_actors.experiment.messages import PhaseChanged


def ending(dossier: Dossier) -> tuple[str, str]:
    """Return the last phase of a run, and why."""
    phases = [effect for move in dossier.moves for effect in move.effects if isinstance(effect, PhaseChanged)]
    return (phases[-1].phase, phases[-1].reason) if phases else ("draft", "")


def duration_s(dossier: Dossier) -> float:
    """Return when the last thing was heard, on the run's axis."""
    return max((move.event.at for move in dossier.moves), default=0.0)


def summary(dossier: Dossier) -> str:
    """Return in a sentence what this was."""
    facts = dossier.facts
    phase, reason = ending(dossier)
    kind = "Rehearsal (simulated devices and subject, virtual time)" if facts.rehearsed else "Session"
    why = f": {reason}" if reason else ""
    return f"{kind} of the protocol {facts.protocol.title!r}, version {facts.protocol.version}; {phase}{why}."


def completeness(facts: RunFacts) -> str:
    """Return in a sentence what is missing of the devices' messages."""
    if facts.rehearsed:
        return "Completeness: nothing was transmitted."
    received, missing = sum(each.received for each in facts.completeness), sum(each.missing for each in facts.completeness)
    if not received:
        return "Completeness: no numbered messages of the devices are in the record."
    return f"Completeness: {received} numbered messages of the devices are in the record, {missing} are missing."


def timing(dossier: Dossier) -> str:
    """Return in a sentence how fast the run answered."""
    found = reactions(reaction_times(dossier.moves))
    if found is None:
        return "Reaction times: none were measured."
    p50, p99, most = (f"{1000 * each:.2f}" for each in (found.p50_s, found.p99_s, found.max_s))
    return f"Reaction times (device event to command published): {found.count}, p50 {p50} ms, p99 {p99} ms, longest {most} ms."


def missing(facts: RunFacts) -> list[str]:
    """Return what archives want to know of the subject and nobody said; nothing is made up for it."""
    subject = facts.subject
    if subject is None:
        return [] if facts.rehearsed else ["subject"]
    known = {
        "species": is_scientific(scientific(subject.species)),
        "sex": subject.sex.lower() not in {"", "unknown", "u"},
        "birth date": subject.birth_date is not None,
    }
    return [] if facts.rehearsed else [f"subject's {name}" for name, said in known.items() if not said]


def missing_in_words(facts: RunFacts) -> list[str]:
    """Return a sentence about it, if there is any to say."""
    found, subject = missing(facts), facts.subject
    if not found:
        return []
    said = f" (`{subject.species}` is no Latin name)" if subject and subject.species and "subject's species" in found else ""
    return [f"Missing, as nobody said it: {', '.join(found)}{said}."]


def in_words(calibration: CalibrationFacts) -> str:
    """Return a calibration in a line: its version, line, fit and time."""
    fit = f"measured = {calibration.slope:.4g} · commanded {calibration.offset:+.3g}, R² {calibration.r2:.4f}"
    between = f"{calibration.low:g} to {calibration.high:g}"
    time = f"from {calibration.made_at:%Y-%m-%d} until {calibration.valid_until:%Y-%m-%d}"
    return f"version {calibration.version}: {fit}, {between}, {time}"


def sidecar(dossier: Dossier, tables: Sequence[Table], sha256: str) -> dict[str, Any]:
    """Return the JSON that lies beside the tables: facts, provenance, and what each column holds."""
    facts: dict[str, Any] = msgspec.to_builtins(dossier.facts)
    phase, reason = ending(dossier)
    found = reactions(reaction_times(dossier.moves))
    return {
        "format": f"lics-run/{dossier.facts.format}",
        "about": summary(dossier),
        "missing": missing(dossier.facts),
        "ended": {"phase": phase, "reason": reason, "at_s": duration_s(dossier)},
        **facts,
        "reactions": None
        if found is None
        else {"count": found.count, "p50_s": found.p50_s, "p99_s": found.p99_s, "max_s": found.max_s},
        "record": {"file": "record.jsonl", "sha256": sha256, "moves": len(dossier.moves), "commands": len(dossier.commands)},
        "tables": {table.name: _table(table) for table in tables},
    }


def _table(table: Table) -> dict[str, Any]:
    columns = {each.name: {"kind": each.kind, "about": each.about, "unit": each.unit} for each in table.columns}
    return {"about": table.about, "rows": len(table.rows), "columns": columns}
