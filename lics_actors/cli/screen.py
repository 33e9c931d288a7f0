"""The last screen of `lics up`: where everything is, how to get in, what to try."""

from __future__ import annotations

import shlex
import sys

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from config.settings import Settings, default_data_dir
from lics_actors.__main__ import called_as
from lics_actors.services.embedded import Embedded
from lics_actors.services.readiness import web_address


def final_screen(settings: Settings, embedded: Embedded, devices: str, took_s: float) -> Group:
    """Return the screen. The token itself is shown only where a person sits at a terminal."""
    address = web_address(settings)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    facts.add_row("Address", Text(address, style=f"link {address}"))
    facts.add_row("Documentation", f"{address}/docs   {address}/redoc")
    facts.add_row("First sign-in", sign_in(settings))
    facts.add_row("Accounts", first_account(settings))
    if embedded.broker is not None:
        facts.add_row("Broker", f"{embedded.broker.product} on 127.0.0.1:{embedded.broker.port}: {embedded.broker.guarantee}.")
        facts.add_row(
            "Devices get in",
            f"by credentials of their own: `{called_as()} device credential issue DEVICE`, or `device claim new`",
        )
    facts.add_row("Data and logs", f"{settings.data_dir}   {settings.log_dir}")
    title = f"LICS is up{': ' + devices if devices else ''} ({took_s:.1f} s)"
    tries = [Text(f"  {command}", style="cyan") for command in commands(settings)]
    panel = Panel(facts, title=title, title_align="left", border_style="green", expand=False)
    return Group(panel, Text("Try, in another terminal:"), *tries, Text("Ctrl-C stops everything.", style="dim"))


def sign_in(settings: Settings) -> str:
    """Return how an administrator gets in."""
    if settings.admin_token is not None:
        return "the token in LICS_ADMIN_TOKEN, as `Authorization: Bearer …`"
    path = settings.data_dir / "secrets" / "admin_token"
    shown = f" {settings.admin_token_value()}\n" if sys.stdout.isatty() else " "
    return f"Authorization: Bearer{shown}(the token is kept in {path})"


def first_account(settings: Settings) -> str:
    """Return how the first administrator gets an account; the code is made, and works only while there is none."""
    code = settings.first_admin_code()
    shown = f"code {code}" if sys.stdout.isatty() else f"code in {settings.data_dir / 'secrets' / 'first_admin_code'}"
    return f"the first: `{called_as()} user add EMAIL --role admin`, or POST /api/v1/auth/claim with the {shown}"


def commands(settings: Settings) -> list[str]:
    """Return three commands that work as they stand in another terminal."""
    lics = called_as()
    if settings.data_dir != default_data_dir().absolute():
        lics = f"LICS_DATA_DIR={shlex.quote(str(settings.data_dir))} {lics}"
    token = (
        "$LICS_ADMIN_TOKEN"
        if settings.admin_token
        else f"$(cat {shlex.quote(str(settings.data_dir / 'secrets' / 'admin_token'))})"
    )
    return [
        f"{lics} device list",
        f"{lics} device command cage-1-pump dispense volume_ul=20",
        f'curl -H "Authorization: Bearer {token}" {web_address(settings)}/api/v1/fleet',
    ]
