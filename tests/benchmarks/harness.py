"""Runs one bench on servers, shows people a table and machines one document; its exit code says how it went."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
import statistics
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final, Protocol, cast

import asyncpg
from rich.console import Console
from rich.table import Table

from config.settings import SettingsError
from lics_actors.errors import LicsError
from tests.benchmarks.errors import BenchError
from tests.benchmarks.figures import Audit, Case, Options, Outcome, document, failures
from tests.benchmarks.machine import cores, machine
from tests.benchmarks.servers import Servers, servers

__all__ = ["Audit", "BenchError", "Case", "Options", "Outcome", "Servers", "cores", "run_bench", "servers", "tell"]

MOST_CLEAN_AUDITS: Final = 6  # told one by one
LIMIT_S: Final = 1800.0  # a bench that is not done by then hangs; the longest full one is meant to take ten minutes
FACTS: Final = (
    "{processor}, {cores} cores, {memory_gib} GiB, {system}; "
    "Python {python}, PostgreSQL {postgres}, TimescaleDB {timescaledb}, {broker}"
)
DONE, FAILED, INTERRUPTED = 0, 1, 130

_stderr = Console(stderr=True)
_began = time.monotonic()


class Bench(Protocol):
    """What tests/benchmarks/bench_<name>.py holds."""

    async def run(self, options: Options, servers: Servers) -> Outcome:
        """Measure.

        Raises:
            BenchError: no figure can be had; says why.
        """


def tell(sentence: str) -> None:
    """Say on stderr how far the bench is."""
    _stderr.print(f"[dim]{time.monotonic() - _began:6.1f} s[/]  {sentence}", highlight=False, soft_wrap=True)


def run_bench(name: str, options: Options, *, as_json: bool) -> int:
    """Run a bench and print what it found; return the exit code: 1 when a bar is missed, an audit fails or it cannot be run."""
    logging.basicConfig(level=logging.ERROR)  # what servers and clients say in passing is not for who reads figures
    try:
        return asyncio.run(_interruptible(name, options, as_json))
    except BenchError as error:
        return _say_error(error.message, error.next_step)
    except (LicsError, SettingsError) as error:
        return _say_error(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _stderr.print("stopped; everything that was started is gone", style="dim")
        return INTERRUPTED
    except (OSError, TimeoutError, AssertionError, asyncpg.PostgresError) as error:
        return _say_error(f"{name} could not be measured: {type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - a fault of the bench or of what it uses: told in a sentence like any other
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        return _say_error(f"{name} ended by a fault: {type(error).__name__}: {error}", "LOG_LEVEL=DEBUG shows where")


def _say_error(message: str, next_step: str | None = None) -> int:
    _stderr.print(f"[bold red]error:[/] {message}", highlight=False, soft_wrap=True)
    if next_step:
        _stderr.print(f"[dim]next:[/]  {next_step}", highlight=False, soft_wrap=True)
    return FAILED


async def _interruptible(name: str, options: Options, as_json: bool) -> int:
    """Run the bench so that Ctrl-C and SIGTERM, also repeated ones, end it in order: servers must not outlive it."""
    task = asyncio.ensure_future(_measure(name, options, as_json))
    asked = False

    def stop() -> None:
        nonlocal asked
        if not asked:
            asked = True
            tell("stopping …")
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return await task


async def _measure(name: str, options: Options, as_json: bool) -> int:
    bench = cast("Bench", _bench(name))
    facts = machine()
    limit_s = LIMIT_S + 60.0 * (options.minutes or 0.0)
    try:
        async with asyncio.timeout(limit_s):
            tell(f"[bold]{name}[/]: starting servers")
            async with servers() as on:
                outcome = await bench.run(options, on)
    except TimeoutError:
        raise BenchError(f"{name} was not done within {limit_s / 60:.0f} minutes", "take fewer --seconds or --rounds") from None
    facts |= on.facts
    outcome = Outcome(outcome.cases, outcome.headline, outcome.audits, (*on.notes, *outcome.notes), outcome.ratios)
    if as_json:
        sys.stdout.write(json.dumps(document(name, outcome, options, facts), ensure_ascii=False, indent=2) + "\n")
    else:
        _show(name, outcome, options, facts)
    missed = failures(outcome, options)
    for sentence in missed:
        _stderr.print(f"[red]✗[/] {sentence}", highlight=False, soft_wrap=True)
    return FAILED if missed else DONE


def _bench(name: str) -> object:
    module = f"tests.benchmarks.bench_{name}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            there = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
            raise BenchError(f"there is no bench {name} in this checkout", f"there are: {', '.join(there)}") from None
        raise BenchError(
            f"{error.name} is not installed here", "./lics bench, which installs requirements-dev.lock first"
        ) from None


def _show(name: str, outcome: Outcome, options: Options, facts: dict[str, Any]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_table(name, outcome, options))
    for audit in _shown(outcome.audits):
        sign = "[green]✓[/]" if audit.clean else "[red]✗[/]"
        console.print(f"{sign} {audit.case}: {audit.found:,} of {audit.expected:,}, {audit.lost} lost, {audit.doubled} twice")
    for note in outcome.notes:
        console.print(f"[dim]{note}[/]", highlight=False)
    with contextlib.suppress(KeyError):
        console.print(f"[dim]{FACTS.format(**facts)}[/]", highlight=False)


def _shown(audits: tuple[Audit, ...]) -> list[Audit]:
    """Return the audits that are not clean one by one, and the others as one line where they are many."""
    clean = [audit for audit in audits if audit.clean]
    if len(clean) > MOST_CLEAN_AUDITS:
        expected, found = sum(audit.expected for audit in clean), sum(audit.found for audit in clean)
        clean = [Audit(f"{len(clean)} audits, row by row", expected, found, 0, 0)]
    return clean + [audit for audit in audits if not audit.clean]


def _table(name: str, outcome: Outcome, options: Options) -> Table:
    rounds = f"{options.rounds} rounds" + (", short: figures mean nothing" if options.short else "")
    table = Table(title=f"lics bench {name}: median of {rounds}", box=None, pad_edge=False, title_justify="left")
    table.add_column("work")
    for title in ("LICS", "reference", "ratio", "bar", "spread"):
        table.add_column(title, justify="right")
    table.add_column("")
    for case in outcome.cases:
        table.add_row(*_row(case, options))
    return table


def _row(case: Case, options: Options) -> tuple[str, ...]:
    bar = "" if case.bar is None else f"{'≥' if case.at_least else '≤'} {case.bar:,g}{f' {case.unit}' if case.absolute else ' ×'}"
    sign = "" if case.bar is None or options.short else "[green]✓[/]" if case.met else "[red]✗[/]"
    return (
        case.name,
        f"{_number(statistics.median(case.lics))} {case.unit}" if case.lics else "",
        f"{_number(statistics.median(case.reference))} {case.unit}" if case.reference else "",
        "" if case.ratio is None else f"{case.ratio:.2f} ×",
        bar,
        "" if case.spread is None else f"{case.spread:.0%}",
        sign,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
