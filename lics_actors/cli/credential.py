"""`lics device credential` and `lics device claim`: how devices get in at the broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from config.settings import load_settings
from lics_actors.cli.laboratory import asker, tables
from lics_actors.cli.output import Exit, console, fail, lead, print_json, run

if TYPE_CHECKING:
    from lics_actors.admission.desk import Issued
    from lics_actors.admission.opening import Desks
    from lics_actors.admission.rows import Claim, Credential
    from lics_actors.store.repository import Repository

credentials = typer.Typer(no_args_is_help=True, help="A device's credentials at the broker.")
claims = typer.Typer(no_args_is_help=True, help="Codes by which new devices get credentials and become known.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of sentences")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="its id or its name")]
Why = Annotated[str | None, typer.Option("--reason", help="why, for the record")]


@asynccontextmanager
async def _desks() -> AsyncIterator[tuple[Desks, Repository]]:
    from lics_actors.admission.opening import open_desks  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.audit import AuditLog  # noqa: PLC0415

    settings = load_settings()
    async with tables() as repository:
        audit = AuditLog(settings)
        try:
            yield open_desks(settings, repository, audit), repository
        finally:
            audit.close()


@credentials.command()
def issue(device: Device, reason: Why = None, as_json: AsJson = False) -> None:
    """Give a device credentials, beside those it has. The password is shown this once."""

    async def work() -> None:
        async with _desks() as (desks, repository):
            row = await repository.find_device(device)
            _tell_issued(await desks.credentials.issue(asker(), row.id, reason), as_json)

    run(work)


@credentials.command()
def rotate(
    device: Device,
    overlap_min: Annotated[float, typer.Option(min=0, max=10_080, help="minutes the old ones stay good; 0: they end now")] = 0,
    reason: Why = None,
    as_json: AsJson = False,
) -> None:
    """Give a device new credentials in the place of those it has. The password is shown this once."""

    async def work() -> None:
        async with _desks() as (desks, repository):
            row = await repository.find_device(device)
            issued = await desks.credentials.rotate(asker(), row.id, timedelta(minutes=overlap_min), reason)
            _tell_issued(issued, as_json)

    run(work)


@credentials.command()
def revoke(
    device: Device,
    credential: Annotated[str | None, typer.Argument(help="only this one, by its id; else all of them")] = None,
    reason: Why = None,
    as_json: AsJson = False,
) -> None:
    """End a device's credentials; whoever came in by them is cut off."""
    only = _id(credential)

    async def work() -> None:
        async with _desks() as (desks, repository):
            row = await repository.find_device(device)
            revoked = await desks.credentials.revoke(asker(), row.id, only, reason)
        if as_json:
            print_json({"items": [_document(each) for each in revoked.credentials], "pending": revoked.pending})
            return
        console.print(f"{len(revoked.credentials)} ended" + ("; the broker is told as soon as it is back" * revoked.pending))

    run(work)


@credentials.command("list")
def list_credentials(device: Device, as_json: AsJson = False) -> None:
    """Show a device's credentials, without their secrets."""

    async def work() -> None:
        async with tables() as repository:
            row = await repository.find_device(device)
            rows = await repository.credentials(row.id)
        if as_json:
            print_json({"items": [_document(each) for each in rows]})
            return
        table = Table("credential", "username", "since", "by", "state", box=None, header_style="bold")
        now = datetime.now(UTC)
        for each in rows:
            word = "live" if each.live(now) else f"over ({each.reason or each.revoked_by or 'expired'})"
            table.add_row(str(each.id), each.username, f"{each.created_at:%Y-%m-%d %H:%M}", each.created_by, word)
        console.print(table if rows else "no credentials; `lics device credential issue` makes them")

    run(work)


@claims.command()
def new(
    name: Annotated[str | None, typer.Option(help="what the device is to be called; else it is called by its type")] = None,
    location: Annotated[str | None, typer.Option(help="where it is")] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="so long the code is good for")] = 15,
    laboratory: Annotated[str | None, typer.Option(help="the id of the laboratory it is for; else the first one")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a code for one new device, and show it this once."""
    from lics_actors.access.laboratories import DEFAULT_LABORATORY  # noqa: PLC0415

    home = _id(laboratory) or DEFAULT_LABORATORY

    async def work() -> None:
        async with _desks() as (desks, _):
            lifetime = timedelta(minutes=minutes)
            claim, code = await desks.claims.new(asker(), home, name=name, location=location, lifetime=lifetime)
        if as_json:
            print_json({"claim": _claim(claim), "code": code})
            return
        console.print(code, style="bold", highlight=False)
        console.print(f"Good for {minutes} min, for one device (docs/contracts.md, section 1); it is not shown again.")

    run(work)


@claims.command("list")
def list_claims(as_json: AsJson = False) -> None:
    """Show claim codes and what became of them, without the codes."""

    async def work() -> None:
        async with tables() as repository:
            rows = await repository.claims()
        if as_json:
            print_json({"items": [_claim(each) for each in rows]})
            return
        table = Table("claim", "state", "until", "device", "by", box=None, header_style="bold")
        for each in rows:
            device = each.name or (str(each.device_id) if each.device_id else "")
            state = each.state(datetime.now(UTC))
            table.add_row(str(each.id), state, f"{each.expires_at:%Y-%m-%d %H:%M}", device, each.created_by)
        console.print(table if rows else "no claim codes; `lics device claim new` makes one")

    run(work)


@claims.command("revoke")
def revoke_claim(claim: Annotated[str, typer.Argument(metavar="CLAIM", help="its id")]) -> None:
    """Take a code back. A device that it has registered stays."""
    claim_id = _id(claim)

    async def work() -> None:
        async with _desks() as (desks, repository):
            assert claim_id is not None
            await desks.claims.revoke(asker(), await repository.claim(claim_id))
        console.print("taken back")

    run(work)


def _id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        fail(f"{text} is no id", "see the `list` of it", Exit.USAGE)


def _document(credential: Credential) -> dict[str, Any]:
    return {name: getattr(credential, name) for name in credential.__dataclass_fields__}


def _claim(claim: Claim) -> dict[str, Any]:
    facts = {name: getattr(claim, name) for name in claim.__dataclass_fields__}
    return {**facts, "state": claim.state(datetime.now(UTC))}


def _tell_issued(issued: Issued, as_json: bool) -> None:
    told = {"client_id": issued.client_id, "username": issued.credential.username, "password": issued.password}
    if as_json:
        print_json({"credential": _document(issued.credential), **told})
        return
    for name, value in told.items():
        console.print(lead("bold", value, before=f"{name:<10} "), highlight=False, soft_wrap=True)
    console.print("The password is not shown again.", style="dim")
