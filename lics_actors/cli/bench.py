"""`lics bench`: LICS's speed on this machine, each figure beside that of a lean program for the same work."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lics_actors.cli.output import fail, told_errors

app = typer.Typer()
HOME = Path(__file__).resolve().parents[2]
TOOLS = ("aiohttp", "uvloop", "httpx")  # what the references and the loads are made of, and LICS itself is not
OURS = ("LICS_", "MQTT_TOPIC_", "JWT_", "MINIO_")  # the user's laboratory is none of a bench's business; its servers may be given


class Bench(StrEnum):
    """What can be measured."""

    INGEST = "ingest"
    COMMAND = "command"
    LIVE = "live"
    FLEET = "fleet"
    QUERY = "query"
    CHAOS = "chaos"
    RUNS = "runs"
    AUTH = "auth"


@app.command()
def bench(  # noqa: PLR0917 - options of a command, each by its name
    name: Annotated[Bench, typer.Argument(help="what to measure")],
    rounds: Annotated[int, typer.Option(min=1, max=100, help="how often each side is measured, in turn")] = 3,
    seconds: Annotated[float, typer.Option(min=1.0, max=600.0, help="length of one measurement")] = 15.0,
    short: Annotated[
        bool, typer.Option("--short", help="seconds instead of minutes: checks that nothing is lost, not how fast")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="chaos: which faults come when; a run can be repeated by it")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, max=600.0, help="chaos: for how long")] = None,
    faults: Annotated[int | None, typer.Option(min=1, max=100_000, help="chaos: how many, else one a second")] = None,
    devices: Annotated[int | None, typer.Option(min=1, max=5000, help="chaos and fleet: how many; runs: cages")] = None,
    runs: Annotated[int | None, typer.Option(min=1, max=10_000, help="chaos: so many runs of experiments meanwhile")] = None,
    trials: Annotated[int | None, typer.Option(min=1, max=100_000, help="chaos with --runs: of each run")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")] = False,
) -> None:
    """Measure LICS against a reference on servers of its own, or on those of DATABASE_URL, REDIS_URL and MQTT_BROKER_URL.

    Exit code 1 when a bar is missed or a sample or command is lost or doubled. docs/performance.md says how each is measured.
    """
    harness_file = HOME / "tests" / "benchmarks" / "harness.py"
    if not harness_file.exists():
        fail(
            "the benches are in the source checkout, not in the installed package",
            "git clone the repository; there: ./lics bench",
        )
    if missing := [tool for tool in TOOLS if importlib.util.find_spec(tool) is None]:
        fail(
            f"not installed here: {', '.join(missing)}",
            "./lics bench, which installs requirements-dev.lock first; or install that file",
        )
    for variable in [known for known in os.environ if known.startswith(OURS)]:
        del os.environ[variable]
    if str(HOME) not in sys.path:
        sys.path.insert(0, str(HOME))
    with told_errors():
        # by name: the tests are no part of the package, and nothing in it may build on them
        harness = importlib.import_module("tests.benchmarks.harness")
        if Path(harness.__file__ or "").resolve() != harness_file.resolve():
            fail(f"the package `tests` is {harness.__file__}, not LICS's own", "uninstall what brings it, or use ./lics bench")
        options = harness.Options(1 if short else rounds, seconds, short, seed, minutes, faults, devices, runs, trials)
        raise SystemExit(harness.run_bench(name.value, options, as_json=as_json))
