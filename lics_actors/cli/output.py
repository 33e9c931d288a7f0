"""How the command line speaks: tables and colour for people, one JSON document for machines, errors with a next step."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final, NoReturn, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from config.settings import SettingsError
from lics_actors.cli.next_steps import next_step
from lics_actors.errors import DatabaseUnavailableError, FleetUnavailableError, InvalidError, LicsError

Result = TypeVar("Result")
_CONTROL: Final = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "�")


class PlainConsole(Console):
    """Shows text as it stands: what people, devices and files are called is no markup, and moves no terminal's cursor."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return what is to be written; rich's own control codes pass, those in texts are made visible."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(segment.text.translate(_CONTROL), segment.style)


# a file or a pipe has no width: ids stay whole
console = PlainConsole(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False)
stderr = PlainConsole(stderr=True, markup=False, emoji=False)


class Exit(IntEnum):
    """Exit codes (contracts.md, section 7)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3


def lead(style: str, word: object, rest: str = "", *, before: str = "") -> Text:
    """Return a line with a word that stands out; the words of others are shown as they stand."""
    return Text.assemble(before, (str(word), style), rest)


def fail(message: str, todo: str | None = None, code: Exit = Exit.FAILED) -> NoReturn:
    """Say what is wrong and what to do next, on stderr, and end; `lics …` is told as it is typed here."""
    stderr.print(lead("bold red", "error:", f" {typed(message)}"), highlight=False, soft_wrap=True)
    if todo:
        stderr.print(lead("dim", "next:", f"  {typed(todo)}"), highlight=False, soft_wrap=True)
    raise SystemExit(int(code))


def typed(sentence: str) -> str:
    """Return a sentence with `lics …` as it is typed here."""
    return sentence.replace("`lics ", f"`{os.environ.get('LICS_CALLED_AS', 'lics')} ")


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, default=str, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def told_errors() -> Iterator[None]:
    """Turn LICS's errors into a sentence and an exit code; programming errors keep their traceback."""
    try:
        yield
    except FleetUnavailableError as error:
        fail(error.message, "start it with `lics up`, or look at `lics doctor`", Exit.NOT_RUNNING)
    except DatabaseUnavailableError as error:
        todo = "`lics up` starts one; of your own: does it run, and is DATABASE_URL right? `lics doctor` looks"
        fail(error.message, todo, Exit.NOT_RUNNING)
    except InvalidError as error:
        lines = [f"{field['field']}: {field['message']}" for field in error.fields]
        fail("\n       ".join([error.message, *lines]), None, Exit.USAGE)
    except LicsError as error:
        fail(error.message, next_step(error))
    except SettingsError as error:
        fail(str(error), None, Exit.USAGE)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def run(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a command's coroutine, telling errors as `told_errors` does."""
    with told_errors():
        return asyncio.run(main())
    raise AssertionError("told_errors always leaves")
