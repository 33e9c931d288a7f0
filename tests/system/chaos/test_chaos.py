"""A whole LICS under load and twenty-five faults of a fixed seed: healed, nothing acknowledged is lost, doubled or left behind.

The long form is `lics bench chaos --minutes N --seed S`; LICS_TEST_CHAOS_SEED has another day here.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from lics_actors.services.broker import mosquitto_program
from tests.benchmarks.bench_chaos import SHORT
from tests.benchmarks.servers import servers
from tests.system.chaos.ordeal import torment

SEED = int(os.environ.get("LICS_TEST_CHAOS_SEED", "11"))


@pytest.mark.linux
@pytest.mark.mosquitto
@pytest.mark.skipif(mosquitto_program() is None, reason="mosquitto is not installed, and amqtt forgets all when it dies")
@pytest.mark.timeout(600)
async def test_a_short_day_of_chaos_ends_with_a_clean_audit() -> None:
    async with servers() as on:
        report = await torment(on, replace(SHORT, seed=SEED), print)
    assert report.clean, report.text()
    assert report.struck >= SHORT.faults - 3
    assert report.facts["commands"] > 50
