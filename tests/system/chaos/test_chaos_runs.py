"""Six runs of ten trials while fifteen faults of a fixed seed strike: each trial is accounted for once, and so is each reward.

The long form is `lics bench chaos --runs 200 --trials 100 --seed S`; LICS_TEST_CHAOS_SEED has another day here.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from lics_actors.services.broker import mosquitto_program
from tests.benchmarks.bench_chaos import SHORT_RUNS, SHORT_TASK
from tests.benchmarks.servers import servers
from tests.system.chaos.ordeal import torment

SEED = int(os.environ.get("LICS_TEST_CHAOS_SEED", "5"))


@pytest.mark.linux
@pytest.mark.mosquitto
@pytest.mark.skipif(mosquitto_program() is None, reason="mosquitto is not installed, and amqtt forgets all when it dies")
async def test_runs_under_chaos_lose_no_trial_and_double_no_reward() -> None:
    async with servers() as on:
        report = await torment(on, replace(SHORT_RUNS, seed=SEED), print)
    assert report.clean, report.text()
    found = {each.case.partition(":")[0]: each.expected for each in report.findings}
    assert found["replay"] >= SHORT_TASK.runs
    assert found["trials"] >= SHORT_TASK.runs * SHORT_TASK.trials / 2  # rewards by hand bring some runs to their limit before
    assert found["rewards"] > SHORT_TASK.trials
