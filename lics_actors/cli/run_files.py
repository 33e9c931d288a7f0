"""`lics run export` and `lics run replay`: files of runs, and the proof that they, and the tables, hold what happened."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lics_actors.cli.output import console, fail, print_json, told_errors
from lics_actors.cli.run_naming import RunName, find_run
from lics_actors.datafile.about import ending
from lics_actors.datafile.content import Proof, proved
from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.formats import FORMATS, FileError, Format
from lics_actors.datafile.lines import RecordError
from lics_actors.datafile.making import make, prove


class Choice(StrEnum):
    """Formats, for the command line."""

    NWB = "nwb"
    PARQUET = "parquet"
    CSV = "csv"


def export(
    run: RunName,
    *,
    wanted: Annotated[Choice, typer.Option("--format", help="parquet and csv: an archive of one file a table")] = Choice.NWB,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a file; default: run-<id> here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of text")] = False,
) -> None:
    """Write a run's file: what happened, with the proof that it did."""
    form = FORMATS[wanted.value]
    with told_errors():
        dossier = asyncio.run(_dossier(run))
        run_id = dossier.facts.run_id
        path = output or Path(form.file_name(run_id))
        write_file(dossier, form, path)
    if as_json:
        print_json({"run_id": str(run_id), "format": form.name, "file": str(path), "size": path.stat().st_size})
        return
    console.print(f"wrote {path} ({path.stat().st_size:,} bytes); docs/data.md says what is in it", highlight=False)


def replay(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="a run's file (NWB, or an archive of Parquet or CSV), or a run"),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of text")] = False,
) -> None:
    """Play a run again from what it heard: it must decide the same, and its file's tables must follow; exit code 1 if not."""
    with told_errors():
        dossier, proof = _of_tables(run) if _is_run(run) else _of_file(Path(run))
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
        kept = "" if _is_run(run) else ", and every table from them"
        console.print(f"identical: every decision follows from the record{kept}")


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


def _is_run(text: str) -> bool:
    return not text.endswith(tuple(each.suffix for each in FORMATS.values())) and not Path(text).exists()


def _of_tables(called: str) -> tuple[Dossier, Proof]:
    dossier = asyncio.run(_dossier(called))
    return dossier, proved(dossier)


async def _dossier(called: str) -> Dossier:
    from lics_actors.cli.laboratory import tables  # noqa: PLC0415 - slow, and a file needs no database
    from lics_actors.store.dossiers import read_dossier  # noqa: PLC0415

    async with tables() as repository:
        return await read_dossier(repository, (await find_run(repository, called)).id)


def _of_file(path: Path) -> tuple[Dossier, Proof]:
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
