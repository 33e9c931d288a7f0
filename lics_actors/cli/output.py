"""How the command line speaks: tables and colour for people, one JSON document for machines, errors with a next step."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn, TypeVar

from rich.console import Console

from config.settings import SettingsError
from lics_actors.errors import DatabaseUnavailableError, FleetUnavailableError, InvalidError, LicsError

Result = TypeVar("Result")
console = Console(width=None if sys.stdout.isatty() else 200)  # a file or a pipe has no width: ids stay whole
stderr = Console(stderr=True)


class Exit(IntEnum):
    """Exit codes (contracts.md, section 7)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3


def fail(message: str, next_step: str | None = None, code: Exit = Exit.FAILED) -> NoReturn:
    """Say what is wrong and what to do next, on stderr, and end."""
    stderr.print(f"[bold red]error:[/] {message}", highlight=False, soft_wrap=True)
    if next_step:
        stderr.print(f"[dim]next:[/]  {next_step}", highlight=False, soft_wrap=True)
    raise SystemExit(int(code))


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
        fail(error.message, "start it with `lics up`, or check DATABASE_URL with `lics doctor`", Exit.NOT_RUNNING)
    except InvalidError as error:
        lines = [f"{field['field']}: {field['message']}" for field in error.fields]
        fail("\n       ".join([error.message, *lines]), None, Exit.USAGE)
    except LicsError as error:
        fail(error.message)
    except SettingsError as error:
        fail(str(error), None, Exit.USAGE)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def run(main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a command's coroutine, telling errors as `told_errors` does."""
    with told_errors():
        return asyncio.run(main())
    raise AssertionError("told_errors always leaves")
