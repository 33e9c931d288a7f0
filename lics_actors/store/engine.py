"""Tortoise's asyncpg client with bounded waiting: nobody waits for ever for a connection, nor to give one back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Pool = asyncpg.Pool

ACQUIRE_S = 3.0  # waiting for a free connection, or for a new one to be made
RELEASE_S = 0.5  # a server that answers resets a connection in one round trip; of another's, a new one is made
log = logging.getLogger(__name__)


class BoundedPool(Pool):
    """A pool whose `acquire` gives up: Tortoise calls it without a timeout. Neither does giving back hold anybody."""

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Return a connection, or raise TimeoutError after `timeout` (ACQUIRE_S) seconds."""
        return super().acquire(timeout=ACQUIRE_S if timeout is None else timeout)

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's word
        """Take a connection back. One that does not come back in RELEASE_S is closed: what it was for is done, or told."""
        try:
            await super().release(connection, timeout=RELEASE_S if timeout is None else timeout)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.debug("a connection was not given back but closed", extra={"error": repr(error)})


class StoreClient(AsyncpgDBClient):
    """The client of `config.orm.orm_config`."""

    async def create_pool(self, **kwargs: Any) -> Pool:
        """Return an initialised pool; `dsn_options` are what else stood in the URL's query (`sslmode` …)."""
        options = kwargs.pop("dsn_options", "")
        dsn = f"postgresql://?{options}" if options else None
        pool = BoundedPool(
            dsn,
            max_queries=50_000,  # asyncpg's own defaults, which its class does not have
            max_inactive_connection_lifetime=300.0,
            record_class=asyncpg.Record,
            **kwargs,
        )
        await pool
        return pool


client_class = StoreClient
