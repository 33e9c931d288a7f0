"""Schemathesis against the served API: no 500, no undocumented status, no answer that breaks its schema, nothing left out.

The web and its database are real and served by Hypercorn; the fleet is the stub of the unit tests, so that every command
reaches an answer without hardware. Requests are drawn from the API's own description, valid ones and broken ones.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart

from config.settings import Settings
from drivers.description import description_json
from drivers.native.spec import DEVICE_TYPES
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.access.roles import Role
from lics_actors.audit import AuditLog
from lics_actors.device.messages import BrokerSpec
from lics_actors.experiment.library import text_of
from lics_actors.store.protocols import NewVersion, Rehearsal
from lics_actors.store.records import AlarmRaised
from lics_actors.store.repository import Repository
from lics_actors.store.rigs import NewRig
from lics_actors.store.rows import NewDevice
from lics_actors.store.runs import NewRun
from lics_actors.store.shipping import ship_journal
from lics_actors.store.subjects import NewSubject
from lics_actors.study.protocol_desk import ProtocolDesk
from lics_actors.study.protocol_documents import uploaded
from lics_actors.study.rehearsing import Rehearser, Wish, rehearsed
from tests.unit.web.conftest import TOKEN
from tests.unit.web.fleet_stub import FleetStub
from web.app import create_app
from web.metrics import METRICS, Metrics
from web.serve import listen
from web.speech import speech_of
from web.studies import DESKS

KNOWN = UUID("0a4b3f1e-7d5c-4c52-9a0e-8b110d5a1c1f")  # a device that exists, so that not every path ends at 404
ALARM = 1  # one that stands
RIG = UUID("9a1f4c55-6f0e-4d4b-8f5e-0d5a1c1f8b22")  # one that exists
SUBJECT = UUID("5d9cf0c1-93c5-4d8e-a1c5-0c8a2f1b7e33")
RUN_ID = UUID("7d3f3c44-95f8-4be0-8b0e-3f6f2f0a9d55")
EXAMPLES = 15  # an operation; the seed is fixed


class Brief(Rehearser):
    """Rehearses a few trials, whatever is asked for: hundreds of requests are sent."""

    async def rehearse(self, wish: Wish) -> dict[str, Any]:
        """Return what came of them."""
        return await asyncio.to_thread(rehearsed, replace(wish, trials=min(3, wish.trials)))


class Served:
    """The application in a thread with a loop of its own."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        self._settings, self._database_url = settings, database_url
        self._listener = listen("127.0.0.1", 0, "LICS_PORT")
        self.url = f"http://127.0.0.1:{self._listener.port}"
        self.fleet = FleetStub()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def accepted(self) -> set[str]:
        """Return every operation that was answered with success at least once, as `METHOD /template`."""
        metrics: Metrics = self.app.extensions[METRICS]
        return {
            f"{sample.labels['method']} {sample.labels['endpoint']}"
            for family in metrics.registry.collect()
            for sample in family.samples
            if sample.name == "api_requests_total" and sample.labels["status"].startswith("2")
        }

    def operations(self) -> set[str]:
        """Return every operation there is."""
        return {
            f"{method} {rule.rule}"
            for rule in self.app.url_map.iter_rules()
            if speech_of(self.app.view_functions[rule.endpoint]) is not None
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        repository = await Repository.connect(self._database_url)
        told = {kind: description_json(DEVICE_TYPES[kind]) for kind in ("pump", "lickometer")}
        pump = NewDevice("pump-1", "pump", "native", "user:admin", device_id=KNOWN, capabilities=told["pump"])
        row = await repository.create_device(pump)
        await self.fleet.register(row.spec())
        self.user = (await repository.add_account("bob@lab.example", Role.OBSERVER, "t", code_hash=None, code_expires_at=None)).id
        seen = NewDevice("panel-1", "lickometer", "native", "user:admin", capabilities=told["lickometer"])
        roles = {"pump": KNOWN, "panel": (await repository.create_device(seen)).id}
        await repository.create_rig(NewRig("cage 3", "user:admin", roles, rig_id=RIG))
        await repository.create_subject(NewSubject(DEFAULT_LABORATORY, "m-0", "user:admin", "mouse", subject_id=SUBJECT))
        read = uploaded(text_of("fixed_ratio"), DEVICE_TYPES)
        version = NewVersion(
            DEFAULT_LABORATORY, read.name, read.title, 1, read.digest, read.text, read.document, (), "user:admin"
        )
        protocol, kept, _ = await repository.add_version(version)
        self.protocol = protocol.id
        said = ("user:admin", 100, "random", 1, {}, True, "", {}, "1")
        await repository.keep_rehearsal(Rehearsal(uuid4(), DEFAULT_LABORATORY, kept.id, datetime.now(UTC), *said))
        run = NewRun(
            RUN_ID, DEFAULT_LABORATORY, uuid4(), "cage 1", kept.id, "fixed_ratio", 1, 1, "user:admin", datetime.now(UTC), "ul"
        )
        await repository.order_run(run)
        self.fleet.known_runs.add(RUN_ID)
        await ship_journal(repository, uuid4(), [(1, AlarmRaised(datetime.now(UTC), "recorder", "disk-full", "it is full"))])
        config = Config()
        config.bind = [f"fd://{self._listener.socket.detach()}"]
        config.graceful_timeout = 0.5
        config.keep_alive_timeout = 0.5
        app: Any = create_app(self._settings, self.fleet, repository)
        self.app: Quart = app
        house = app.extensions[DESKS]
        app.extensions[DESKS] = replace(house, protocols=ProtocolDesk(repository, AuditLog(self._settings), Brief()))
        self._ready.set()
        await serve(app, config, shutdown_trigger=self._stop.wait)
        await repository.close()


@pytest.fixture
def served(data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec) -> Iterator[Served]:
    """The API on real services."""
    given = Settings(
        _env_file=None,
        data_dir=data_dir,
        admin_token=TOKEN,
        redis_url=redis_url,
        mqtt_broker_url=f"mqtt://{broker.host}:{broker.port}",
    )
    with Served(given, database_url) as running:
        yield running


# Valid data may be refused for reasons that no JSON Schema can say: 409 a name in use, 412 an `If-Match` of another version,
# 422 a driver's own settings, `from` after `to`, another list's cursor. Any other refusal of valid data is a failure.
RULES = f"""
seed = 1
headers = {{ Authorization = "Bearer {TOKEN}" }}
request-timeout = 20

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "304", "401", "403", "404", "409", "412", "422", "429"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "409", "412", "413", "414", "415", "422", "429"]
use_after_free.enabled = false  # by contract: deleting a device retires it, its record stays readable

[generation]
max-examples = {EXAMPLES}
deterministic = true
database = "none"
"""
# One request at a time: all but DELETE meet the device that exists, and writes do not end at `If-Match`.
ALONE = f"""
[[operations]]
include-path-regex = "subject_id"
parameters = {{ "path.subject_id" = "{SUBJECT}" }}

[[operations]]
include-path-regex = "run_id"
parameters = {{ "path.run_id" = "{RUN_ID}" }}

[[operations]]
include-path-regex = 'protocol_id.(/versions)?$'
parameters = {{ "path.protocol_id" = "PROTOCOL" }}

[[operations]]  # with two fixed names in a path the tool takes what it believes to have broken for broken
include-path-regex = "number"
parameters = {{ "path.protocol_id" = "PROTOCOL", "path.number" = 1 }}
checks.negative_data_rejection.enabled = false

[[operations]]
include-method = ["GET", "POST"]
include-path-regex = "device_id"
parameters = {{ "path.device_id" = "{KNOWN}" }}

[[operations]]
include-path-regex = "fleet/nodes"
parameters = {{ "path.node" = "fleet" }}

[[operations]]
include-path-regex = "alarm_id"
parameters = {{ "path.alarm_id" = {ALARM} }}

[[operations]]
include-method = ["GET", "POST"]
include-path-regex = "rig_id"
parameters = {{ "path.rig_id" = "{RIG}" }}

[[operations]]
include-method = ["PUT", "PATCH"]
include-path-regex = "rig_id"
parameters = {{ "path.rig_id" = "{RIG}", "header.If-Match" = "*" }}

[[operations]]
include-path-regex = "user_id"
parameters = {{ "path.user_id" = "USER" }}

[[operations]]
include-method = ["PUT", "PATCH"]
include-path-regex = "device_id"
parameters = {{ "path.device_id" = "{KNOWN}", "header.If-Match" = "*" }}
"""
# What needs a password, a code or an account, which the bootstrap token has not: tests/unit/web/test_web_access.py succeeds.
IN_PERSON = {
    "POST /api/v1/auth/sign-in",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/sign-out",
    "POST /api/v1/auth/password",
    "POST /api/v1/auth/reset",
    "POST /api/v1/auth/claim",
    "DELETE /api/v1/auth/sessions/<uuid:session_id>",
    "POST /api/v1/api-keys",
    "DELETE /api/v1/api-keys/<uuid:key_id>",
}
# What needs a broker whose accounts are LICS's to change: tests/system/test_device_admission.py succeeds.
WITH_ACCOUNTS = {
    "POST /api/v1/devices/<uuid:device_id>/credentials",
    "POST /api/v1/devices/<uuid:device_id>/credentials/rotate",
    "DELETE /api/v1/devices/<uuid:device_id>/credentials/<uuid:credential_id>",
    "POST /api/v1/device-claims",
    "GET /api/v1/device-claims/<uuid:claim_id>",
    "DELETE /api/v1/device-claims/<uuid:claim_id>",
}
# What needs a version of a protocol by an id that is made up anew each time: tests/unit/web/test_web_experiments.py succeeds.
OF_A_PLAN = {
    "POST /api/v1/experiments",
    "GET /api/v1/experiments/<uuid:experiment_id>",
    "PATCH /api/v1/experiments/<uuid:experiment_id>",
    "GET /api/v1/experiments/<uuid:experiment_id>/history",
    "GET /api/v1/experiments/<uuid:experiment_id>/places",
    "GET /api/v1/experiments/<uuid:experiment_id>/preflight",
}
# What needs a session that the scheduler has planned: tests/system/test_scheduler.py succeeds.
OF_A_SESSION = {
    "GET /api/v1/schedule/<uuid:slot_id>",
    "POST /api/v1/schedule/<uuid:slot_id>/start",
    "POST /api/v1/schedule/<uuid:slot_id>/skip",
}
# What needs a laboratory and an account in one path, where the tool fixes one of the two: test_web_laboratories.py succeeds.
OF_TWO_NAMES = {"PUT /api/v1/laboratories/<uuid:laboratory_id>/members/<uuid:user_id>"}
# What needs a run that is over: tests/unit/web/test_web_run_files.py succeeds.
OF_A_RUN_THAT_IS_OVER = {
    "POST /api/v1/runs/<uuid:run_id>/exports",
    "GET /api/v1/runs/<uuid:run_id>/exports/<uuid:export_id>",
    "GET /api/v1/runs/<uuid:run_id>/exports/<uuid:export_id>/file",
}
STATEFUL = "stateful"
RUN = "from schemathesis.cli import schemathesis; schemathesis()"


@pytest.mark.timeout(720)  # ten thousand requests: a minute or two on a machine that is idle
@pytest.mark.parametrize(
    ("phases", "rules"),
    [("examples,coverage,fuzzing", RULES + ALONE), (STATEFUL, RULES)],
    ids=["one request at a time", "what one request made is used by the next"],
)
def test_the_api_keeps_to_its_description(served: Served, data_dir: Path, phases: str, rules: str) -> None:
    file = data_dir / "schemathesis.toml"
    file.write_text(rules.replace("USER", str(served.user)).replace("PROTOCOL", str(served.protocol)))
    command = [sys.executable, "-c", RUN, "--config-file", str(file), "run", f"{served.url}/openapi.json", "--phases", phases]
    run = subprocess.run(
        [*command, "--no-color", "--continue-on-failure"],
        cwd=data_dir,
        capture_output=True,
        text=True,
        timeout=700,
        check=False,
    )
    said = "\n".join(line[:300] for line in (run.stdout + run.stderr).splitlines())
    assert run.returncode == 0, said
    assert re.search(r"Operations: +(\d+) selected / \1 total", said), said
    print(said)
    if phases != STATEFUL:  # a test of refusals alone would show little
        known = IN_PERSON | WITH_ACCOUNTS | OF_A_RUN_THAT_IS_OVER | OF_A_PLAN | OF_A_SESSION | OF_TWO_NAMES
        assert served.operations() - served.accepted() - known == set()
