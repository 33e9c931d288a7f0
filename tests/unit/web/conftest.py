"""The web application on a real database and a fleet in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, Response

from config.settings import Settings
from lics_actors.journal import JournalReader, journal_path
from lics_actors.store.records import Audited
from lics_actors.store.repository import Repository
from tests.unit.web.fleet_stub import FleetStub
from web.app import create_app
from web.audited import PREFIX

TOKEN = "only-for-tests-on-loopback-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
# answers to what was done before, so that nothing was to be told: address and what the net noted
REPEATS = [("/api/v1/protocols", {"status": 200})]


@dataclass
class Web:
    """The application, and what it stands on."""

    app: Quart
    fleet: FleetStub
    repository: Repository
    may_forget: bool = False

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **given: Any) -> Response:
        """Send a request with the right token."""
        client = self.app.test_client()
        address = path if path.startswith(("/api", "/health", "/docs", "/openapi", "/redoc")) else f"/api/v1{path}"
        answered = await client.open(address, method=method, headers={**BEARER, **(headers or {})}, **given)
        assert isinstance(answered, Response)
        return answered

    async def add(self, name: str = "pump-1", **more: Any) -> dict[str, Any]:
        """Register a device and return it."""
        response = await self.ask("POST", "/devices", json={"name": name, "type": "pump", **more})
        assert response.status_code == 201, await response.get_data()
        device: dict[str, Any] = await response.get_json()
        return device


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    """Settings that name no service: the application is given its own."""
    return Settings(_env_file=None, data_dir=data_dir, admin_token=TOKEN, redis_url=None, mqtt_broker_url=None)


@pytest.fixture
async def web(settings: Settings, database_url: str, data_dir: Path) -> AsyncIterator[Web]:
    """The application on a fresh database."""
    repository = await Repository.connect(database_url)
    fleet = FleetStub()
    app = create_app(settings, fleet, repository)
    made = Web(app, fleet, repository)
    async with app.test_app():
        yield made
    await repository.close()
    assert made.may_forget or not _forgotten(data_dir), "a route did something and told the audit nothing of it"


def _forgotten(data_dir: Path) -> list[Audited]:
    """Return what the net under the routes had to tell of requests that did something."""
    path = journal_path(data_dir / "journals", "operators")
    if not path.exists():
        return []
    reader = JournalReader(path)
    found = [record for _, record in reader.read(0, 10_000) if isinstance(record, Audited)]
    reader.close()
    done = [record for record in found if record.action.startswith(PREFIX) and record.outcome == "ok"]
    return [record for record in done if (record.target, record.after) not in REPEATS]


@pytest.fixture
async def web_without_database(settings: Settings, free_port: Any) -> AsyncIterator[Web]:
    """The application on a database that is not there."""
    repository = await Repository.connect(f"postgres://nobody:nothing@127.0.0.1:{free_port()}/none")
    fleet = FleetStub()
    app = create_app(settings, fleet, repository)
    async with app.test_app():
        yield Web(app, fleet, repository)
    await repository.close()
