"""Tortoise's asyncpg client with bounded waiting: nobody waits for ever for a connection, nor to give one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Pool = asyncpg.Pool

ACQUIRE_S = 3.0  # waiting for a free connection, or for a new one to be made


class BoundedPool(Pool):
    """A pool whose `acquire` gives up: Tortoise calls it without a timeout.

    asyncpg bounds the release of a connection by the timeout of its `acquire`, so a frozen server holds nobody either.
    """

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Return a connection, or raise TimeoutError after `timeout` (ACQUIRE_S) seconds."""
        return super().acquire(timeout=ACQUIRE_S if timeout is None else timeout)


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
