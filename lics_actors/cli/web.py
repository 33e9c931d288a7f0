"""`lics web`: serve REST and documentation."""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

from config.settings import Settings
from lics_actors.cli.output import told_errors
from lics_actors.logs import configure

app = typer.Typer(help="Serve REST and documentation.")


@app.command()
def web(
    host: Annotated[str | None, typer.Option(help="address to listen on; LICS_HOST")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port to listen on; LICS_PORT")] = None,
) -> None:
    """Serve REST and documentation, until SIGTERM or Ctrl-C."""
    with told_errors():
        given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
        settings = _settings(given)
        configure(settings, "web")
        # by name: the command line starts the web, but nothing under lics_actors may build on it
        serve = importlib.import_module("web.serve").serve
        raise SystemExit(serve(settings))


def _settings(given: dict[str, str | int]) -> Settings:
    from config.settings import load_settings  # noqa: PLC0415

    return load_settings(**given)
