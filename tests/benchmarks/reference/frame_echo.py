"""What bare asyncio needs to answer a signed frame: the actors' framing, no actor behind it.

    python -m tests.benchmarks.reference.frame_echo '{"key_file": "…/secrets/transport_key", "port": 9000}'

A frame is `<length>>` and a signed pickle of `(sender, request)`; it is acknowledged, and answered by its own body.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from lics_actors.runtime import transport
from lics_actors.runtime.messages import PeerReply


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer everything that one connection asks."""
    try:
        while True:
            header = await reader.readuntil(b">")
            sender, request = transport.unseal(await reader.readexactly(int(header[:-1])))
            reply = transport.seal((sender, PeerReply(request.request_id, request.body)))
            writer.write(transport.acknowledgement() + reply)
            await reader.readexactly(len(transport.acknowledgement()))
    except (asyncio.IncompleteReadError, ConnectionResetError):
        writer.close()


async def run(key: bytes, port: int) -> None:
    """Serve until cancelled."""
    transport.install(key)
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Serve until SIGTERM."""
    settings = json.loads(sys.argv[1])
    asyncio.run(run(Path(settings["key_file"]).read_text().strip().encode(), settings["port"]))


if __name__ == "__main__":
    main()
