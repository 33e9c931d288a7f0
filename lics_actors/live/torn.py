"""Clients of Redis that take a torn connection for what it is.

A connection that is torn while nobody looks at it is found out by the next who writes. The loops answer that with errors of their
own, asyncio (CPython 3.12) with an AttributeError, uvloop with a RuntimeError, and redis passes them on. Those who ask Redis are
ready for RedisError and OSError; of the others some ended for good.
"""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)
from redis.exceptions import ConnectionError as RedisGoneError


class _Telling(AbstractConnection):
    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """As redis's, which says that it raises its own errors only."""
        try:
            await super().send_packed_command(command, check_health)
        except (AttributeError, RuntimeError) as error:
            raise RedisGoneError(f"the connection was torn: {error}") from error


class _Tcp(_Telling, Connection):
    pass


class _Tls(_Telling, SSLConnection):
    pass


class _Unix(_Telling, UnixDomainSocketConnection):
    pass


_KINDS: Final[dict[Any, type[_Telling]]] = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}


def pool_at(redis_url: str, **options: Any) -> ConnectionPool:
    """Return redis's pool of such connections; what the URL says goes before `options`.

    Raises:
        ValueError: the URL is none.
    """
    said: dict[str, Any] = dict(parse_url(redis_url))
    kind = _KINDS[said.pop("connection_class", Connection)]
    return ConnectionPool(connection_class=kind, **{**options, **said})


def redis_at(redis_url: str, **options: Any) -> Redis:
    """Return redis's client on a pool of its own.

    Raises:
        ValueError: the URL is none.
    """
    return Redis.from_pool(pool_at(redis_url, **options))
