"""`lics run replay`: a run's file, proved by the record in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lics_actors.cli.output import console, fail, print_json, told_errors
from lics_actors.datafile.about import ending
from lics_actors.datafile.content import Proof
from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.formats import FORMATS, FileError, Format
from lics_actors.datafile.lines import RecordError
from lics_actors.datafile.making import make, prove


def replay(
    run: Annotated[str, typer.Argument(metavar="FILE", help="a run's file: NWB, or an archive of Parquet or CSV")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of text")] = False,
) -> None:
    """Play a run again from what it heard: it must decide the same, and its file's tables must follow; exit code 1 if not."""
    with told_errors():
        dossier, proof = _proved(Path(run))
    document = _document(dossier, proof)
    if as_json:
        print_json(document)
    else:
        console.print(f"{document['protocol']}, run {document['run_id']}: {document['ended']}", highlight=False)
        console.print(f"{document['moves']} events heard, {document['trials']} trials", highlight=False)
    if proof.difference is not None:
        fail(f"the run decided otherwise: {document['difference']}", "the record was changed, or made by another version of LICS")
    if proof.altered is not None:
        fail(f"the file was changed: {document['altered']}", "trust the record in it, or export the run again")
    if not as_json:
        console.print("identical: every decision follows from the record, and every table from them")


def write_file(dossier: Dossier, wanted: Format, path: Path) -> None:
    """Write a run's file, or say why not."""
    try:
        make(dossier, wanted, path)
    except ImportError as error:
        fail(f"{wanted.name} needs the package {error.name}, which is not installed", "pip install lics, or start with ./lics")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}", "name another file with -o")


def format_by_name(path: Path) -> Format:
    """Return the format that a file's name asks for, or say which there are."""
    for each in FORMATS.values():
        if path.name.endswith(each.suffix):
            return each
    return fail(f"{path.name} says no format", f"end it in {', '.join(each.suffix for each in FORMATS.values())}")


def _proved(path: Path) -> tuple[Dossier, Proof]:
    try:
        return prove(path)
    except (FileError, RecordError) as error:
        fail(str(error), "export the run again")
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror or error}", "name a run's file")


def _document(dossier: Dossier, proof: Proof) -> dict[str, Any]:
    phase, reason = ending(dossier)
    return {
        "run_id": str(dossier.facts.run_id),
        "protocol": f"{dossier.facts.protocol.title}, version {dossier.facts.protocol.version}",
        "started_at": dossier.facts.started_at.isoformat(),
        "ended": f"{phase}: {reason}" if reason else phase,
        "moves": proof.moves,
        "trials": sum(type(effect).__name__ == "TrialBegan" for move in dossier.moves for effect in move.effects),
        "identical": proof.holds,
        "difference": None if proof.difference is None else str(proof.difference),
        "altered": None if proof.altered is None else str(proof.altered),
    }
