"""`lics lab`: laboratories, who is a member of them, and which device belongs to which."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from config.settings import load_settings
from lics_actors.access.errors import LaboratoryNotFoundError
from lics_actors.access.laboratories import EVERYWHERE, MEMBER_ROLES
from lics_actors.access.roles import Role
from lics_actors.cli.laboratory import asker, principal, tables
from lics_actors.cli.output import Exit, console, fail, print_json, run

if TYPE_CHECKING:
    from lics_actors.access.memberships import Memberships
    from lics_actors.access.people import Laboratory, Member
    from lics_actors.access.users import Users
    from lics_actors.store.repository import Repository

app = typer.Typer(no_args_is_help=True, help="Make laboratories, say who is what in them, and give devices to another one.")
member = typer.Typer(no_args_is_help=True, help="Say who is a member of a laboratory, and what.")
app.add_typer(member, name="member")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of sentences")]
Lab = Annotated[str, typer.Argument(metavar="LABORATORY", help="its name or id")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="the account's e-mail address")]
InLab = Annotated[str, typer.Option("--lab", help="the laboratory's name or id")]
Why = Annotated[str | None, typer.Option("--reason", help="why, for the record")]
ROLES = ", ".join(role.value for role in MEMBER_ROLES)


@app.command()
def add(name: Annotated[str, typer.Argument(help="what people call it")], as_json: AsJson = False) -> None:
    """Make a laboratory. It is never deleted: what is recorded names it."""

    async def work() -> None:
        async with _desks() as (_, memberships, _users):
            made = await memberships.add(asker(), name)
        _tell([made], as_json)

    run(work)


@app.command("list")
def list_laboratories(as_json: AsJson = False) -> None:
    """Show the laboratories."""

    async def work() -> None:
        async with tables() as repository:
            found = await repository.laboratories()
        if as_json:
            print_json({"items": [asdict(each) for each in found]})
        else:
            _tell(found, as_json=False)

    run(work)


@app.command()
def rename(laboratory: Lab, name: Annotated[str, typer.Argument(help="its new name")], as_json: AsJson = False) -> None:
    """Give a laboratory another name."""

    async def work() -> None:
        async with _desks() as (repository, memberships, _users):
            renamed = await memberships.rename(asker(), (await named(repository, laboratory)).id, name)
        _tell([renamed], as_json)

    run(work)


@app.command("move-device")
def move_device(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="its id or name")],
    laboratory: Lab,
    reason: Annotated[str, typer.Option(help="why, for the record")],
    as_json: AsJson = False,
) -> None:
    """Give a device to another laboratory, with all that was recorded of it. Its actor knows within half a minute."""

    async def work() -> None:
        from lics_actors.admission.borders import stay_at_home  # noqa: PLC0415 - loads every driver

        async with _desks() as (repository, memberships, _users):
            to, row = await named(repository, laboratory), await repository.find_device(device)
            async with memberships.audit.act(asker(), "device.move", f"device:{row.id}", reason) as found:
                await stay_at_home(repository, replace(row.spec(), laboratory_id=to.id), load_settings().mqtt_topic_prefix)
                before, after = await repository.move_device(row.id, to.id, expected_version=None, principal=principal())
                found.before, found.after = {"laboratory": str(before.laboratory_id)}, {"laboratory": str(after.laboratory_id)}
            await memberships.endings.told()
        if as_json:
            print_json({"id": after.id, "name": after.name, "laboratory_id": after.laboratory_id})
        else:
            console.print(f"{after.name} belongs to {to.name}", highlight=False)

    run(work)


@member.command("list")
def list_members(laboratory: Lab, as_json: AsJson = False) -> None:
    """Show who is what in a laboratory."""

    async def work() -> None:
        found: list[Member] = []
        async with tables() as repository:
            place, cursor = await named(repository, laboratory), None
            while True:
                page = await repository.members(place.id, 500, cursor)
                found += page.items
                if (cursor := page.next) is None:
                    break
        if as_json:
            print_json({"laboratory": place.id, "items": [asdict(each) for each in found]})
        else:
            console.print(_table(("e-mail", "role", "since"), [(each.email, each.role.value, _day(each)) for each in found]))

    run(work)


@member.command("add")
def add_member(
    laboratory: Lab, email: Email, role: Annotated[str, typer.Option(help=f"one of {ROLES}")], as_json: AsJson = False
) -> None:
    """Take somebody who has an account into a laboratory, or give a member another role; it counts at once."""
    if role not in {each.value for each in MEMBER_ROLES}:
        fail(f"nobody is {role!r} of a laboratory", f"one of {ROLES}", Exit.USAGE)

    async def work() -> None:
        async with _desks() as (repository, memberships, users):
            place, account = await named(repository, laboratory), await users.named(email)
            await memberships.put(asker(), EVERYWHERE, place.id, account, Role(role))
        _tell_member(place, account.email, role, as_json)

    run(work)


@member.command("remove")
def remove_member(laboratory: Lab, email: Email, reason: Why = None, as_json: AsJson = False) -> None:
    """Take somebody out of a laboratory, at once; the account stays."""

    async def work() -> None:
        async with _desks() as (repository, memberships, users):
            place, account = await named(repository, laboratory), await users.named(email)
            await memberships.remove(asker(), EVERYWHERE, place.id, account, reason)
        _tell_member(place, account.email, None, as_json)

    run(work)


async def named(repository: Repository, name_or_id: str) -> Laboratory:
    """Return the laboratory that is called so, or has this id.

    Raises:
        LaboratoryNotFoundError, DatabaseUnavailableError
    """
    for each in await repository.laboratories():
        if name_or_id in {each.name, str(each.id)}:
            return each
    raise LaboratoryNotFoundError(f"no laboratory {name_or_id!r}; see `lics lab list`", laboratory=name_or_id)


@asynccontextmanager
async def _desks() -> AsyncIterator[tuple[Repository, Memberships, Users]]:
    from lics_actors.access.ending import Bell, Endings  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.access.memberships import Memberships  # noqa: PLC0415
    from lics_actors.access.users import Users  # noqa: PLC0415
    from lics_actors.audit import AuditLog  # noqa: PLC0415

    settings = load_settings()
    async with tables() as repository:
        endings = Endings(repository, Bell(settings.redis_url, settings.mqtt_topic_prefix), 0.0)
        audit = AuditLog(settings)
        yield repository, Memberships(repository, audit, endings), Users(repository, audit, endings)


def _tell(laboratories: Sequence[Laboratory], as_json: bool) -> None:
    if as_json:
        print_json(asdict(laboratories[0]))
        return
    console.print(_table(("name", "id"), [(each.name, str(each.id)) for each in laboratories]))


def _tell_member(place: Laboratory, email: str, role: str | None, as_json: bool) -> None:
    if as_json:
        print_json({"laboratory": place.id, "email": email, "role": role})
    else:
        what = f"is {role} of" if role else "is no member of"
        console.print(f"{email} {what} {place.name}", highlight=False, soft_wrap=True)


def _day(each: Member) -> str:
    return each.since.strftime("%Y-%m-%d") + (" (disabled)" if each.disabled_at else "")


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
