"""Telemetry, events, rejected payloads and alarms over REST, from real tables."""

from __future__ import annotations

import csv
import io
import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest

from lics_actors.store.records import AlarmCleared, AlarmRaised, EventRow, PayloadRejected, TelemetryRow
from lics_actors.store.rows import TelemetryPoint
from lics_actors.store.shipping import ship_journal, ship_samples
from tests.unit.web.conftest import Web
from web.schemas.recorded import LatestPage, latest_json, value_view

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
VALUES = 240
CALENDAR_ENDS = ("to=0001-01-01T00:00:00Z&bucket=1d", "from=9999-12-31T23:59:59Z&bucket=1ms", "from=0001-01-01T00:00:00Z")


@pytest.fixture
async def device(web: Web) -> dict[str, Any]:
    """A device with four minutes of a value a second."""
    made = await web.add()
    device_id = UUID(made["id"])
    rows = [
        TelemetryRow(
            START + timedelta(seconds=n), device_id, "temperature_c", 20 + n / 100, {"cage": "3"} if n == 0 else None, 1, n
        )
        for n in range(VALUES)
    ]
    events = [EventRow(START + timedelta(seconds=n), device_id, "lick" if n % 2 else "touch", {"n": n}, 1, n) for n in range(10)]
    garbage = PayloadRejected(device_id, START, "devices/x/telemetry", "not JSON", b"\xff\x00garbage", 1_000_000, 7)
    await ship_samples(web.repository, rows, events, [garbage])
    return made


async def test_values_come_newest_first_in_pages(web: Web, device: dict[str, Any]) -> None:
    address = f"/devices/{device['id']}/telemetry?metric=temperature_c&limit=100"
    seen: list[int] = []
    cursor = ""
    while True:
        page = await (await web.ask("GET", address + cursor)).get_json()
        seen += [item["seq"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == list(reversed(range(VALUES)))


async def test_a_span_and_its_buckets(web: Web, device: dict[str, Any]) -> None:
    span = "from=2026-01-31T12:00:00Z&to=2026-01-31T13:02:00%2B01:00"
    page = await (await web.ask("GET", f"/devices/{device['id']}/telemetry?{span}")).get_json()
    assert (len(page["items"]), page["items"][-1]["tags"]) == (120, {"cage": "3"})
    for width in ("1m", "60s", "60"):
        page = await (await web.ask("GET", f"/devices/{device['id']}/telemetry?{span}&bucket={width}&agg=max")).get_json()
        assert [(item["time"], item["value"], item["count"]) for item in page["items"]] == [
            ("2026-01-31T12:01:00Z", 21.19, 60),
            ("2026-01-31T12:00:00Z", 20.59, 60),
        ]


async def test_csv_and_arrow_hold_everything_and_the_same(web: Web, device: dict[str, Any]) -> None:
    told = await web.ask("GET", f"/devices/{device['id']}/telemetry?format=csv")
    assert told.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO((await told.get_data(as_text=False)).decode())))
    told = await web.ask("GET", f"/devices/{device['id']}/telemetry?format=arrow")
    table = pa.ipc.open_stream(await told.get_data(as_text=False)).read_all()
    assert table.num_rows == len(rows) == VALUES
    assert [float(row["value"]) for row in rows] == table["value"].to_pylist()
    assert [datetime.fromisoformat(row["time"]) for row in rows] == table["time"].to_pylist()
    assert (rows[-1]["tags"], table["tags"][-1].as_py()) == ('{"cage": "3"}', '{"cage": "3"}')


@pytest.mark.parametrize("kind", ["csv", "arrow"])
async def test_a_stream_goes_on_over_pages_and_may_be_empty(
    web: Web, device: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.api.recorded.EXPORT_PAGE", 7)

    async def rows(query: str) -> int:
        data = await (await web.ask("GET", f"/devices/{device['id']}/telemetry?format={kind}&{query}")).get_data(as_text=False)
        return len(data.splitlines()) - 1 if kind == "csv" else pa.ipc.open_stream(data).read_all().num_rows

    assert await rows("metric=temperature_c") == VALUES
    assert await rows("metric=nothing") == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bucket=5x", "bucket"),
        ("bucket=0", "bucket"),
        ("bucket=0.5", "bucket"),
        ("bucket=%D9%A1m", "bucket"),
        ("bucket=367d", "bucket"),
        ("agg=median", "agg"),
        ("format=xml", "format"),
        ("from=yesterday", "from"),
        ("from=2026-01-31T12:00:00", "from"),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("cursor=e30", "cursor"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(web: Web, device: dict[str, Any], query: str, field: str) -> None:
    response = await web.ask("GET", f"/devices/{device['id']}/telemetry?{query}")
    assert response.status_code == 422
    assert [entry["field"] for entry in (await response.get_json())["detail"]["fields"]] == [field]


@pytest.mark.parametrize("query", CALENDAR_ENDS)
async def test_the_ends_of_the_calendar_are_no_fault(web: Web, device: dict[str, Any], query: str) -> None:
    assert (await web.ask("GET", f"/devices/{device['id']}/telemetry?{query}")).status_code == 200


async def test_events_and_what_could_not_be_understood(web: Web, device: dict[str, Any]) -> None:
    licks = await (await web.ask("GET", f"/devices/{device['id']}/events?type=lick&limit=3")).get_json()
    assert ([item["data"]["n"] for item in licks["items"]], licks["next"] is None) == ([9, 7, 5], False)
    rejected = (await (await web.ask("GET", f"/devices/{device['id']}/rejected")).get_json())["items"]
    assert (b64decode(rejected[0]["payload"]), rejected[0]["text"], rejected[0]["size"]) == (b"\xff\x00garbage", None, 1_000_000)


async def test_alarms_open_and_cleared(web: Web) -> None:
    raised = AlarmRaised(START, "recorder", "spool_filling", "the spool is at 80 %")
    other = AlarmRaised(START + timedelta(seconds=1), "rack:1", "quarantined", "gave up")
    entries = [(1, raised), (2, other), (3, AlarmCleared(START + timedelta(seconds=2), "rack:1", "quarantined"))]
    await ship_journal(web.repository, uuid4(), entries)
    still = (await (await web.ask("GET", "/alarms")).get_json())["items"]
    every = (await (await web.ask("GET", "/alarms?all=true")).get_json())["items"]
    assert [(alarm["kind"], alarm["state"]) for alarm in still] == [
        ("quarantined", "returned"),
        ("spool_filling", "unacknowledged"),
    ]
    assert every == still
    assert (await web.ask("POST", f"/alarms/{still[0]['id']}/acknowledge")).status_code == 200
    assert [alarm["kind"] for alarm in (await (await web.ask("GET", "/alarms")).get_json())["items"]] == ["spool_filling"]
    every = (await (await web.ask("GET", "/alarms?all=true")).get_json())["items"]
    assert [(alarm["kind"], alarm["state"]) for alarm in every] == [
        ("quarantined", "cleared"),
        ("spool_filling", "unacknowledged"),
    ]


async def test_the_latest_values_of_many(web: Web, device: dict[str, Any]) -> None:
    silent = await web.add("rfid-1", type="rfid")
    unknown = str(uuid4())
    every = await (await web.ask("GET", "/telemetry/latest")).get_json()
    assert every["next"] is None and [item["device_id"] for item in every["items"]] == sorted([device["id"], silent["id"]])
    chosen = await (await web.ask("GET", f"/telemetry/latest?device_id={device['id']}&device_id={unknown}")).get_json()
    values = {item["device_id"]: item["values"] for item in chosen["items"]}
    assert values[unknown] == [] and [(value["metric"], value["seq"]) for value in values[device["id"]]] == [
        ("temperature_c", VALUES - 1)
    ]
    (one,) = (await (await web.ask("GET", "/telemetry/latest?type=rfid&metric=temperature_c")).get_json())["items"]
    assert one == {"device_id": silent["id"], "values": []}
    first = await (await web.ask("GET", "/telemetry/latest?limit=1")).get_json()
    second = await (await web.ask("GET", f"/telemetry/latest?limit=1&cursor={first['next']}")).get_json()
    assert first["items"] + second["items"] == every["items"] and second["next"] is None


@pytest.mark.parametrize("query", ["device_id=x", f"device_id={UUID(int=1)}&type=pump", "limit=501", "cursor=e30", "metric="])
async def test_latest_values_that_make_no_sense(web: Web, query: str) -> None:
    assert (await web.ask("GET", f"/telemetry/latest?{query}")).status_code == 422


def test_the_latest_values_are_what_the_description_says() -> None:
    points = {
        metric: TelemetryPoint(START + timedelta(microseconds=n), metric, value, tags, 1, n)
        for n, (metric, value, tags) in enumerate((("Ω", float("nan"), None), ("a", -1.5e-300, {"run": [1, None, "№"]})))
    }
    device_id = uuid4()
    page = LatestPage.model_validate_json(latest_json([(device_id, points)], "x"))
    views = [value_view(points[metric], bucketed=False) for metric in ("a", "Ω")]
    assert json.loads(page.model_dump_json()) == {
        "items": [{"device_id": str(device_id), "values": [json.loads(view.model_dump_json()) for view in views]}],
        "next": "x",
    }


async def test_what_is_missing_of_a_record(web: Web, device: dict[str, Any]) -> None:
    rows = [TelemetryRow(START + timedelta(hours=1, seconds=n), UUID(device["id"]), "a", 1.0, None, 2, n) for n in (0, 1, 4, 6)]
    await ship_samples(web.repository, rows, [], [])
    told = await (await web.ask("GET", f"/devices/{device['id']}/completeness?gaps=1")).get_json()
    assert (told["sequenced"], told["missing"]) == (True, 3)
    newest, first, events = told["epochs"]
    assert (newest["stream"], newest["epoch"], newest["received"], newest["missing"]) == ("telemetry", 2, 4, 3)
    assert (newest["gap_count"], newest["gaps"]) == (2, [{"first_seq": 5, "last_seq": 5}])
    assert (first["epoch"], first["missing"], events["stream"], events["received"]) == (1, 0, "events", 10)
    late = await (await web.ask("GET", f"/devices/{device['id']}/completeness?from=2026-01-31T13:00:03Z")).get_json()
    assert [(e["first_seq"], e["missing"]) for e in late["epochs"]] == [(4, 1)]
    wrong = "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z"
    assert (await web.ask("GET", f"/devices/{device['id']}/completeness?{wrong}")).status_code == 422
    assert (await web.ask("GET", f"/devices/{uuid4()}/completeness")).status_code == 404


async def test_a_device_that_numbers_nothing_lacks_nothing_that_can_be_seen(web: Web) -> None:
    made = await web.add("mqtt-io", driver="mqtt_io", settings={"topic_prefix": "pi"})
    told = await (await web.ask("GET", f"/devices/{made['id']}/completeness")).get_json()
    assert (told["sequenced"], told["epochs"]) == (False, [])
