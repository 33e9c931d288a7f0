"""The benches `live` and `fleet` in their short form: what they audit must hold; their figures mean nothing on a busy machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lics_actors.device.messages import BrokerSpec
from tests.benchmarks import bench_fleet, bench_live
from tests.benchmarks.figures import Options, failures
from tests.benchmarks.servers import Servers

SHORT = Options(rounds=1, short=True)


@pytest.fixture
def servers(data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec) -> Servers:
    """The session's servers, as a bench takes them."""
    return Servers(database_url, redis_url, broker, data_dir)


@pytest.mark.linux
async def test_what_happens_reaches_every_viewer_once_and_in_order_through_three_workers(servers: Servers) -> None:
    outcome = await bench_live.run(SHORT, servers)
    assert failures(outcome, SHORT) == ()
    events, order, resumed, *broadcasts = outcome.audits
    assert events.found == order.found > 100
    assert resumed.found > 0
    assert len(broadcasts) == 4


@pytest.mark.linux
async def test_a_hung_actor_fails_no_command_to_the_others(servers: Servers) -> None:
    outcome = await bench_fleet.run(SHORT, servers)
    assert failures(outcome, SHORT) == ()
    assert [audit.found > 0 for audit in outcome.audits] == [True] * 2
