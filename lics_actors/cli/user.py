"""`lics user`: who may sign in. The command line is local, so whoever may read the data directory is trusted with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from config.settings import load_settings
from lics_actors.access.laboratories import DEFAULT_LABORATORY, EVERYWHERE
from lics_actors.access.roles import Role
from lics_actors.cli.lab import InLab, named
from lics_actors.cli.laboratory import act, asker, tables
from lics_actors.cli.output import Exit, console, fail, lead, print_json, run

if TYPE_CHECKING:
    from lics_actors.access.people import Account
    from lics_actors.access.users import Users

app = typer.Typer(no_args_is_help=True, help="Add, list and disable those who may sign in; give one-time codes for passwords.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of sentences")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="the account's e-mail address")]
SHORT = {"admin": Role.SUPER_ADMIN}
ROLES = ", ".join(["admin (super_admin)", *(role.value for role in Role if role is not Role.DEVICE)])


def role_of(word: str) -> Role:
    """Return the role that a word names; `admin` is short for super_admin."""
    if word in SHORT:
        return SHORT[word]
    if word not in {role.value for role in Role} - {Role.DEVICE.value}:
        fail(f"there is no role {word!r}", f"one of {ROLES}", Exit.USAGE)
    return Role(word)


@app.command()
def add(
    email: Email,
    role: Annotated[str, typer.Option(help=f"one of {ROLES}")],
    lab: InLab = str(DEFAULT_LABORATORY),
    as_json: AsJson = False,
) -> None:
    """Make an account in a laboratory, and show the one-time code that sets its password."""
    wanted = role_of(role)

    async def work() -> None:
        async with _users() as users:
            place = (await named(users.repository, lab)).id
            account, code = await users.add(asker(), EVERYWHERE, email, wanted, place)
        _tell_code(account, code, as_json)

    run(work)


@app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """Show who may sign in."""

    async def work() -> None:
        found: list[Account] = []
        async with tables() as repository:
            cursor: str | None = None
            while True:
                page = await repository.accounts(500, cursor)
                found += page.items
                if (cursor := page.next) is None:
                    break
        if as_json:
            print_json({"items": [user_document(account) for account in found]})
        elif found:
            console.print(user_table(found))
        else:
            console.print("no accounts; make the first one with `lics user add EMAIL --role admin`")

    run(work)


@app.command()
def disable(
    email: Email,
    reason: Annotated[str | None, typer.Option(help="why, for the record")] = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody in no more: sessions, tokens and keys end at once."""
    _change(email, disabled=True, reason=reason, as_json=as_json)


@app.command()
def enable(email: Email, as_json: AsJson = False) -> None:
    """Let a disabled account in again."""
    _change(email, disabled=False, reason=None, as_json=as_json)


@app.command()
def role(
    email: Email,
    role: Annotated[str, typer.Argument(help=f"one of {ROLES}")],
    as_json: AsJson = False,
) -> None:
    """Give somebody another role; it counts at once."""
    _change(email, to=role_of(role), disabled=None, reason=None, as_json=as_json)


@app.command()
def password(email: Email, as_json: AsJson = False) -> None:
    """Show a one-time code that sets another password within a day; the present one is valid until then."""

    async def work() -> None:
        async with _users() as users:
            account = await users.named(email)
            account, code = await users.reset(asker(), EVERYWHERE, account.id)
        _tell_code(account, code, as_json)

    run(work)


@app.command("rotate-key")
def rotate_key() -> None:
    """Sign access tokens with a new key; those signed before are valid until they expire."""
    from lics_actors.access.keyring import KeyRing  # noqa: PLC0415 - slow, and only when a command runs

    async def work() -> str:
        async with act("key.rotate", "jwt") as found:
            name = KeyRing(load_settings()).rotate().name
            found.after = {"kid": name}
        return name

    key = run(work)
    console.print(f"from now on, within seconds, access tokens are signed with key {key}", highlight=False)


def _change(email: str, *, disabled: bool | None, reason: str | None, as_json: bool, to: Role | None = None) -> None:
    async def work() -> None:
        async with _users() as users:
            account = await users.named(email)
            changed = await users.change(asker(), EVERYWHERE, account.id, to, disabled=disabled, reason=reason)
        if as_json:
            print_json(user_document(changed))
        else:
            state = "disabled" if changed.disabled_at else "enabled"
            console.print(f"{changed.email} is {changed.role}, {state}", highlight=False)

    run(work)


@asynccontextmanager
async def _users() -> AsyncIterator[Users]:
    from lics_actors.access.ending import Bell, Endings  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.access.users import Users  # noqa: PLC0415
    from lics_actors.audit import AuditLog  # noqa: PLC0415

    settings = load_settings()
    async with tables() as repository:
        endings = Endings(repository, Bell(settings.redis_url, settings.mqtt_topic_prefix), 0.0)
        yield Users(repository, AuditLog(settings), endings)


def _tell_code(account: Account, code: str, as_json: bool) -> None:
    if as_json:
        print_json({**user_document(account), "code": code, "code_expires_at": account.code_expires_at})
        return
    console.print(lead("bold", code, before=f"{account.email} ({account.role}): one-time code "), soft_wrap=True)
    console.print(
        "valid for a day; it sets the password at POST /api/v1/auth/reset {email, code, password}", style="dim", soft_wrap=True
    )


def user_document(account: Account) -> dict[str, Any]:
    """Return an account as JSON, in the words of REST."""
    names = ("id", "email", "created_at", "created_by", "disabled_at", "password_at", "signed_in_at")
    return {**{name: getattr(account, name) for name in names}, "role": account.role.value}


def user_table(accounts: list[Account]) -> Table:
    """Return accounts as a table, a line each."""
    table = Table(box=None, pad_edge=False)
    for heading in ("e-mail", "role", "state", "last sign-in"):
        table.add_column(heading, no_wrap=True)
    for account in accounts:
        state = "disabled" if account.disabled_at else "enabled" if account.password_at else "no password yet"
        seen = account.signed_in_at.strftime("%Y-%m-%d %H:%M UTC") if account.signed_in_at else "never"
        table.add_row(Text(account.email), account.role.value, Text(state, "" if state == "enabled" else "yellow"), seen)
    return table
