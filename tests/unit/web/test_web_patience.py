"""Nobody waits longer than it is worth, and who does not answer is left alone for a while."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.web.conftest import Web
from web.backing import EXTENSION, Backing
from web.patience import Patience, within


async def test_the_answer_or_its_error_comes_through() -> None:
    async def said(answer: int) -> int:
        return 10 // answer

    assert await within(1.0, said(5)) == 2
    with pytest.raises(ZeroDivisionError):
        await within(1.0, said(0))


async def test_who_is_slow_is_not_waited_for_nor_cancelled() -> None:
    done = asyncio.Event()

    async def slow() -> None:
        await asyncio.sleep(0.05)
        done.set()
        raise LookupError("nobody hears this")

    with pytest.raises(TimeoutError):
        await within(0.001, slow())
    await asyncio.wait_for(done.wait(), 5.0)


def test_patience_ends_and_comes_back() -> None:
    now = 10.0
    patience = Patience(5.0, lambda: now)
    assert patience.lasts
    patience.was_tried()
    assert not patience.lasts
    now = 14.9
    assert not patience.lasts
    now = 15.0
    assert patience.lasts


class Hung:
    """A repository that takes every question and answers none."""

    def __init__(self) -> None:
        self.asked = 0

    async def get_command(self, command_id: object) -> object:
        self.asked += 1
        return await asyncio.Event().wait()


async def test_a_hung_database_delays_one_command_by_a_second_and_no_other(web: Web) -> None:
    device = await web.add()
    body = {"name": "dispense", "args": {"volume_ul": 1}}
    plain = await web.ask("POST", f"/devices/{device['id']}/command", json=body)
    command = await plain.get_json()
    house: Backing = web.app.extensions[EXTENSION]
    hung = Hung()
    object.__setattr__(house, "repository", hung)
    loop = asyncio.get_running_loop()
    for n in range(3):
        began = loop.time()
        answer = await web.ask("POST", f"/devices/{device['id']}/command", json=body, headers={"Idempotency-Key": f"k{n}"})
        assert answer.status_code == 200, await answer.get_data()
        assert loop.time() - began < (2.0 if n == 0 else 0.5)
    assert hung.asked == 1
    answer = await web.ask("GET", f"/commands/{command['id']}")
    assert (answer.status_code, (await answer.get_json())["id"]) == (200, command["id"])
