"""`lics doctor`: everything broken is named with a next step, and nothing is broken only because nothing runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import load_settings
from lics_actors.device.messages import BrokerSpec
from lics_actors.services.checkup import Finding, Verdict, examine

HOME = Path(__file__).resolve().parents[2]


def doctor(data_dir: Path, ports: dict[str, str], **env: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lics_actors", "doctor", "--json"],
        cwd=data_dir,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOME), "LICS_DATA_DIR": str(data_dir / "lab"), **ports, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    return done.returncode, {finding["matter"]: finding for finding in document["findings"]}


@pytest.fixture
def ports(free_port: Callable[[], int]) -> dict[str, str]:
    return {name: str(free_port()) for name in ("LICS_PORT", "PROMETHEUS_PORT", "LICS_FLEET_PORT")}


def test_where_nothing_runs_nothing_is_broken_and_nothing_is_made(data_dir: Path, ports: dict[str, str]) -> None:
    code, findings = doctor(data_dir, ports)
    assert code == 0
    assert findings["lics up"]["verdict"] == findings["database"]["verdict"] == "not running"
    assert not (data_dir / "lab").exists()


def test_what_is_broken_is_named_with_a_next_step(data_dir: Path, ports: dict[str, str], free_port: Callable[[], int]) -> None:
    secrets = data_dir / "lab" / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    (secrets / "admin_token").write_text("x" * 43)
    (secrets / "admin_token").chmod(0o644)
    away = free_port()
    with socket.create_server(("127.0.0.1", int(ports["LICS_FLEET_PORT"]))):
        code, findings = doctor(
            data_dir,
            ports,
            DATABASE_URL=f"postgres://u:hidden@127.0.0.1:{away}/x",
            REDIS_URL=f"redis://127.0.0.1:{away}",
            MQTT_BROKER_URL=f"mqtt://127.0.0.1:{away}",
        )
    assert code == 1
    broken = {matter for matter, finding in findings.items() if finding["verdict"] == "broken"}
    assert broken == {"secrets", "ports", "database", "redis", "broker"}
    assert all(findings[matter]["next_step"] for matter in broken)
    assert "hidden" not in json.dumps(findings)


async def test_servers_that_run_are_told_with_their_versions(
    data_dir: Path, empty_database_url: str, redis_url: str, broker: BrokerSpec
) -> None:
    url = f"mqtt://{broker.host}:{broker.port}"
    settings = load_settings(data_dir=data_dir, database_url=empty_database_url, redis_url=redis_url, mqtt_broker_url=url)
    findings: dict[str, Finding] = {finding.matter: finding for finding in await examine(settings)}
    assert findings["database"].verdict is findings["redis"].verdict is findings["broker"].verdict is Verdict.OK
    assert "PostgreSQL" in findings["database"].seen
    assert "TimescaleDB" in findings["database"].seen
    assert "valkey" in findings["redis"].seen
