"""What rules do not keep is deleted, nothing else is, and nothing before it is rolled up; on either kind of database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from lics_actors.errors import InvalidError
from lics_actors.store.pruning import Pruned, prune
from lics_actors.store.repository import Repository
from lics_actors.store.retention_rules import RetentionRule
from lics_actors.store.shipping import ship_samples
from lics_actors.store.upkeep import catch_up, upkeep
from tests.contract.store_rows import DEVICE, T0, at, new_device, reading
from tests.contract.test_migrations import lics_db

DAY_S = 86_400
NOW = T0 + timedelta(days=20)


async def pruned(repository: Repository, budget_s: float = 30.0) -> Pruned:
    async with upkeep(repository) as session:
        assert session is not None
        return await prune(session, NOW, budget_s)


async def days(repository: Repository, table: str = "telemetry", metric: str = "plate_c") -> list[int]:
    """Return of which days after T0 there is something."""
    time = "time" if table == "telemetry" else "bucket"
    async with repository.raw(30.0) as connection:
        rows = await connection.fetch(f"SELECT DISTINCT {time} AS t FROM {table} WHERE metric = $1 ORDER BY 1", metric)
    return [(row["t"] - T0).days for row in rows]


def daily(metric: str = "plate_c", **more: Any) -> list[Any]:
    return [reading(day * DAY_S, metric, **more) for day in range(20)]


async def keep(repository: Repository, metric: str, raw: float | None, rollup: float | None = None, type_: str = "") -> None:
    await repository.set_retention(RetentionRule(metric, type_, raw, rollup), principal="cli:ada")


async def test_without_rules_everything_is_kept(repository: Repository) -> None:
    await ship_samples(repository, daily(), [], [])
    await catch_up(repository)
    assert await pruned(repository) == Pruned()
    assert await days(repository) == list(range(20))


async def test_values_are_deleted_by_metric_and_device_type_and_rollups_stay(repository: Repository) -> None:
    pump = (await repository.create_device(new_device("a", type="pump"))).id
    rfid = (await repository.create_device(new_device("b", type="rfid"))).id
    rows = [row for device in (pump, rfid) for metric in ("plate_c", "weight_g") for row in daily(metric, device=device)]
    await ship_samples(repository, rows, [], [])
    await catch_up(repository)
    await keep(repository, "*_c", 5)
    await keep(repository, "*_c", 8, type_="rfid")
    before = [(await repository.telemetry(pump, bucket_s=3600, agg=agg)).items for agg in ("avg", "count", "last")]
    await pruned(repository)
    assert await pruned(repository) == Pruned()
    assert await days(repository, metric="weight_g") == list(range(20))
    left = {device: [point.seq for point in (await repository.telemetry(device, "plate_c")).items] for device in (pump, rfid)}
    assert left == {pump: [day * DAY_S for day in range(19, 14, -1)], rfid: [day * DAY_S for day in range(19, 11, -1)]}
    assert [(await repository.telemetry(pump, bucket_s=3600, agg=agg)).items for agg in ("avg", "count", "last")] == before
    assert len((await repository.telemetry(pump, "plate_c", bucket_s=86400)).items) == 20


async def test_nothing_that_is_not_rolled_up_is_deleted(repository: Repository) -> None:
    await keep(repository, "*", 1)
    await ship_samples(repository, daily(), [], [])
    assert await pruned(repository) == Pruned()
    async with upkeep(repository) as session:
        assert session is not None
        while (await session.advance("telemetry", at(10 * DAY_S), timedelta(days=30))).behind_s:
            pass
    await ship_samples(repository, [reading(3, seq=10**6)], [], [])  # late
    await pruned(repository)
    assert len((await repository.telemetry(DEVICE)).items) == 21
    await catch_up(repository)
    async with repository.raw(5.0) as connection:
        assert await connection.fetchval("SELECT count FROM telemetry_1h WHERE bucket = $1", T0) == 2
    await pruned(repository)
    assert await days(repository) == [19]


async def test_what_comes_for_a_deleted_time_changes_no_rollup_and_stays(repository: Repository) -> None:
    await keep(repository, "*", 5)
    await ship_samples(repository, daily(), [], [])
    await catch_up(repository)
    await pruned(repository)
    before = (await repository.telemetry(DEVICE, bucket_s=3600, agg="sum")).items
    await ship_samples(repository, [reading(1, seq=10**6), reading(16 * DAY_S + 1, seq=10**6)], [], [])
    await catch_up(repository)
    await pruned(repository)
    after = (await repository.telemetry(DEVICE, bucket_s=3600, agg="sum")).items
    changed = [point.time for point, other in zip(after, before, strict=True) if point != other]
    assert changed == [at(16 * DAY_S)]
    assert [point.seq for point in (await repository.telemetry(DEVICE, end=at(DAY_S))).items] == [10**6]


async def test_rollups_are_deleted_when_their_days_are_over(repository: Repository) -> None:
    await keep(repository, "*", 2, 10)
    await ship_samples(repository, daily(), [], [])
    await catch_up(repository)
    await pruned(repository)
    assert await days(repository) == [18, 19]
    whole = not await repository.has_aggregates()  # TimescaleDB drops whole chunks of them, ten days each
    for table in ("telemetry_1m", "telemetry_1h"):
        left = await days(repository, table)
        assert left == list(range(10, 20)) if whole else set(range(10, 20)) <= set(left)


async def test_a_pass_is_bounded_and_goes_on_where_it_ended(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lics_actors.store.pruning.AT_ONCE", 100)
    await keep(repository, "a", 10)
    await keep(repository, "b", None)
    await ship_samples(repository, [reading(n * 10, metric) for n in range(1000) for metric in "ab"], [], [])
    await catch_up(repository)
    first = await pruned(repository, budget_s=0.0)
    assert first.more and 100 <= first.rows <= 106  # whole minutes
    rest = 0
    while (again := await pruned(repository, budget_s=0.0)).more:
        rest += again.rows
    async with repository.raw(5.0) as connection:
        assert await connection.fetchval("SELECT count(*) FROM telemetry WHERE metric = 'a'") == 1000 - first.rows - rest
        assert await connection.fetchval("SELECT count(*) FROM telemetry WHERE metric = 'b'") == 1000
        assert await connection.fetchval("SELECT sum(count) FROM telemetry_1m WHERE metric = 'a'") == 1000
    assert first.rows + rest == 1000


async def test_who_changed_a_rule_is_on_record(repository: Repository) -> None:
    await keep(repository, "a*", 30, 365)
    await keep(repository, "a*", 60)
    assert [(rule.metric, rule.raw_days, rule.rollup_days, rule.updated_by) for rule in await repository.retention_rules()] == [
        ("a*", 60.0, None, "cli:ada")
    ]
    assert await repository.remove_retention("a*", "", principal="cli:bob") is True
    assert await repository.remove_retention("a*", "", principal="cli:bob") is False
    events = (await repository.fleet_events("retention")).items
    assert [(event.kind, event.principal) for event in events] == [
        ("retention_removed", "cli:bob"),
        ("retention_set", "cli:ada"),
        ("retention_set", "cli:ada"),
    ]
    assert json.dumps(events[2].detail) and events[2].detail == {
        "metric": "a*",
        "device_type": "",
        "raw_days": 30.0,
        "rollup_days": 365.0,
    }


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (RetentionRule("", "", 5, None), "metric"),
        (RetentionRule("x" * 101, "", 5, None), "metric"),
        (RetentionRule("*", "", 0.5, None), "raw_days"),
        (RetentionRule("*", "", float("nan"), None), "raw_days"),
        (RetentionRule("*", "", 5, 4), "rollup_days"),
        (RetentionRule("*", "", None, 40), "rollup_days"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(repository: Repository, rule: RetentionRule, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await repository.set_retention(rule, principal="x")
    assert [fault["field"] for fault in caught.value.fields] == [field]
    assert await repository.retention_rules() == []


async def test_the_command_line(repository: Repository, database_url: str) -> None:
    def lics(*words: str) -> Any:
        return lics_db(database_url, "retention", *words)

    assert "everything is kept" in lics("list").stdout
    refused = lics("set", "*_c", "--raw-days", "30", "--yes")
    assert refused.returncode == 2 and "--reason" in refused.stderr
    why = ("--reason", "the disk is small")
    refused = lics("set", "*_c", "--raw-days", "30", *why)
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert lics("set", "*_c", "--raw-days", "0.5", "--yes", *why).returncode == 2
    assert lics("set", "*_c", "--raw-days", "30", "--rollup-days", "365", "--type", "pump", "--yes", *why).returncode == 0
    assert "for ever" in lics("set", "weight_g").stdout
    (rule, other) = json.loads(lics("list", "--json").stdout)
    assert (rule["metric"], rule["device_type"], rule["raw_days"], rule["rollup_days"]) == ("*_c", "pump", 30.0, 365.0)
    assert other["metric"] == "weight_g" and rule["updated_by"].startswith("cli:")
    assert lics("remove", "*_c").returncode == 1
    assert json.loads(lics("remove", "*_c", "--type", "pump", "--json").stdout) == {"removed": True}
    assert [rule.metric for rule in await repository.retention_rules()] == ["weight_g"]
