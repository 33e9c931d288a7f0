"""The bench `auth` in its short form: every request is answered; its figures mean nothing on a busy machine."""

from __future__ import annotations

from pathlib import Path

from lics_actors.device.messages import BrokerSpec
from tests.benchmarks import bench_auth
from tests.benchmarks.figures import Options
from tests.benchmarks.servers import Servers

SHORT = Options(rounds=1, short=True)


async def test_requests_with_and_without_a_token_are_answered(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec
) -> None:
    outcome = await bench_auth.run(SHORT, Servers(database_url, redis_url, broker, data_dir))
    assert [audit.clean for audit in outcome.audits] == [True]
    assert {case.name: len(case.lics) for case in outcome.cases} == dict.fromkeys(
        (bench_auth.FIRST, bench_auth.KNOWN, bench_auth.COUNTED, bench_auth.MORE), 1
    )
