"""Several web workers behind one port: the parent that has them kept alive, adds up what they measure, and says where LICS is."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from config.settings import Settings, SettingsError
from lics_actors.client import FleetClient
from web.metrics import FleetMetrics, Metrics, create_metrics_app
from web.serve import Listener, announce, bound, check, listen, renounce, serve_app, stop_on_signals

log = logging.getLogger(__name__)

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"  # with this set, prometheus_client keeps its figures in files there
SUMMED: Final = ("counter", "histogram")


class Crew(Protocol):
    """Whoever keeps the workers: lics_actors.services.workers.Workers."""

    failed: asyncio.Event

    async def start(self) -> None:
        """Start all of them."""

    async def stop(self) -> None:
        """Stop all of them."""


Gather = Callable[[int, Mapping[str, str], Callable[[int], None]], Crew]  # count, environment, who hears of ended pids


def serve_many(settings: Settings, gather: Gather) -> int:
    """Serve with `settings.web_workers` processes until SIGTERM or SIGINT; return the exit code.

    Raises:
        SettingsError: something that is set cannot be used.
    """
    if sys.platform != "linux":
        raise SettingsError("LICS_WEB_WORKERS above 1 needs Linux, whose kernel shares a port evenly; unset it")
    check(settings)
    reserved = reserve(settings.host, settings.port)
    metrics = listen(settings.host, settings.prometheus_port, "PROMETHEUS_PORT") if settings.enable_metrics else None
    return asyncio.run(_serve(settings, reserved, metrics, gather))


def reserve(host: str, port: int) -> Listener:
    """Return a socket that holds a port for workers to share, without taking connections itself.

    Raises:
        SettingsError: the port is taken, be it by somebody who would share it.
    """
    alone = listen(host, port, "LICS_PORT")  # fails unless nobody at all is there
    taken = alone.port
    alone.socket.close()
    return bound(host, taken, "LICS_PORT", shared=True)


async def _serve(settings: Settings, reserved: Listener, metrics: Listener | None, gather: Gather) -> int:
    stopping = stop_on_signals()
    folder = settings.run_dir / "web-metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {"LICS_HOST": settings.host, "LICS_PORT": str(reserved.port), FOLDER: str(folder)}
    workers = gather(settings.web_workers, environment, lambda pid: bury(folder, pid))
    client = await FleetClient.open(settings)
    failed = asyncio.create_task(_stop_when(workers.failed, stopping))
    told, starting = asyncio.create_task(stopping.wait()), asyncio.create_task(workers.start())
    try:
        await asyncio.wait({told, starting}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            announce(settings, reserved, metrics)
        if metrics is not None:
            await serve_app(stopping, create_metrics_app(summed(folder, client)), metrics)
        await told
    finally:
        failed.cancel()
        starting.cancel()
        renounce(settings)
        await workers.stop()
        await client.close()
        reserved.socket.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if workers.failed.is_set() else 0


async def _stop_when(failed: asyncio.Event, stopping: asyncio.Event) -> None:
    await failed.wait()
    log.error("all web workers are given up")
    stopping.set()


def summed(folder: Path, client: FleetClient) -> Metrics:
    """Return what all workers measure, and what the fleet counts, as one."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    fleet = FleetMetrics(client)
    registry.register(fleet)
    return Metrics(registry, fleet)


def bury(folder: Path, pid: int) -> None:
    """Keep what an ended worker has counted, in one file for all of them, and forget how it was."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    for kind in SUMMED:
        left = folder / f"{kind}_{pid}.db"
        if not left.exists():
            continue
        with suppress(OSError, ValueError):
            total = MmapedDict(str(folder / f"{kind}_0.db"))  # type: ignore[no-untyped-call]
            for key, value, when, _ in MmapedDict.read_all_values_from_file(str(left)):  # type: ignore[no-untyped-call]
                total.write_value(key, total.read_value(key)[0] + value, when)  # type: ignore[no-untyped-call]
            total.close()  # type: ignore[no-untyped-call]
        left.unlink()
