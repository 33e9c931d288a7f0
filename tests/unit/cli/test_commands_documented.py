"""The commands there are and those the documents, the messages and the helps speak of: the same."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import typer
import typer.main

from lics_actors.__main__ import NOUNS

HOME = Path(__file__).parents[3]
DOCUMENTS = [HOME / "README.md", HOME / "CONTRIBUTING.md", *sorted((HOME / "docs").rglob("*.md"))]
SPEAKING = [*sorted((HOME / "lics_actors").rglob("*.py")), *sorted((HOME / "web").rglob("*.py")), HOME / "config/settings.py"]
CALL = re.compile(r"(?:`|^ {4}|\"|; )(?:\./)?lics ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)", re.MULTILINE)


def commands() -> dict[str, set[str]]:
    """Return each command by its words, with its options."""
    return dict(_under((), {noun: importlib.import_module(module).app for noun, module in NOUNS.items()}))


def _under(words: tuple[str, ...], apps: dict[str, typer.Typer]) -> Iterator[tuple[str, set[str]]]:
    for name, app in apps.items():
        yield from _of(" ".join((*words, name)), typer.main.get_command(app))


def _of(words: str, command: object) -> Iterator[tuple[str, set[str]]]:
    inner = getattr(command, "commands", {})
    for name, each in inner.items():
        yield from _of(f"{words} {name}", each)
    if not inner:
        yield words, {option for parameter in getattr(command, "params", ()) for option in parameter.opts if option[:1] == "-"}


COMMANDS = commands()
GROUPS = {" ".join(words.split()[:n]) for words in COMMANDS for n in range(1, len(words.split()))}


def is_there(words: str) -> bool:
    """Say whether words begin with a command; what comes after one are its arguments."""
    parts = words.split()
    return words in GROUPS or any(" ".join(parts[:n]) in COMMANDS for n in range(1, len(parts) + 1))


def test_only_commands_that_exist_are_spoken_of() -> None:
    spoken = {str(file.relative_to(HOME)): set(CALL.findall(file.read_text())) for file in [*DOCUMENTS, *SPEAKING]}
    assert sum(map(len, spoken.values())) > 100
    assert not {file: wrong for file, said in spoken.items() if (wrong := {words for words in said if not is_there(words)})}


def contract() -> str:
    text = (HOME / "docs/contracts.md").read_text()
    return text[text.index("## 7. The command line") :]


def test_every_command_is_in_the_contract() -> None:
    said = set()
    for call in re.findall(r"`([^`]+)`", contract()):
        start, _, verbs = re.split(r" [A-Z\[-]", call)[0].rpartition(" ")
        said |= {f"{start} {verb}".strip() for verb in verbs.split("|")}
    assert not COMMANDS.keys() - said


def test_every_noun_is_in_the_readme() -> None:
    readme = (HOME / "README.md").read_text()
    table = readme[readme.index("## Commands") :]
    assert not [noun for noun in NOUNS if not re.search(rf"`lics {noun}\b|, `lics {noun}\b", table)]
