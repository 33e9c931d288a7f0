"""Hundreds of devices on one machine: how soon online, what an idle one costs, how soon one is back (docs/performance.md).

Other work on the machine can make these figures worse, never better: a bar that is missed is measured once more, and held against
how slow the machine is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lics_actors.device.messages import BrokerSpec
from tests.benchmarks.fleet_scale import measure, missed, simulated
from tests.pace import slowness
from tests.system.laboratory import Laboratory

KILLS = int(os.environ.get("LICS_TEST_KILLS", "20"))  # the long form kills each of the three hundred
LOOK_S = 10.0  # idle figures are means over this


@pytest.mark.linux
@pytest.mark.timeout(600)
async def test_three_hundred_devices_are_online_in_time_and_cost_next_to_nothing(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    async with simulated(Laboratory(data_dir, database_url, redis_url, broker, free_port), 300) as laboratory:
        figures, slower = await measure(laboratory, 300, LOOK_S, KILLS), slowness()
        print(figures, f"{slower:.1f} times slower")
        if missed(figures):
            slower = max(slower, slowness())
            figures = await measure(laboratory, 300, LOOK_S, KILLS)
            slower = max(slower, slowness())
            print(figures, f"{slower:.1f} times slower")
    assert not missed(figures, slower), (figures, slower)
