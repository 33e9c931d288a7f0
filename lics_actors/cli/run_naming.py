"""Which run people mean: an id, the beginning of one, or the name of a rig."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from lics_actors.cli.output import fail

if TYPE_CHECKING:
    from lics_actors.store.repository import Repository
    from lics_actors.store.runs import Run

RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="its id, the beginning of it, or the name of a rig: the run it is in, or was in last")
]
PAGE = 500


async def find_run(repository: Repository, called: str) -> Run:
    """Return the run of this id, the only one whose id begins so, or the newest at the rig of this name."""
    from lics_actors.store.runs import RunFilter  # noqa: PLC0415 - slow, and only when a command runs

    try:
        return await repository.get_run(UUID(called))
    except ValueError:
        rows = (await repository.list_runs(RunFilter(), PAGE)).items
    at_rig = [row for row in rows if row.rig == called]
    found = at_rig[:1] or [row for row in rows if str(row.id).startswith(called.lower())]
    if len(found) != 1:
        fail(f"{'no run is' if not found else f'{len(found)} runs are'} called {called!r}", "`lics run list --all` shows them")
    return found[0]
