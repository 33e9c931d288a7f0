"""The bench `query` in its short form: every answer of LICS is that of the plain SQL."""

from __future__ import annotations

from pathlib import Path

from lics_actors.device.messages import BrokerSpec
from tests.benchmarks import bench_query
from tests.benchmarks.figures import Options, failures
from tests.benchmarks.servers import Servers

SHORT = Options(rounds=1, short=True)


async def test_every_answer_is_that_of_the_rows(data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec) -> None:
    outcome = await bench_query.run(SHORT, Servers(database_url, redis_url, broker, data_dir))
    assert failures(outcome, SHORT) == ()
    assert {audit.case for audit in outcome.audits} == set(bench_query.ASKED)
    assert all(audit.found > 0 for audit in outcome.audits)
    assert all(len(case.lics) == len(case.reference) == 1 for case in outcome.cases)
