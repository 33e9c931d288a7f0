"""`lics web`: serve REST, the live view and documentation."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from config.settings import Settings
from lics_actors.cli.output import told_errors
from lics_actors.logs import configure
from lics_actors.services.programs import command_words
from lics_actors.services.workers import Workers

app = typer.Typer(help="Serve REST, live view and documentation.")


@app.command()
def web(
    host: Annotated[str | None, typer.Option(help="address to listen on; LICS_HOST")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port to listen on; LICS_PORT")] = None,
    ready: Annotated[int | None, typer.Option(hidden=True, help="be one of several workers; say so on this descriptor")] = None,
) -> None:
    """Serve REST, live view and documentation, until SIGTERM or Ctrl-C, with LICS_WEB_WORKERS processes."""
    with told_errors():
        given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
        settings = _settings(given)
        configure(settings, "web")
        # by name: the command line starts the web, but nothing under lics_actors may build on it
        if ready is not None:
            raise SystemExit(importlib.import_module("web.serve").serve_beside_others(settings, ready))
        if settings.web_workers > 1:
            raise SystemExit(importlib.import_module("web.workers").serve_many(settings, _workers))
        raise SystemExit(importlib.import_module("web.serve").serve(settings))


def _workers(count: int, env: Mapping[str, str], ended: Callable[[int], None]) -> Workers:
    return Workers(count, command_words("lics web --ready {ready}"), env, ended)


def _settings(given: dict[str, str | int]) -> Settings:
    from config.settings import load_settings  # noqa: PLC0415

    return load_settings(**given)
