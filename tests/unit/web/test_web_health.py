"""How LICS is: what is away, what that costs, and what Prometheus is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from quart import Quart

from config.settings import Settings
from lics_actors.device.messages import BrokerSpec
from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.store.repository import Repository
from tests.unit.web.conftest import TOKEN, Web
from tests.unit.web.fleet_stub import EPOCH, FleetStub
from tests.waiting import eventually
from web.app import create_app
from web.health import COST, KEPT_S, HealthWatch, wellness
from web.metrics import METRICS, FleetMetrics, Totals, create_metrics_app, fleet_families
from web.schemas.health import ServiceHealth, Services, ServiceState, Wellness


async def test_all_is_well_with_real_services(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=data_dir,
        admin_token=TOKEN,
        redis_url=redis_url,
        mqtt_broker_url=f"mqtt://{broker.host}:{broker.port}",
    )
    repository = await Repository.connect(database_url)
    app = create_app(settings, FleetStub(), repository)
    response = await app.test_client().get("/health")
    body = await response.get_json()
    assert (response.status_code, body["status"]) == (200, "healthy")
    assert all(service["state"] == "up" and service["latency_ms"] >= 0 for service in body["services"].values())
    await repository.close()


async def test_what_is_away_says_what_it_costs_and_heals_by_itself(
    data_dir: Path, database_url: str, free_port: Callable[[], int]
) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=data_dir,
        admin_token=TOKEN,
        redis_url=f"redis://127.0.0.1:{free_port()}",
        mqtt_broker_url="127.0.0.1",
        mqtt_broker_port=free_port(),
    )
    repository = await Repository.connect(database_url)
    fleet = FleetStub()
    fleet.down = True
    client = create_app(settings, fleet, repository).test_client()
    response = await client.get("/health")
    body = await response.get_json()
    assert (response.status_code, body["status"]) == (503, "unhealthy")
    assert {name: service["state"] for name, service in body["services"].items()} == {
        "database": "up",
        "redis": "down",
        "mqtt": "down",
        "fleet": "down",
    }
    assert body["services"]["fleet"]["cost"] == COST["fleet"]
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 200  # history can be read
    fleet.down = False

    async def fleet_is_up() -> bool:
        return bool((await (await client.get("/health")).get_json())["services"]["fleet"]["state"] == "up")

    await eventually(fleet_is_up)
    await repository.close()


async def test_with_neither_database_nor_fleet_nothing_is_ready(web_without_database: Web) -> None:
    web_without_database.fleet.down = True
    assert (await web_without_database.ask("GET", "/health/ready")).status_code == 503
    assert (await web_without_database.ask("GET", "/health/live")).status_code == 200


async def test_a_hung_service_is_away_within_the_time_of_a_probe(web: Web) -> None:
    web.fleet.slow = True
    began = asyncio.get_running_loop().time()
    body = await (await web.ask("GET", "/health")).get_json()
    assert body["services"]["fleet"]["state"] == "down"
    assert asyncio.get_running_loop().time() - began < 3


async def test_a_burst_of_questions_asks_each_service_once(web: Web) -> None:
    asked = 0

    async def probe() -> None:
        nonlocal asked
        asked += 1

    probes = web.app.extensions["lics"].health._probes
    watch = HealthWatch(replace(probes, fleet=probe, database=probe))
    await asyncio.gather(*(watch.view() for _ in range(50)))
    assert (asked, KEPT_S) == (2, 1.0)


states = st.sampled_from(ServiceState)


@given(st.fixed_dictionaries(dict.fromkeys(("database", "redis", "mqtt", "fleet"), states)))
def test_unhealthy_means_that_no_device_can_be_steered(found: dict[str, ServiceState]) -> None:
    word = wellness(Services(**{name: ServiceHealth(state=state) for name, state in found.items()}))
    steerable = found["mqtt"] is found["fleet"] is ServiceState.UP
    assert (word is Wellness.UNHEALTHY) == (not steerable)
    assert (word is Wellness.HEALTHY) == (set(found.values()) == {ServiceState.UP})


async def metrics(app: Quart) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return everything at /metrics."""
    server = create_metrics_app(app.extensions[METRICS])
    text = (await (await server.test_client().get("/metrics")).get_data(as_text=False)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_answers_are_counted_by_template_never_by_id(web: Web) -> None:
    device = await web.add()
    for _ in range(3):
        await web.ask("GET", f"/devices/{device['id']}")
    await web.ask("GET", "/devices/nonsense")
    await web.ask("BREW", "/devices")
    told = await metrics(web.app)
    template = "/api/v1/devices/<uuid:device_id>"
    assert told["api_requests_total", (("endpoint", template), ("method", "GET"), ("status", "200"))] == 3
    assert told["api_requests_total", (("endpoint", "unmatched"), ("method", "GET"), ("status", "404"))] == 1
    assert told["api_requests_total", (("endpoint", "unmatched"), ("method", "OTHER"), ("status", "405"))] == 1
    assert told["api_request_duration_seconds_count", (("endpoint", template), ("method", "GET"))] == 3
    assert not [name for name in told if device["id"] in str(name)]


async def test_the_fleet_is_told_as_it_is_and_its_absence_too(web: Web) -> None:
    await web.add("pump-1")
    await web.add("pump-2")
    web.fleet.counted = 4
    told = await metrics(web.app)
    assert told["lics_fleet_up", ()] == 1
    assert told["lics_actors", (("kind", "device"), ("state", "running"))] == 2
    assert told["lics_restarts_total", (("kind", "rack"),)] == 2
    assert told["lics_commands_total", (("state", "succeeded"),)] == 8
    assert told["lics_commands_waiting", ()] == 2
    web.fleet.down = True

    async def is_down() -> bool:
        return (await metrics(web.app))["lics_fleet_up", ()] == 0

    await eventually(is_down)
    later = await metrics(web.app)
    assert later["lics_commands_total", (("state", "succeeded"),)] == 8
    assert ("lics_actors", (("kind", "device"), ("state", "running"))) not in later


def node(incarnation: int, counted: float) -> NodeView:
    stats = {"commands_succeeded": counted, "payloads_rejected": counted, "commands_waiting": counted}
    device = NodeView("device:1", "device", NodeState.RUNNING, 7, incarnation, incarnation - 1, EPOCH, stats=stats)
    return NodeView("fleet", "fleet", NodeState.RUNNING, 1, 1, 0, EPOCH, children=(device,))


@given(st.lists(st.lists(st.integers(0, 100), min_size=1, max_size=5).map(sorted), min_size=1, max_size=5))
def test_a_total_is_what_all_lives_counted_and_never_falls(lives: list[list[int]]) -> None:
    totals = Totals()
    told = [0.0]
    for incarnation, counts in enumerate(lives, 1):
        for count in counts:
            totals.add(node(incarnation, count))
            told.append(dict(totals.of("commands"))["succeeded"])
    assert told == sorted(told)
    assert told[-1] == sum(counts[-1] for counts in lives)
    totals.add(NodeView("fleet", "fleet", NodeState.RUNNING, 1, 1, 0, EPOCH))  # the device is retired
    assert dict(totals.of("commands"))["succeeded"] == told[-1]


def test_without_a_tree_only_its_absence_is_told_of_now() -> None:
    names = {family.name for family in fleet_families(None, Totals())}
    assert {"lics_fleet_up", "lics_restarts", "lics_commands", "lics_rejected_payloads", "lics_rows_committed"} <= names
    assert "lics_actors" not in names


async def test_the_tree_is_asked_for_at_most_once_a_second() -> None:
    fleet = FleetStub()
    asked: list[Any] = []
    tree = fleet.tree

    async def counting() -> NodeView:
        asked.append(1)
        return await tree()

    fleet.tree = counting  # type: ignore[method-assign]
    collector = FleetMetrics(fleet)
    CollectorRegistry().register(collector)
    await asyncio.gather(*(collector.refresh() for _ in range(20)))
    assert len(asked) == 1
