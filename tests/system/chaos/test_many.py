"""Sixty devices in two racks: online, and back with nothing lost after every RackSupervisor was killed at once.

The promise is about 1,000 on four cores: `lics bench fleet --devices 1000`.
"""

from __future__ import annotations

import pytest

from tests.benchmarks.fleet_many import MANY_ONLINE_S, many
from tests.benchmarks.servers import servers

DEVICES = 60


@pytest.mark.linux
async def test_a_fleet_that_loses_every_rack_is_back_and_has_lost_nothing() -> None:
    async with servers() as on:
        found = await many(on, DEVICES)
    print(found)
    assert all(audit.clean and audit.found for audit in found.audits), found.audits
    assert found.online_s <= MANY_ONLINE_S
    assert found.back_s <= MANY_ONLINE_S
