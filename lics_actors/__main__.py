"""The command `lics`: one noun after another, and only the one that is asked for is imported."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer.core

HOME = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "drivers", "migrations", "web")  # plain names that another project may have, too
MINIMUM = (3, 11)

# noun → its module, which exports `app: typer.Typer`
NOUNS = {
    "up": "lics_actors.cli.up",
    "device": "lics_actors.cli.device",
    "rig": "lics_actors.cli.rig",
    "subject": "lics_actors.cli.subject",
    "protocol": "lics_actors.cli.protocol",
    "experiment": "lics_actors.cli.experiment",
    "welfare": "lics_actors.cli.welfare",
    "calibration": "lics_actors.cli.calibration",
    "fleet": "lics_actors.cli.fleet",
    "alarm": "lics_actors.cli.alarm",
    "lab": "lics_actors.cli.lab",
    "user": "lics_actors.cli.user",
    "audit": "lics_actors.cli.audit",
    "web": "lics_actors.cli.web",
    "run": "lics_actors.cli.run",
    "schedule": "lics_actors.cli.schedule",
    "simulate": "lics_actors.cli.simulate",
    "broker": "lics_actors.cli.broker",
    "db": "lics_actors.cli.db",
    "doctor": "lics_actors.cli.doctor",
    "bench": "lics_actors.cli.bench",
    "test": "lics_actors.cli.test",
}

# what `lics --help` shows together, in this order; a noun that stands nowhere belongs to the laboratory
LABORATORY = "The laboratory and its work"
PANELS = {
    "Begin here": ("up", "doctor", "simulate"),
    LABORATORY: ("device", "rig", "subject", "protocol", "experiment", "run", "schedule", "calibration", "welfare"),
    "Watch and steer": ("fleet", "alarm", "audit"),
    "Who gets in": ("user", "lab", "broker"),
    "Servers, data, this checkout": ("web", "db", "bench", "test"),
}
EPILOG = "Begin with `{lics} up --demo`; docs/tutorial.md leads from there to a data file in ten minutes."


def shadowed() -> list[str]:
    """Return a sentence for each of our packages that resolves to somebody else's."""
    sentences = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None:
            sentences.append(f"the package `{name}` of LICS is missing beside {HOME / 'lics_actors'}")
            continue
        found = {Path(place).resolve() for place in spec.submodule_search_locations or ()}
        if found != {HOME / name}:
            where = spec.origin or next(iter(found), "elsewhere")
            sentences.append(f"`{name}` is {where}, not LICS's own {HOME / name}")
    return sentences


def called_as() -> str:
    """Return how the user calls `lics`: the bootstrap script says so, else the program's own name."""
    given = os.environ.get("LICS_CALLED_AS")
    name = Path(sys.argv[0]).name
    return given or (name if name not in {"", "__main__.py", "-c"} else "lics")


def _root(words: Sequence[str]) -> typer.core.TyperGroup:
    """Return the command line with the noun that is asked for, or with all of them where none is."""
    import typer.core  # noqa: PLC0415 - after the check of versions and packages
    import typer.main  # noqa: PLC0415

    root = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="LICS keeps every instrument of a behavioural laboratory alive, and lets people and programs steer it.",
        epilog=EPILOG.format(lics=called_as()),
    )
    root.callback()(lambda: None)
    for noun in words[:1] if words and words[0] in NOUNS else NOUNS:
        _mount(root, noun, importlib.import_module(NOUNS[noun]).app)
    group = typer.main.get_group(root)
    shown = [noun for nouns in PANELS.values() for noun in nouns if noun in group.commands]
    group.commands = {noun: group.commands[noun] for noun in [*shown, *sorted(group.commands.keys() - set(shown))]}
    _name_arguments(group)
    return group


def _name_arguments(command: typer.core.TyperGroup | typer.core.TyperCommand) -> None:
    """Have help name arguments alike: in capitals."""
    for parameter in command.params:
        if parameter.param_type_name == "argument" and parameter.name and parameter.metavar is None:
            parameter.metavar = parameter.name.upper()
    for inner in getattr(command, "commands", {}).values():
        _name_arguments(inner)


def _mount(root: typer.Typer, noun: str, app: typer.Typer) -> None:
    panel = next((panel for panel, nouns in PANELS.items() if noun in nouns), LABORATORY)
    if len(app.registered_commands) == 1 and not app.registered_groups and app.registered_callback is None:
        (command,) = app.registered_commands
        command.name, command.rich_help_panel = noun, panel
        root.registered_commands.append(command)
    else:
        root.add_typer(app, name=noun, rich_help_panel=panel)


def _refuse(sentences: Sequence[str], next_step: str) -> None:
    sys.stderr.write("".join(f"error: {sentence}\n" for sentence in sentences) + f"next:  {next_step}\n")
    raise SystemExit(1)


def main() -> None:
    """Run the command line; Ctrl-C ends it without a word, also while it is still being imported."""
    try:
        _main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _main() -> None:
    if sys.version_info < MINIMUM:
        _refuse(["LICS needs Python 3.11 or newer"], "start it with ./lics, which looks for one")
    if wrong := shadowed():
        _refuse(wrong, "start LICS from its own environment, or rename or uninstall what stands in the way (PYTHONPATH?)")
    from lics_actors.cli.output import told_errors  # noqa: PLC0415

    with told_errors():
        _root(sys.argv[1:])(prog_name=called_as())


if __name__ == "__main__":
    main()
