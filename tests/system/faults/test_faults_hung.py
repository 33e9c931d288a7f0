"""Servers and programs of `lics up` that hang (SIGSTOP): noticed by their keeper, killed, and started again with their data."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from config.settings import load_settings
from lics_actors.services import keeper as keeping
from lics_actors.services.broker import embedded_broker
from lics_actors.services.keeper import Keeper, Part
from lics_actors.services.postgres import Postgres
from lics_actors.services.programs import Program, command_words
from lics_actors.services.readiness import fetch
from lics_actors.services.valkey import Valkey
from lics_actors.supervision.messages import Effect, RecordEvent
from lics_actors.supervision.specs import ChildSpec
from tests.conftest import PASSWORD
from tests.system.laboratory import TOKEN
from tests.waiting import eventually

pytestmark = pytest.mark.linux


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOOK_S", 0.2)
    monkeypatch.setattr(keeping, "ANSWER_S", 2.0)
    monkeypatch.setattr(keeping, "MISSES", 2)


@asynccontextmanager
async def kept(part: Part) -> AsyncIterator[list[str]]:
    """Keep a part alive; what is told of it."""
    told: list[str] = []

    def hear(effect: Effect) -> None:
        if isinstance(effect, RecordEvent):
            told.append(f"{effect.kind}: {effect.reason}")

    keeper = Keeper(hear)
    keeper.keep(ChildSpec("part", begin_timeout_s=60.0), part)
    await keeper.first_start("part")
    try:
        yield told
    finally:
        await keeper.stop()


async def hung_and_back(part: Part, told: list[str]) -> None:
    """Stop it where it is, and see that another takes its place and answers."""
    first = part.pid
    assert first is not None
    await eventually(lambda: answers(part), what="it answers")
    psutil.Process(first).send_signal(signal.SIGSTOP)
    await eventually(lambda: part.pid not in {first, None}, what="another was started")
    await eventually(lambda: answers(part), what="it answers again")
    assert [words for words in told if "did not answer" in words], told
    assert not psutil.pid_exists(first)


async def answers(part: Part) -> bool:
    async with asyncio.timeout(2.0):
        await part.probe()
    return True


@pytest.mark.parametrize("kind", ["postgres", "valkey", "broker"] if os.environ.get("LICS_LONG") else ["postgres", "broker"])
async def test_a_hung_server_is_killed_and_started_again(kind: str, data_dir: Path, free_port: Callable[[], int]) -> None:
    folder, log, port = data_dir / kind, data_dir / "log" / f"{kind}.log", free_port()
    part: Part
    match kind:
        case "postgres":
            part = Postgres(folder, log, port, PASSWORD, PASSWORD, safe=False)
        case "valkey":
            part = Valkey(folder, log, port, PASSWORD)
        case _:
            part = embedded_broker(folder, log, port)
    async with kept(part) as told:
        await hung_and_back(part, told)


async def test_a_hung_web_is_killed_and_started_again(data_dir: Path, free_port: Callable[[], int]) -> None:
    environment = {
        "LICS_DATA_DIR": str(data_dir),
        "LICS_PORT": str(free_port()),
        "PROMETHEUS_PORT": str(free_port()),
        "LICS_ADMIN_TOKEN": TOKEN,
        "DATABASE_URL": f"postgres://nobody:secretive@127.0.0.1:{free_port()}/none",
    }
    settings = load_settings(data_dir=data_dir, port=int(environment["LICS_PORT"]), admin_token=TOKEN)

    async def probe() -> None:
        await asyncio.to_thread(fetch, settings, "/health/live", sign_in=False)

    part = Program("web", command_words("lics web"), data_dir / "web.log", environment, probe)
    async with kept(part) as told:
        await hung_and_back(part, told)
