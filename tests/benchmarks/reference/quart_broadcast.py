"""What bare Quart on Hypercorn does: one worker, one loop that sends each update to its WebSockets in turn.

Who connects to `/ws` receives; what arrives on `/publish` is sent to all of them. No authentication, no queue, no topics.

    python -m tests.benchmarks.reference.quart_broadcast '{"port": 8000}'
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, websocket


def create_app() -> Quart:
    """Return the application."""
    app = Quart("reference", static_folder=None)
    clients: set[Any] = set()

    @app.websocket("/ws")
    async def receive() -> None:
        me = websocket._get_current_object()  # type: ignore[attr-defined] # LocalProxy's
        await websocket.accept()
        clients.add(me)
        try:
            while True:
                await websocket.receive()
        finally:
            clients.discard(me)

    @app.websocket("/publish")
    async def publish() -> None:
        while True:
            update = await websocket.receive()
            for client in list(clients):
                await client.send(update)

    return app


def main() -> None:
    """Serve until SIGTERM."""
    config = Config()
    config.bind = [f"127.0.0.1:{json.loads(sys.argv[1])['port']}"]
    config.accesslog = config.errorlog = None
    config.backlog = 1024
    sys.stdout.write("starts\n")
    sys.stdout.flush()
    asyncio.run(serve(create_app(), config))


if __name__ == "__main__":
    main()
