"""A whole laboratory whose every secret is a canary: none sings in a log, an error, the audit, a crash report or a figure."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from drivers.native.demo import DemoDevice, demo_devices
from lics_actors.device.messages import BrokerSpec
from lics_actors.store.migrate import upgrade
from tests.system.laboratory import Laboratory, kill_process
from tests.waiting import eventually

WORDS = ("admin", "jwt", "actor", "mqtt", "minio", "database", "refresh", "password")


async def own_role(owner_url: str, password: str) -> str:
    """Return the URL of a role of LICS's own with that password."""
    role = f"r_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(owner_url)
    await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    await connection.close()
    parts = urlsplit(owner_url)
    own = urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}"))
    await upgrade(owner_url, application_url=own)
    return own


async def ended(owner_url: str, own_url: str) -> None:
    role = urlsplit(own_url).username
    connection = await asyncpg.connect(owner_url)
    await connection.execute(f"DROP OWNED BY {role}")
    await connection.execute(f"DROP ROLE {role}")
    await connection.close()


async def provoked(laboratory: Laboratory, device: DemoDevice, canaries: dict[str, str]) -> str:
    """Have things go wrong in many ways, each with a secret in it; return all that was answered."""
    api, said = laboratory.api, []
    for method, path, more in (
        ("GET", f"/api/v1/devices/{canaries['admin']}", {}),
        ("POST", "/api/v1/auth/sign-in", {"json": {"email": "ada@lab.example", "password": canaries["password"]}}),
        ("POST", "/api/v1/auth/sign-in", {"json": {"email": 7, "password": canaries["password"]}}),
        ("POST", "/api/v1/auth/sign-in", {"content": b'{"password": "' + canaries["password"].encode() + b'"'}),
        ("POST", "/api/v1/auth/refresh", {"json": {"refresh_token": canaries["refresh"]}}),
        (
            "POST",
            "/api/v1/auth/reset",
            {"json": {"email": "a@b.c", "code": canaries["refresh"], "password": canaries["password"]}},
        ),
        ("GET", "/api/v1/devices", {"headers": {"Authorization": f"Bearer {canaries['jwt']}"}}),
        ("GET", "/api/v1/devices", {"headers": {"Authorization": f"Basic {canaries['jwt']}"}}),
        ("POST", f"/api/v1/devices/{device.id}/command", {"json": {"name": "explode", "args": {}}}),
        ("GET", "/health", {}),
        ("GET", "/api/v1/fleet", {}),
        ("GET", "/api/v1/fleet/nodes/recorder/logs", {}),
        ("GET", f"/api/v1/fleet/nodes/device:{device.id}/crashes", {}),
    ):
        answer = await api.request(method, path, **more)
        text = answer.text
        said.append(text.replace(canaries["admin"], "") if canaries["admin"] in path else text)
        assert answer.status_code < 500 or answer.status_code == 503, (path, text)
    said.append((await api.get(laboratory.metrics_url)).text)
    for arguments in (("doctor",), ("audit", "list"), ("audit", "verify"), ("db", "current"), ("device", "list")):
        said.append((await laboratory.cli(*arguments))[1])
    return "\n".join(said)


def files(folder: Path) -> dict[str, bytes]:
    """Return all that was written, but the secrets' own folder."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "secrets" not in path.parts]
    return {str(path): path.read_bytes() for path in paths}


async def test_no_secret_is_told(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    canaries = {word: f"canary{word}{secrets.token_hex(24)}" for word in WORDS}
    own = await own_role(database_url, canaries["database"])
    settings = {
        "LICS_ADMIN_TOKEN": canaries["admin"],
        "JWT_SECRET": canaries["jwt"],
        "LICS_ACTOR_KEY": canaries["actor"],
        "MQTT_USERNAME": "lics",
        "MQTT_PASSWORD": canaries["mqtt"],
        "MINIO_SECRET_KEY": canaries["minio"],
        "LOG_LEVEL": "DEBUG",
    }
    laboratory = Laboratory(data_dir, own, redis_url, broker, free_port, settings)
    laboratory.api.headers["Authorization"] = f"Bearer {canaries['admin']}"
    device = demo_devices()[0]
    async with laboratory:
        await laboratory.register(device)

        async def runs() -> int | None:
            node = (await laboratory.nodes()).get(f"device:{device.id}")
            return node["pid"] if node and node["state"] == "running" else None

        kill_process(await eventually(runs, what="its actor runs"))
        await eventually(runs, what="its actor runs again")
        told = await provoked(laboratory, device, canaries)
    kept = files(data_dir)
    everything = told.encode() + b"".join(kept.values())
    found = {word for word, canary in canaries.items() if canary.encode() in everything}
    where = [name for name, data in kept.items() if any(canaries[word].encode() in data for word in found)]
    assert not found, where
    assert len(everything) > 20_000
    await ended(database_url, own)
