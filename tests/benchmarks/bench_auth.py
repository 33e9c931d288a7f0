"""`lics bench auth`: what it costs to know who asks: a token, a count, and a request with a token beside the same without.

The requests go through the real Hypercorn on one connection, one of each in turn, so that whatever else the machine does meets
both. The rest is timed in this process, as the express lane does it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.settings import Settings
from lics_actors.access.keyring import KeyRing
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.access.people import Account
from lics_actors.access.rates import Rate
from lics_actors.access.roles import Role
from lics_actors.access.tokens import AccessTokens
from tests.benchmarks.harness import Audit, BenchError, Case, Options, Outcome, Servers, tell
from tests.benchmarks.http_caller import Caller
from tests.benchmarks.processes import ROOT
from web.rates import Rates

FIRST = "a token seen for the first time"
KNOWN = "a token seen before"
COUNTED = "counting a request of account and address"
MORE = "what a token adds to a request, Hypercorn and Quart"
TOKEN_US, MORE_US = 50.0, 300.0  # the issue's bars
PAIRS, SHORT_PAIRS = 2000, 50
STARTS_S = 30.0


async def run(options: Options, servers: Servers) -> Outcome:
    """Measure.

    Raises:
        BenchError: the web does not come up, or answers an error.
    """
    figures: dict[str, list[float]] = {FIRST: [], KNOWN: [], COUNTED: [], MORE: []}
    answered = wanted = 0
    async with _web(servers) as (port, token), await Caller.open(port, token) as caller:
        await _pairs(caller, SHORT_PAIRS)
        for n in range(1 if options.short else options.rounds):
            tell(f"round {n + 1}")
            pairs = SHORT_PAIRS if options.short else PAIRS
            more_us, good = await _pairs(caller, pairs)
            figures[MORE].append(more_us)
            answered, wanted = answered + good, wanted + 2 * pairs
            for name, figure in _tokens(servers.data_dir / "auth").items():
                figures[name].append(figure)
    bars = {FIRST: TOKEN_US, KNOWN: TOKEN_US, COUNTED: TOKEN_US, MORE: MORE_US}
    cases = tuple(
        Case(name, "µs", tuple(found), (), bars[name], at_least=False, absolute=True) for name, found in figures.items()
    )
    return Outcome(cases, MORE, (Audit("requests", wanted, answered, wanted - answered, 0),))


async def _pairs(caller: Caller, pairs: int) -> tuple[float, int]:
    """Return by how many µs the median of the guarded requests is above that of the open ones, and how many came well."""
    took: dict[str, list[float]] = {"/bench/open": [], "/bench/guarded": []}
    good = 0
    for n in range(pairs):
        for path in sorted(took, reverse=bool(n % 2)):
            began = time.perf_counter()
            status, _ = await caller.get(path)
            took[path].append(time.perf_counter() - began)
            good += status == 200
    least, most = (statistics.median(took[path]) for path in took)
    return (most - least) * 1e6, good


def _tokens(folder: Path) -> dict[str, float]:
    """Return µs of CPU by what is done; the median of blocks of 100."""
    folder.mkdir(exist_ok=True)
    tokens = AccessTokens(KeyRing(Settings(_env_file=None, data_dir=folder)), 900.0)
    now = datetime.now(UTC)
    someone = Account(
        uuid4(),
        "bench@lab.example",
        Role.RESEARCHER,
        1,
        now,
        "t",
        now,
        None,
        now,
        None,
        None,
        None,
        memberships={DEFAULT_LABORATORY: Role.RESEARCHER},
    )
    fresh = [tokens.issue(someone, uuid4())[0] for _ in range(2000)]
    rates = Rates(Rate(1e9, 1e9), Rate(1e9, 1e9), None, "")

    def count(_: str) -> None:
        for kind, who in (("address", "127.0.0.1"), ("account", "user:bench@lab.example")):
            rates.spare(kind, who)
            rates.take(kind, who)

    return {
        FIRST: _each_us(tokens.verified, fresh),
        KNOWN: _each_us(tokens.verified, fresh[-1:] * 2000),
        COUNTED: _each_us(count, fresh),
    }


def _each_us(work: Callable[[str], Any], given: Sequence[str]) -> float:
    blocks = []
    for n in range(0, len(given), 100):
        began = time.thread_time()  # of CPU: nobody waits for anything here
        for each in given[n : n + 100]:
            work(each)
        blocks.append((time.thread_time() - began) * 1e4)
    return statistics.median(blocks)


@asynccontextmanager
async def _web(servers: Servers) -> AsyncIterator[tuple[int, str]]:
    folder = servers.data_dir / "web"
    folder.mkdir(exist_ok=True)
    command = (sys.executable, "-m", "tests.benchmarks.auth_server", servers.database_url, servers.redis_url, str(folder))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        try:
            said = json.loads(await asyncio.wait_for(process.stdout.readline(), STARTS_S))
        except (TimeoutError, ValueError):
            raise BenchError("LICS's web does not come up") from None
        yield said["port"], said["token"]
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10.0)
        except TimeoutError:
            process.kill()
            await process.wait()
