"""One place that decides what a failed conversation with the database means."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from tortoise.exceptions import BaseORMException, ValidationError

from lics_actors.errors import DatabaseUnavailableError, InvalidError, LicsError

# SQLSTATE classes (PostgreSQL manual, appendix A) of a server that cannot serve now, as opposed to a question that is wrong
_AWAY = {
    "08": "the connection broke",
    "0A": "the database is changing underneath",  # a cached statement whose tables were just migrated
    "25": "the database takes no writes now",
    "28": "the database refuses the user or the password in DATABASE_URL",
    "3D": "there is no such database",
    "40": "a transaction collided with another one",
    "53": "the database has run out of connections, memory or disk",
    "55": "something in the database is locked",
    "57": "the database is stopping, starting or cancelled the work",
    "58": "the database has trouble with its disk",
    "XX": "the database reports an internal fault",
}
_NOT_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError)
_REFUSED_CLASSES = ("22", "23", "54")  # data exception, integrity violation, program limit exceeded


def original(error: BaseException) -> BaseException:
    """Return the driver's exception inside one of Tortoise's."""
    return error.__cause__ if isinstance(error, BaseORMException) and error.__cause__ else error


def is_refusal(error: BaseException) -> bool:
    """Return whether the database, or the driver on its way there, refuses the data itself."""
    cause = original(error)
    if isinstance(cause, asyncpg.PostgresError):
        return str(cause.sqlstate)[:2] in _REFUSED_CLASSES
    if isinstance(cause, asyncpg.InterfaceError):
        return isinstance(cause, ValueError) and not isinstance(cause, asyncpg.ClientConfigurationError)
    return isinstance(cause, (OverflowError, ValueError, TypeError, RecursionError, struct.error, ValidationError))


def unavailability(error: BaseException) -> DatabaseUnavailableError | None:
    """Return what to tell when the database could not serve, or None where that is not what `error` says."""
    cause = original(error)
    if isinstance(cause, _NOT_MIGRATED):
        return DatabaseUnavailableError("the database lacks LICS's tables, or has older ones: run `lics db upgrade`")
    if isinstance(cause, asyncpg.PostgresError):
        why = _AWAY.get(str(cause.sqlstate)[:2])
        return DatabaseUnavailableError(f"the database does not serve: {why}", sqlstate=str(cause.sqlstate)) if why else None
    if isinstance(cause, TimeoutError):
        return DatabaseUnavailableError("the database does not answer in time")
    if isinstance(cause, OSError):
        return DatabaseUnavailableError("the database cannot be reached", reason=cause.strerror or str(cause))
    if isinstance(cause, (asyncpg.InterfaceError, asyncpg.InternalClientError)) and not is_refusal(cause):
        return DatabaseUnavailableError("the connection to the database broke", reason=str(cause))
    return None


@asynccontextmanager
async def answering(limit_s: float) -> AsyncIterator[None]:
    """Bound a conversation with the database, and turn what goes wrong in it into LICS's errors.

    Raises:
        DatabaseUnavailableError: it did not answer within `limit_s` seconds, or cannot serve.
        InvalidError: it refuses a value.
    """
    try:
        async with asyncio.timeout(limit_s):
            yield
    except LicsError:
        raise
    except Exception as error:
        if (away := unavailability(error)) is not None:
            raise away from error
        if isinstance(original(error), (asyncpg.PostgresError, asyncpg.InterfaceError, ValidationError)) and is_refusal(error):
            raise InvalidError("a value is nothing the database can hold", reason=str(original(error))) from error
        raise
