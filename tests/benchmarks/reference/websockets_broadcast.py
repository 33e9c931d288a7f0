"""What the `websockets` library does: one process, its own `broadcast` to every connection, no compression.

Who connects to `/ws` receives; what arrives on `/publish` is sent to all of them. No authentication, no queue, no topics.

    python -m tests.benchmarks.reference.websockets_broadcast '{"port": 8000}'
"""

from __future__ import annotations

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve


async def run(port: int) -> None:
    """Serve until cancelled."""
    clients: set[ServerConnection] = set()

    async def converse(connection: ServerConnection) -> None:
        if connection.request is not None and connection.request.path == "/publish":
            async for update in connection:
                broadcast(clients, update)
            return
        clients.add(connection)
        try:
            await connection.wait_closed()
        finally:
            clients.discard(connection)

    async with serve(converse, "127.0.0.1", port, compression=None, ping_interval=None, backlog=1024) as server:
        await server.serve_forever()


def main() -> None:
    """Serve until SIGTERM."""
    sys.stdout.write("starts\n")
    sys.stdout.flush()
    asyncio.run(run(json.loads(sys.argv[1])["port"]))


if __name__ == "__main__":
    main()
