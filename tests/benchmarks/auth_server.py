"""LICS's web with two routes more, which do the same: one for everybody, one for who may read devices.

Run as `python -m tests.benchmarks.auth_server DATABASE_URL REDIS_URL FOLDER`; prints one JSON object, `port` and a `token`, and
serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import uvloop
from quart import Response

from config.settings import Settings
from lics_actors.access.keyring import KeyRing
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.access.people import Account
from lics_actors.access.roles import Role
from lics_actors.access.tokens import AccessTokens
from lics_actors.store.repository import Repository
from tests.unit.web.fleet_stub import FleetStub
from web.app import create_app
from web.auth import public, requires
from web.serve import listen, serve_app

RATE = 1_000_000.0  # counted, and never reached
SECRET = "for-a-bench-on-loopback-0123456789-0123456789"


async def serve(database_url: str, redis_url: str, folder: Path) -> None:
    """Serve until standard input ends."""
    settings = Settings(
        _env_file=None, data_dir=folder, redis_url=redis_url, jwt_secret=SECRET, rate_account=RATE, rate_address=RATE
    )
    repository = await Repository.connect(database_url)
    app = create_app(settings, FleetStub(), repository)  # type: ignore[arg-type]

    async def same() -> Response:
        return Response(b'{"ok":true}', content_type="application/json")

    async def guarded() -> Response:
        return await same()

    app.add_url_rule("/bench/open", "bench_open", public()(same))
    app.add_url_rule("/bench/guarded", "bench_guarded", requires("device:read")(guarded))
    listener, stopping = listen("127.0.0.1", 0, "LICS_PORT"), asyncio.Event()
    now = datetime.now(UTC)
    home = {DEFAULT_LABORATORY: Role.OBSERVER}
    someone = Account(
        uuid4(), "bench@lab.example", Role.OBSERVER, 1, now, "t", now, None, now, None, None, None, memberships=home
    )
    token, _ = AccessTokens(KeyRing(settings), 900.0).issue(someone, uuid4())
    sys.stdout.write(json.dumps({"port": listener.port, "token": token}) + "\n")
    sys.stdout.flush()
    serving = asyncio.create_task(serve_app(stopping, app, listener))
    await asyncio.to_thread(sys.stdin.read)
    stopping.set()
    await serving
    await repository.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
