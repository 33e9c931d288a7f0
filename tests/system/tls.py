"""A throw-away authority, and gates that speak TLS in front of servers that do not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL's protocol, section 55.2.10: how a client asks for TLS


@dataclass(frozen=True, slots=True)
class Papers:
    """Files of an authority and of a server it knows under `names`."""

    ca: Path
    cert: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return how the server shows them."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert, self.key)
        return context


def papers(folder: Path, *names: str) -> Papers:
    """Make an authority, and a certificate of it for these names."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    issued = authority.issue_cert(*names)
    made = Papers(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(made.ca)
    issued.private_key_pem.write_to_path(made.key)
    made.cert.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    made.key.chmod(0o600)
    return made


@asynccontextmanager
async def gate(port: int, to: int, shown: Papers, *, postgres: bool = False) -> AsyncIterator[None]:
    """Speak TLS on a port of loopback and pass what is said on to another one. `postgres`: TLS is asked for first."""
    context, open_ones = shown.context(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, ssl.SSLError):
            if postgres:
                assert await reader.readexactly(8) == SSL_REQUEST, "a client spoke plainly"
                writer.write(b"S")
                await writer.start_tls(context)
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        writer.close()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

    server = await asyncio.start_server(accepted, "127.0.0.1", port, ssl=None if postgres else context)
    try:
        yield
    finally:
        server.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
