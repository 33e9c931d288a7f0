"""`lics up`: a whole laboratory on this machine, from nothing to a screen that says where everything is."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import typer

from config.endpoints import remove_endpoints
from config.orm import parse_database_url
from config.settings import Settings, load_settings
from lics_actors import logs
from lics_actors.cli.output import console, fail, told_errors
from lics_actors.cli.progress import Progress
from lics_actors.cli.screen import final_screen
from lics_actors.services.demo_study import DemoStudy
from lics_actors.services.laboratory import Laboratory
from lics_actors.services.lock import DataDirLock, HeldError, Holder
from lics_actors.services.ports import free_port
from lics_actors.services.preflight import taken_port, unusable_data_dir
from lics_actors.services.readiness import Readiness

app = typer.Typer()
ANOTHER = "for another laboratory beside it set LICS_DATA_DIR, LICS_PORT, LICS_FLEET_PORT and PROMETHEUS_PORT"
READY_S = 90.0  # a slow laptop on its first start; the usual is a few seconds


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="with a laboratory of 24 simulated devices in 8 cages")] = False,
) -> None:
    """Start the servers that are not set by URL, and LICS on them; Ctrl-C stops all of it."""
    with told_errors():
        settings = load_settings()
        if obstacle := unusable_data_dir(settings.data_dir):
            fail(obstacle.sentence, obstacle.next_step)
        lock = DataDirLock(settings.run_dir)
        _take(lock, settings)
        try:
            remove_endpoints(settings.run_dir)
            _run(load_settings(), demo)
        finally:
            lock.release()


def _take(lock: DataDirLock, settings: Settings) -> None:
    try:
        lock.take(Holder(os.getpid(), f"{settings.web_scheme}://{settings.host}:{settings.port}"))
    except HeldError as held:
        who = f" (pid {held.holder.pid}, {held.holder.address})" if held.holder else ""
        stop = f"stop it with Ctrl-C there or `kill {held.holder.pid}`; " if held.holder else ""
        fail(f"LICS is up already in {settings.data_dir}{who}", stop + ANOTHER)


def _run(settings: Settings, demo: bool) -> None:
    if settings.database_url is not None:
        parse_database_url(settings.database_url)
    if obstacle := taken_port(settings):
        fail(obstacle.sentence, obstacle.next_step)
    env = {}
    if settings.port == 0:
        settings.port = free_port()
        env["LICS_PORT"] = str(settings.port)
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    with (settings.log_dir / "up.log").open("a") as log:
        logs.configure(settings, "up", log)
        asyncio.run(_live(settings, env, demo))


async def _live(settings: Settings, env: dict[str, str], demo: bool) -> None:
    laboratory = Laboratory(settings, env, lambda sentence: console.print(sentence, style="yellow", highlight=False), demo=demo)
    asked = asyncio.Event()
    async with _signals(asked, laboratory):
        caps = asyncio.create_task(laboratory.cap_logs())
        study = asyncio.create_task(_study(laboratory, settings, demo))
        starting = asyncio.create_task(_start(laboratory, settings, demo))
        waiting = asyncio.create_task(asked.wait())
        try:
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await waiting
        finally:
            for task in (starting, waiting, caps, study):
                task.cancel()
            await asyncio.gather(starting, waiting, caps, study, return_exceptions=True)
            await _stop(laboratory)


async def _start(laboratory: Laboratory, settings: Settings, demo: bool) -> None:
    started = time.monotonic()
    with Progress(console) as progress:
        await laboratory.start(progress.step)
        readiness = Readiness(settings, demo=demo)
        with progress.step("fleet and web") as line:
            until = time.monotonic() + READY_S
            while not await readiness.reached():
                line.note = readiness.note
                laboratory.check()
                if time.monotonic() > until:
                    console.print(
                        f"not ready after {READY_S:.0f} s; still trying. See {settings.log_dir}, or `lics doctor`", style="yellow"
                    )
                    until = float("inf")
                await asyncio.sleep(0.1)
            line.note = readiness.note
    laboratory.is_up()
    console.print(
        final_screen(settings, laboratory.embedded, readiness.note, time.monotonic() - started), highlight=False, soft_wrap=True
    )


async def _study(laboratory: Laboratory, settings: Settings, demo: bool) -> None:
    """Run the demo's experiment once the laboratory is up."""
    await laboratory.came_up.wait()
    if demo:
        await DemoStudy(settings).keep()


async def _stop(laboratory: Laboratory) -> None:
    console.print("stopping …", style="dim")
    started = time.monotonic()
    await laboratory.stop()
    console.print(f"stopped ({time.monotonic() - started:.1f} s)", style="dim", highlight=False)


@asynccontextmanager
async def _signals(asked: asyncio.Event, laboratory: Laboratory) -> AsyncIterator[None]:
    """Within, the first Ctrl-C, SIGTERM or SIGHUP sets `asked`; a second one kills everything."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        if asked.is_set():
            laboratory.kill()
        asked.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, heard)
    try:
        yield
    finally:
        for number in numbers:
            with suppress(ValueError):
                loop.remove_signal_handler(number)
