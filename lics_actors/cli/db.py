"""`lics db`: the database's schema, and the demo laboratory."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Annotated

import typer

from lics_actors.cli import retention
from lics_actors.cli.laboratory import act
from lics_actors.cli.output import Exit, console, fail, print_json, run
from lics_actors.errors import DatabaseUnavailableError

app = typer.Typer(
    no_args_is_help=True, help="Migrate the database, forward and back; seed the demo laboratory; how long values are kept."
)
app.add_typer(retention.app, name="retention")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of sentences")]


def _database_url() -> str:
    from config.settings import load_settings  # noqa: PLC0415 - slow, and only when a command runs

    url = load_settings().database_url
    if url is None:
        raise DatabaseUnavailableError("LICS does not run here: DATABASE_URL is not set and no embedded database runs")
    return url


def _owner_url() -> str:
    """Return the URL of the role that migrates."""
    from config.settings import load_settings  # noqa: PLC0415

    return load_settings().database_owner_url or _database_url()


def _tell(document: dict[str, object], sentences: list[str], as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        for sentence in sentences:
            console.print(sentence, highlight=False, soft_wrap=True)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the database to this LICS's schema. Safe to repeat, and for several processes at once."""

    async def work() -> None:
        from lics_actors.store.migrate import upgrade as apply  # noqa: PLC0415

        applied = await apply(_owner_url(), application_url=_database_url())
        sentences = [f"applied {version}" for version in applied] or ["nothing to apply: the database is up to date"]
        _tell({"applied": applied}, sentences, as_json)
        await _stay_under_honcho()

    run(work)


async def _stay_under_honcho() -> None:
    """Wait for the end as honcho's `release` process: `honcho start` ends all processes as soon as one has ended."""
    if not os.environ.get("HONCHO_PROCESS_NAME", "").startswith("release."):
        return
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()


@app.command()
def downgrade(
    to: Annotated[int | None, typer.Option(help="number of the migration to go back to; -1: to none; default: one back")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before tables are dropped")] = False,
    as_json: AsJson = False,
) -> None:
    """Undo migrations, newest first. Undoing the first one drops every table, with all that was recorded."""

    async def work() -> None:
        from lics_actors.store.migrate import current, doomed_by  # noqa: PLC0415
        from lics_actors.store.migrate import downgrade as undo  # noqa: PLC0415

        url = _owner_url()
        doomed = doomed_by(await current(url), to)
        if 0 in doomed and not yes:
            _confirm_loss()
        async with act("db.downgrade", "database") as found:
            undone = await undo(url, to=to)
            found.after = {"undone": undone}
        _tell({"undone": undone}, [f"undone {version}" for version in undone], as_json)

    run(work)


def _confirm_loss() -> None:
    question = "This drops every table, with all that was recorded. Really?"
    if not sys.stdin.isatty():
        fail("this would drop every table, with all that was recorded", "say --yes if that is meant", Exit.USAGE)
    if not typer.confirm(question):
        fail("nothing was changed")


@app.command()
def revision(
    name: Annotated[str, typer.Argument(help="what it does, in snake_case")],
    as_json: AsJson = False,
) -> None:
    """Write a migration from the newest one to the models as they are now (for developers; read it before you commit it)."""

    async def work() -> None:
        from lics_actors.store.migrate import LOCATION  # noqa: PLC0415
        from lics_actors.store.migrate import revision as write  # noqa: PLC0415

        written = await write(_owner_url(), name)
        sentence = f"wrote {LOCATION / 'models' / written}" if written else "nothing to write: models and migrations agree"
        _tell({"written": written}, [sentence], as_json)

    run(work)


@app.command()
def current(as_json: AsJson = False) -> None:
    """Say which migrations the database has had, and which are pending."""

    async def work() -> None:
        from lics_actors.store.migrate import current as state_of  # noqa: PLC0415

        state = await state_of(_database_url())
        document: dict[str, object] = {
            "version": state.version,
            "applied": state.applied,
            "pending": state.pending,
            "unknown": state.unknown,
            "timescaledb": state.timescale,
        }
        sentences = [
            f"at {state.version or 'nothing: no migration was applied yet'}",
            f"pending: {', '.join(state.pending) or 'none'}",
            f"TimescaleDB: {state.timescale or 'not there; plain tables'}",
        ]
        if state.unknown:
            sentences.append(f"unknown here (a newer LICS was at work): {', '.join(state.unknown)}")
        _tell(document, sentences, as_json)

    run(work)


@app.command()
def seed(as_json: AsJson = False) -> None:
    """Register the demo laboratory's devices where they are missing."""

    async def work() -> None:
        from lics_actors.store.seed import seed_demo  # noqa: PLC0415

        specs = await seed_demo(_database_url())
        document: dict[str, object] = {"devices": [{"id": str(spec.device_id), "name": spec.name} for spec in specs]}
        _tell(document, [f"{len(specs)} devices of the demo laboratory are registered"], as_json)

    run(work)
