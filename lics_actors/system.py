"""Composition root of the fleet: starts the tree from the settings, keeps its root alive, and ends it without a trace."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from config import __version__
from config.settings import Settings, SettingsError
from lics_actors.admission.opening import control_of
from lics_actors.broker import broker_spec
from lics_actors.errors import LicsError
from lics_actors.fleet.actor import FleetSupervisor
from lics_actors.fleet.messages import AskAlive, FleetReady, FleetSpec, Relaunch, RelaunchJudged
from lics_actors.fleet.place import FleetPlace, remove_place, write_place
from lics_actors.hosts.lease import FILE as LEASE_FILE
from lics_actors.hosts.memory import FILE as HOST_FILE
from lics_actors.hosts.messages import MemberSpec
from lics_actors.reexec import become_anew, obstacle
from lics_actors.runtime.launcher import FleetDiedError, Launched, LaunchError, launch
from lics_actors.runtime.peer import Peer, host_port
from lics_actors.supervision.policy import backoff
from lics_actors.supervision.specs import Policy
from lics_actors.welfare.days import NamedCalendar

PRELOAD = (  # what the actors use, imported once before the fork: 3 MiB an actor instead of 13
    "aiomqtt",
    "asyncio",
    "asyncpg",
    "drivers.registry",
    "jsonschema",
    "lics_actors.device.preload",
    "lics_actors.store.repository",
    "lics_actors.store.shipping",
    "lics_actors.welfare_rounds",
    "sqlite3",
    "ssl",
    "tortoise.backends.asyncpg",
)
PIDS = "fleet.pids"
STOP_S = 10.0  # the worst case of fleet/actor.py: a hung rack, then a hung Recorder
TOLD_S = 0.2  # for those who asked to hear that it begins
LISTEN_S = 0.25  # how late a signal is seen
LOOK_EVERY_S = 5.0
ANSWER_S = 2.0
MAX_SILENT = 3  # questions unanswered in a row: twenty seconds, longer than any handler takes on a machine in trouble
HEALTHY_S = 60.0
RELAUNCH = Policy()  # its backoff: 1 s doubling to 120 s

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asked:
    """What signals, and operators, asked for. `anew`: start again from the program on disk."""

    stop: bool = False
    anew: bool = False


def fleet_spec(settings: Settings) -> FleetSpec:
    """Return what the FleetSupervisor is to be.

    Raises:
        SettingsError: there is no database or no broker; says what to do.
    """
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set and no embedded database runs; set it, or start everything with `lics up`")
    member = _member_spec(settings, settings.database_url)
    broker = broker_spec(settings)
    return FleetSpec(
        broker=broker if member is None else replace(broker, lease=member.lease),
        data_dir=str(settings.data_dir),
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        spool_quota_bytes=settings.spool_quota_mb * 1024 * 1024,
        recorders=settings.recorders,
        lag_alarm_s=settings.lag_alarm_s,
        broker_queue=settings.mqtt_max_queued,
        actor_memory_bytes=settings.actor_memory_mb * 1024 * 1024,
        actor_files=settings.actor_fds,
        member=member,
        control=control_of(settings),
        calendar=NamedCalendar(settings.timezone, settings.day_starts),
    )


def _member_spec(settings: Settings, database_url: str) -> MemberSpec | None:
    """Return how this host is one of several, None where it has no name for that."""
    if settings.node is None:
        return None
    return MemberSpec(
        name=settings.node,
        sites=settings.sites,
        database_url=database_url,
        run_dir=str(settings.run_dir),
        state_file=str(settings.data_dir / HOST_FILE),
        lease=str(settings.run_dir / LEASE_FILE),
        journal_dir=str(settings.journal_dir),
    )


def run_fleet(settings: Settings, root: type[FleetSupervisor] = FleetSupervisor) -> int:
    """Run the fleet until SIGTERM or SIGINT; return the exit code. Must be called in a process without threads.

    When an operator wants it started anew from the program on disk, this process becomes that program, under the same pid.
    A root that dies or hangs is killed with everything below it and started anew, after a growing pause.

    Raises:
        SettingsError: there is no database or no broker.
        LaunchError: the fleet could not be started in the first place (one runs already, the port is taken …).
    """
    spec = fleet_spec(settings)
    with _signals() as asked:
        setbacks = 0
        launched: Launched | None = _launch(settings, spec, root)
        while True:
            began = time.monotonic()
            if launched is not None:
                _keep(launched, settings, asked)
            if asked.stop:
                return 0
            if asked.anew:
                become_anew()
            setbacks = 1 if time.monotonic() - began > HEALTHY_S else setbacks + 1
            _pause(backoff(RELAUNCH, setbacks, random.random()), asked)  # noqa: S311 - spreads restarts, guards nothing
            if asked.stop:
                return 0
            spec = replace(spec, restarts=spec.restarts + 1)
            try:
                launched = _launch(settings, spec, root)
            except LaunchError as error:
                log.error("the fleet did not start again", extra={"reason": error.message})
                launched = None


def _launch(settings: Settings, spec: FleetSpec, root: type[FleetSupervisor]) -> Launched:
    launched = launch(
        root,
        spec,
        admin_port=settings.fleet_port,
        key=settings.transport_key(),
        pid_file=settings.run_dir / PIDS,
        host=settings.fleet_host,
        preload=PRELOAD,
    )
    host, port = host_port(launched.address)
    write_place(settings.run_dir, FleetPlace(host, port, launched.pid, datetime.now(UTC).isoformat(), __version__))
    log.info("fleet started", extra={"root_pid": launched.pid, "host": host, "port": port, "restarts": spec.restarts})
    return launched


def _keep(launched: Launched, settings: Settings, asked: _Asked) -> None:
    """Watch over a running fleet until it is to stop or is no good any more; afterwards nothing of it is left."""
    try:
        _watch(launched, settings.fleet_host, asked)
    except FleetDiedError as error:
        log.error("the fleet ended and is started anew", extra={"reason": error.message})
    finally:
        remove_place(settings.run_dir)
        began = time.monotonic()
        orderly = launched.shutdown(STOP_S if asked.stop or asked.anew else 0.0)
        log.info("fleet stopped", extra={"orderly": orderly, "seconds": round(time.monotonic() - began, 2)})


def _watch(launched: Launched, host: str, asked: _Asked) -> None:
    look_at, silent = time.monotonic() + LOOK_EVERY_S, 0
    while not asked.stop and not asked.anew:
        match launched.receive(LISTEN_S):
            case FleetReady(devices=devices):
                log.info("every device's actor is at work", extra={"devices": devices})
            case Relaunch(principal=principal, reason=reason):
                asked.anew = _judge(launched, principal, reason)
                look_at = time.monotonic() + LOOK_EVERY_S
            case _:
                pass
        if time.monotonic() >= look_at:
            silent = 0 if asyncio.run(_answers(launched, host)) else silent + 1
            look_at = time.monotonic() + LOOK_EVERY_S
        if silent >= MAX_SILENT:
            raise FleetDiedError(f"the root did not answer {MAX_SILENT} times in a row", pid=launched.pid)


def _judge(launched: Launched, principal: str, reason: str | None) -> bool:
    """Tell the root, and return, whether the program on disk would start."""
    fault = obstacle()
    facts = {"principal": principal, "reason": reason, "obstacle": fault}
    log.log(logging.INFO if fault is None else logging.ERROR, "a start from the program on disk is asked for", extra=facts)
    launched.tell(RelaunchJudged(fault))
    if fault is None:
        time.sleep(TOLD_S)
    return fault is None


async def _answers(launched: Launched, host: str) -> bool:
    peer = await Peer.open(host)
    try:
        return bool(await peer.ask(launched.address, AskAlive(), ANSWER_S))
    except LicsError:
        return False
    finally:
        await peer.close()


def _pause(seconds: float, asked: _Asked) -> None:
    until = time.monotonic() + seconds
    while not asked.stop and time.monotonic() < until:
        time.sleep(min(LISTEN_S, max(0.0, until - time.monotonic())))


@contextmanager
def _signals() -> Iterator[_Asked]:
    """Have SIGTERM and SIGINT only note down that it is time to stop: an exception would leave Thespian's transport locked."""
    asked, owner = _Asked(), os.getpid()

    def note(_signal: int, _frame: object) -> None:
        if os.getpid() == owner:
            asked.stop = True

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
