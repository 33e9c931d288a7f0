"""What a failed conversation with the database means."""

from __future__ import annotations

import asyncio
import struct

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from lics_actors.errors import ConflictError, DatabaseUnavailableError, InvalidError
from lics_actors.store.availability import answering, is_refusal, unavailability


def postgres(sqlstate: str) -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"S": "ERROR", "C": sqlstate, "M": "said the server"})


def wrapped(error: Exception) -> OperationalError:
    outer = OperationalError(error)
    outer.__cause__ = error
    return outer


AWAY = (
    *("08006", "0A000", "25006", "28P01", "28000", "3D000", "40001", "40P01"),
    *("53100", "53300", "55P03", "57P01", "57P03", "58030", "XX000"),
)
REFUSED = ("22021", "22P02", "22003", "22001", "23502", "23505", "54000", "54001")
WRONG = ("42601", "42501", "42804")


@pytest.mark.parametrize("sqlstate", AWAY)
def test_the_server_is_away(sqlstate: str) -> None:
    for error in (postgres(sqlstate), wrapped(postgres(sqlstate))):
        told = unavailability(error)
        assert told is not None and told.facts == {"sqlstate": sqlstate} and not is_refusal(error)


@pytest.mark.parametrize("sqlstate", REFUSED)
def test_the_data_is_refused(sqlstate: str) -> None:
    for error in (postgres(sqlstate), wrapped(postgres(sqlstate))):
        assert unavailability(error) is None and is_refusal(error)


@pytest.mark.parametrize("sqlstate", WRONG)
def test_the_question_is_wrong(sqlstate: str) -> None:
    assert unavailability(postgres(sqlstate)) is None and not is_refusal(postgres(sqlstate))


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectionRefusedError(111, "refused"), OSError(28, "full"), asyncpg.InterfaceError("connection is closed"),
     asyncpg.InternalClientError("lost track"), asyncpg.TargetServerAttributeNotMatched("x"), FileNotFoundError(2, "no socket")],
)  # fmt: skip
def test_nobody_answers(error: Exception) -> None:
    assert unavailability(error) is not None and not is_refusal(error)


@pytest.mark.parametrize(
    "error", [OverflowError(), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), TypeError(), RecursionError(), struct.error()]
)
def test_the_driver_refuses(error: Exception) -> None:
    assert unavailability(error) is None and is_refusal(error)


def test_tables_that_are_missing_are_a_matter_of_migrating() -> None:
    for kind in (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        told = unavailability(wrapped(kind("x")))
        assert told is not None and "lics db upgrade" in told.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (postgres("57P01"), DatabaseUnavailableError),
        (wrapped(postgres("22021")), InvalidError),
        (ConflictError("as it is"), ConflictError),
        (postgres("42601"), asyncpg.PostgresError),
        (KeyError("a bug"), KeyError),
        (TypeError("a bug"), TypeError),
    ],
)
async def test_what_leaves_a_conversation(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        async with answering(1.0):
            raise error


async def test_a_conversation_ends_in_time() -> None:
    with pytest.raises(DatabaseUnavailableError, match="in time"):
        async with answering(0.01):
            await asyncio.sleep(30)


async def test_a_cancelled_conversation_stays_cancelled() -> None:
    async def talk() -> None:
        async with answering(30.0):
            await asyncio.sleep(30)

    task = asyncio.ensure_future(talk())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
