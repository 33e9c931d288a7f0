"""`lics bench` from the command line, in its short form: nothing may be lost or doubled, and nothing be left behind.

Figures of a short run on a busy machine mean nothing, so no bar is held against them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from lics_actors.device.messages import BrokerSpec
from tests.benchmarks.command_audit import answered_twice, at_the_device
from tests.benchmarks.telemetry_audit import Table, reference_table
from tests.benchmarks.telemetry_load import METRIC, device_id
from tests.conftest import run_alone
from tests.waiting import wait_until

HOME = Path(__file__).resolve().parents[2]
COLUMNS = ("time", "device_id", "metric", "value", "tags", "epoch", "seq")


def start(folder: Path, *words: str, home: Path = HOME, **env: str) -> subprocess.Popen[str]:
    """Start `lics bench …`, its temporary files under `folder`."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "lics_actors", "bench", *words],
        cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(home), "TMPDIR": str(folder), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def document_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what a short run that must succeed says."""
    said, progress = process.communicate(timeout=100)
    assert process.returncode == 0, progress
    assert "Traceback" not in progress
    document: dict[str, Any] = json.loads(said)
    assert all(audit["clean"] and audit["found"] for audit in document["audits"]), document["audits"]
    assert {"case", "lics", "reference", "ratio", "spread"} <= document["results"][0].keys()
    return document


def test_nothing_is_lost_or_doubled_and_nothing_left_behind(
    data_dir: Path, postgres_server: str, redis_url: str, broker: BrokerSpec
) -> None:
    """`ingest` on given servers and, beside it, `command` on servers of its own."""
    given = {"DATABASE_URL": postgres_server, "REDIS_URL": redis_url, "MQTT_BROKER_URL": f"mqtt://{broker.host}:{broker.port}"}
    runs = start(data_dir, "ingest", "--short", "--json", **given), start(data_dir, "command", "--short", "--json")
    try:
        ingest, command = map(document_of, runs)
    finally:
        for process in runs:
            process.terminate()  # it stops in order
            process.communicate(timeout=60)
    assert (ingest["name"], ingest["rounds"], ingest["short"]) == ("ingest", 1, True)
    assert sum(audit["expected"] for audit in ingest["audits"]) > 10_000
    databases, timed = run_alone(_looked_at(postgres_server))
    assert not databases
    assert timed or any("track_commit_timestamp is off" in note for note in ingest["notes"])
    assert {"ratio", "p50_ratio", "p99_ratio", "throughput_ratio"} <= command.keys()
    assert all(result["lics"] > 0 and result["reference"] > 0 for result in command["results"])
    assert list(data_dir.iterdir()) == []


async def _looked_at(server: str) -> tuple[list[Any], bool]:
    connection = await asyncpg.connect(server)
    try:
        databases = await connection.fetch("select 1 from pg_database where datname like 'lics_bench%'")
        return databases, await connection.fetchval("show track_commit_timestamp") == "on"
    finally:
        await connection.close()


def test_ctrl_c_ends_it_in_order(data_dir: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="lics-"))
    process = start(folder, "ingest", "--short")
    try:
        assert process.stderr is not None
        said = ""
        while "1 sample a message" not in said:  # LICS and all its devices run by then
            line = process.stderr.readline()
            assert line, said
            said += line
        began = psutil.Process(process.pid).children(recursive=True)
        assert len(began) > 15
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # impatience must not make it worse
        _, rest = process.communicate(timeout=60)
        assert process.returncode == 130, rest
        assert "Traceback" not in rest
        wait_until(lambda: not [child for child in began if child.is_running()], what="its processes are gone")
        assert list(folder.iterdir()) == []
    finally:
        process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def test_without_a_checkout_it_says_so(data_dir: Path) -> None:
    for package in ("lics_actors", "config", "drivers", "migrations", "web"):
        shutil.copytree(HOME / package, data_dir / package, ignore=shutil.ignore_patterns("__pycache__"))
    process = start(data_dir, "ingest", home=data_dir)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "checkout" in said and "next:" in said and "Traceback" not in said


@pytest.mark.parametrize("words", [("nothing",), (), ("ingest", "--rounds", "0"), ("ingest", "--seconds", "-1")])
def test_what_cannot_be_meant_is_a_matter_of_usage(data_dir: Path, words: tuple[str, ...]) -> None:
    process = start(data_dir, *words)
    assert process.wait(60) == 2
    assert process.communicate()[0] == ""


def test_a_server_that_cannot_be_used_is_named(data_dir: Path, free_port: Any) -> None:
    process = start(data_dir, "ingest", "--short", DATABASE_URL=f"postgres://u:hidden@127.0.0.1:{free_port()}/x")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "DATABASE_URL" in said and "hidden" not in said and "Traceback" not in said
    assert list(data_dir.iterdir()) == []


async def test_the_audit_of_telemetry_sees_every_loss_and_every_double(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for table, samples in ((Table(connection, "telemetry"), 1), (await reference_table(connection, "other"), 20)):
            await _doctored(connection, table, samples)
    finally:
        await connection.close()


async def _doctored(connection: asyncpg.Connection, table: Table, samples: int) -> None:
    """Fill a table with 2 devices x 10 messages, spoil it step by step, and see each step told."""
    devices, acked = [device_id(0), device_id(1)], [10, 10]
    began = datetime(2026, 3, 1, tzinfo=UTC)

    def row(device: int, seq: int, n: int, shift_us: int = 0) -> tuple[Any, ...]:
        time_ = began + timedelta(milliseconds=100 * seq - n, microseconds=shift_us)
        return (time_, devices[device], METRIC, n + 0.25 if n else seq + 0.25, None, 3, seq)

    rows = [row(device, seq, n) for device in range(2) for seq in range(10) for n in range(samples)]
    await connection.copy_records_to_table(table.name, records=rows, columns=COLUMNS)

    async def audited(acked: list[int] = acked) -> tuple[int, int, int, int]:
        found = await table.rows(3, samples, devices, acked)
        return found.expected, found.found, found.lost, found.doubled

    everything = 20 * samples
    assert await audited() == (everything, everything, 0, 0)
    assert await audited([8, 10]) == (everything - 2 * samples, everything, 0, 0)  # unacknowledged ones may be there
    assert await audited([11, 10]) == (everything + samples, everything, samples, 0)
    last, another = row(0, 3, samples - 1), row(1, 5, 0, shift_us=1)
    await connection.execute(f"delete from {table.name} where device_id = $1 and seq = 3 and time = $2", devices[0], last[0])
    assert await audited() == (everything, everything - 1, 1, 0)
    await connection.copy_records_to_table(table.name, records=[another], columns=COLUMNS)
    assert await audited() == (everything, everything, 1, 1)
    await connection.execute(f"update {table.name} set value = value + 1 where device_id = $1 and seq = 7", devices[1])
    assert (await audited())[2] > 1


def test_the_audit_of_commands_sees_every_loss_and_every_double() -> None:
    def verdict(accepted: list[str], came: dict[str, int]) -> tuple[int, int]:
        audit = at_the_device("x", accepted, came)
        return audit.lost, audit.doubled

    assert verdict(["a", "b"], {"a": 1, "b": 1}) == (0, 0)
    assert verdict(["a", "b"], {"a": 1}) == (1, 0)
    assert verdict(["a", "b"], {"a": 2, "b": 1}) == (0, 1)
    assert verdict(["a"], {"a": 1, "nobody's": 1}) == (0, 1)
    assert answered_twice("x", ["a", "a"], 0).doubled == 1
    assert answered_twice("x", ["a"], 2).lost == 2
