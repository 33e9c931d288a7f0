"""What Prometheus is told: how the API answers, and what the supervision tree counts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from quart import Quart, Response, g, request

from lics_actors.device.messages import CommandState
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import NodeView

log = logging.getLogger(__name__)

METRICS: Final = "lics_metrics"
KEPT_S: Final = 1.0  # the tree is asked for at most once in so many seconds
UNMATCHED: Final = "unmatched"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
COMMANDS: Final = {f"commands_{state}": state.value for state in CommandState}  # a device's stat → the state it counts
# a node's stat → what Prometheus is told, and how several nodes' become one
GAUGES: Final[dict[str, tuple[str, str, Callable[[Iterable[float]], float]]]] = {
    "ingest_lag_s": ("lics_ingest_lag_seconds", "age of the oldest message that is not in the tables yet", max),
    "rollup_behind_s": ("lics_rollup_behind_seconds", "time of the record that is still to be rolled up", max),
    "spool_bytes": ("lics_spool_bytes", "size of the record's spool on disk", sum),
    "spool_quota_bytes": ("lics_spool_quota_bytes", "how large the spool may become", sum),
    "data_sampled": (
        "lics_devices_sampled",
        "devices whose actors hear samples of their telemetry only; the record has all",
        sum,
    ),
    "commands_waiting": ("lics_commands_waiting", "commands that wait for their device", sum),
    "commands_in_flight": ("lics_commands_in_flight", "commands sent, not settled", sum),
    "commands_in_doubt": ("lics_commands_in_doubt", "indeterminate commands that wait for their device's ledger", sum),
    "sessions_open": ("lics_sessions_open", "planned sessions of these days that are to come, or just beginning", sum),
    "sessions_asked": ("lics_sessions_asked", "missed sessions that wait for a person's decision", sum),
    "broker_up": ("lics_recorder_broker_up", "1 while the recorder hears the broker", min),
    "database_up": ("lics_recorder_database_up", "1 while the recorder reaches the database", min),
}
REJECTED: Final = ("lics_rejected_payloads", "payloads that broke their contract, as devices' actors and the recorder met them")
COUNTERS: Final = {  # told by kind of node: what two kinds count is not added up
    "payloads_rejected": REJECTED,
    "recorder_rejected": REJECTED,
    "driver_faults": ("lics_driver_faults", "messages at which a driver failed instead of refusing them"),
    "records_dropped": ("lics_records_dropped", "records a device's actor could not keep: its disk was full"),
    "sessions_begun": ("lics_sessions_begun", "sessions that the scheduler began"),
    "recorder_received": ("lics_messages_received", "messages from the broker"),
    "recorder_acknowledged": ("lics_messages_acknowledged", "messages acknowledged to the broker, safe on disk"),
    "recorder_rows": ("lics_rows_committed", "rows of telemetry and events, new in the tables"),
    "recorder_duplicates": ("lics_rows_duplicate", "rows that were in the tables already"),
    "recorder_dead_letters": ("lics_dead_letters", "messages and journal entries that the database refused"),
    "recorder_broker_dropped": ("lics_broker_dropped_messages", "messages the broker dropped, for anybody"),
}


class SeesFleet(Protocol):
    """Whoever knows the supervision tree."""

    async def tree(self) -> NodeView:
        """Return the tree."""


class ApiMetrics:
    """Counts and times every answer, by route template so that nobody's ids become labels."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter("api_requests", "answers", ["method", "endpoint", "status"], registry=registry)
        self._duration = Histogram(
            "api_request_duration_seconds", "time to the answer", ["method", "endpoint"], buckets=BUCKETS, registry=registry
        )

    def install(self, app: Quart) -> None:
        """Watch every request of `app`."""

        async def begin() -> None:
            g.began = time.perf_counter()

        async def end(response: Response) -> Response:
            method = request.method if request.method in METHODS else "OTHER"
            endpoint = request.url_rule.rule if request.url_rule is not None else UNMATCHED
            self.answered(method, endpoint, response.status_code, time.perf_counter() - g.began)
            return response

        app.before_request(begin)
        app.after_request(end)

    def answered(self, method: str, endpoint: str, status: int, took_s: float) -> None:
        """Count and time an answer."""
        self._answers.labels(method, endpoint, str(status)).inc()
        self._duration.labels(method, endpoint).observe(took_s)


class FleetMetrics(Collector):
    """The supervision tree's figures, as last asked for."""

    def __init__(self, fleet: SeesFleet) -> None:
        self._fleet = fleet
        self._tree: NodeView | None = None
        self._totals = Totals()
        self._asked: float | None = None
        self._asking = asyncio.Lock()

    async def refresh(self) -> None:
        """Ask for the tree if the last answer is older than KEPT_S."""
        async with self._asking:
            if self._asked is not None and time.monotonic() - self._asked < KEPT_S:
                return
            try:
                async with asyncio.timeout(KEPT_S):
                    self._tree = await self._fleet.tree()
                self._totals.add(self._tree)
            except (LicsError, TimeoutError):
                self._tree = None
            self._asked = time.monotonic()

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        return fleet_families(self._tree, self._totals)


MOST_REMEMBERED = 50_000  # figures of nodes: far above those of any fleet at one time


class Totals:
    """Sums over actors that only ever grow, as Prometheus expects of a counter, though actors restart and devices go.

    An actor that counts from zero again (new incarnation, or less than before) adds what it has now. Pure, but remembers.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[int, float]] = {}
        self.values: dict[tuple[str, str], float] = {}  # (family, label) → total

    def add(self, tree: NodeView) -> None:
        """Take in what the nodes count now."""
        if len(self._last) > MOST_REMEMBERED:
            here = {node.name for node in nodes(tree)}
            self._last = {key: last for key, last in self._last.items() if key[0] in here}  # runs come and go
        for node in nodes(tree):
            self._grow(node.name, 0, "restarts", node.kind, node.restarts)
            for stat, value in node.stats.items():
                if stat in COUNTERS:
                    self._grow(node.name, node.incarnation, COUNTERS[stat][0], node.kind, value)
                elif stat in COMMANDS:
                    self._grow(node.name, node.incarnation, "commands", COMMANDS[stat], value)

    def _grow(self, node: str, incarnation: int, family: str, label: str, value: float) -> None:
        before = self._last.get((node, f"{family}{label}"))
        same_life = before is not None and before[0] == incarnation and before[1] <= value
        growth = value - before[1] if before is not None and same_life else value
        self._last[node, f"{family}{label}"] = incarnation, value
        self.values[family, label] = self.values.get((family, label), 0.0) + growth

    def of(self, family: str) -> list[tuple[str, float]]:
        """Return (label, total) of a family."""
        return sorted((label, total) for (name, label), total in self.values.items() if name == family)


def nodes(tree: NodeView) -> Iterator[NodeView]:
    """Yield a node and all below it. Pure."""
    yield tree
    for child in tree.children:
        yield from nodes(child)


def fleet_families(tree: NodeView | None, totals: Totals) -> Iterator[Metric]:
    """Yield what Prometheus is told: of now by `tree`, where there is one, of all time by `totals`."""
    yield GaugeMetricFamily("lics_fleet_up", "1 while the fleet answers", value=float(tree is not None))
    yield _labelled(CounterMetricFamily("lics_restarts", "restarts of actors", labels=["kind"]), totals.of("restarts"))
    yield _labelled(
        CounterMetricFamily("lics_commands", "commands by the state they reached", labels=["state"]), totals.of("commands")
    )
    for name, meaning in dict(COUNTERS.values()).items():
        yield _labelled(CounterMetricFamily(name, meaning, labels=["kind"]), totals.of(name))
    if tree is None:
        return
    known = list(nodes(tree))
    actors = GaugeMetricFamily("lics_actors", "nodes of the supervision tree", labels=["kind", "state"])
    for (kind, state), count in sorted(Tally((node.kind, str(node.state)) for node in known).items()):
        actors.add_metric([kind, state], count)
    yield actors
    words = Tally(node.word or "unknown" for node in known if node.kind == "device")
    yield _labelled(GaugeMetricFamily("lics_devices", "devices by their status", labels=["status"]), sorted(words.items()))
    for stat, (name, meaning, combine) in GAUGES.items():
        values = [node.stats[stat] for node in known if stat in node.stats]
        if values:
            yield GaugeMetricFamily(name, meaning, value=combine(values))


Family = TypeVar("Family", CounterMetricFamily, GaugeMetricFamily)


def _labelled(family: Family, values: Iterable[tuple[str, float]]) -> Family:
    for label, value in values:
        family.add_metric([label], value)
    return family


class RefreshedCollector(Collector):
    """Figures that are asked for before they are told."""

    async def refresh(self) -> object:
        """Ask for them."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Metrics:
    """All that one process measures."""

    registry: CollectorRegistry
    fleet: FleetMetrics
    alarms: RefreshedCollector | None = None

    async def exposition(self) -> bytes:
        """Return everything in Prometheus's text format, the fleet's part asked for now."""
        await self.fleet.refresh()
        if self.alarms is not None:
            await self.alarms.refresh()
        return generate_latest(self.registry)


def measure(app: Quart, fleet: SeesFleet, alarms: RefreshedCollector | None = None) -> ApiMetrics:
    """Measure `app` and `fleet`; what is measured is kept under METRICS in the app's extensions. Returns what counts answers."""
    registry = CollectorRegistry()
    metrics = app.extensions[METRICS] = Metrics(registry, FleetMetrics(fleet), alarms)
    registry.register(metrics.fleet)
    if alarms is not None:
        registry.register(alarms)
    api = ApiMetrics(registry)
    api.install(app)
    return api


def create_metrics_app(metrics: Metrics) -> Quart:
    """Return the small application behind PROMETHEUS_PORT."""
    app = Quart("lics_metrics", static_folder=None)

    async def tell() -> Response:
        return Response(await metrics.exposition(), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/metrics", "metrics", tell)
    return app
