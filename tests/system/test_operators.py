"""Operators at work in a whole laboratory: every verb over command line, REST and WebSocket, and what the audit keeps of it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from drivers.native.demo import DemoDevice, demo_devices
from lics_actors.device.messages import BrokerSpec
from tests.system.laboratory import TOKEN, Laboratory
from tests.system.live_web import Viewer
from tests.waiting import eventually

PUMPS = [device for device in demo_devices() if device.type == "pump"][:2]
PUMP, OTHER = PUMPS


@asynccontextmanager
async def at_work(laboratory: Laboratory, *devices: DemoDevice) -> AsyncIterator[Laboratory]:
    """A laboratory with simulated devices, all online."""
    async with laboratory:
        for device in devices:
            await laboratory.register(device)
        async with laboratory.simulator(*devices, rate_hz=2.0):
            for device in devices:
                await eventually(lambda device=device: laboratory.is_link(device.id, "online"))
            yield laboratory


@asynccontextmanager
async def viewer_of(laboratory: Laboratory) -> AsyncIterator[Viewer]:
    address = str(laboratory.api.base_url).replace("http", "ws") + "/ws"
    async with connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        viewer = Viewer(socket)
        await viewer.until("ready")
        yield viewer


async def said(laboratory: Laboratory, *words: str, code: int = 0) -> Any:
    ended, text = await laboratory.cli(*words, "--json")
    assert ended == code, text
    return json.loads(text) if code == 0 else text


async def state_of(laboratory: Laboratory, node: str) -> str:
    return str((await laboratory.nodes())[node]["state"])


async def audited(laboratory: Laboratory, acts: int) -> list[dict[str, Any]]:
    """Return the audit, oldest first, once it has so many acts."""

    async def enough() -> list[dict[str, Any]] | None:
        items = (await laboratory.get("/api/v1/audit"))["items"]
        items = [item for item in items if item["action"].startswith("fleet.")]
        return list(reversed(items)) if len(items) >= acts and all(item["outcome"] != "asked" for item in items) else None

    return await eventually(enough, what=f"{acts} acts in the audit")


async def test_every_verb_every_way_and_who_did_it(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    node = f"device:{PUMP.id}"
    async with at_work(Laboratory(data_dir, database_url, redis_url, broker, free_port), PUMP) as laboratory:
        # over REST
        async def post(verb: str, expected: int = 200, **body: Any) -> Any:
            answer = await laboratory.api.post(f"/api/v1/fleet/{verb}", json=body)
            assert answer.status_code == expected, answer.text
            return answer.json()

        drained = await post("drain", node=node, reason="new tubes")
        assert (drained["state"], drained["verb"], drained["node"]) == ("drained", "drain", node)
        refused = await laboratory.command(PUMP.id, "dispense", {"volume_ul": 1.0})
        assert refused.status_code == 503
        assert (await post("clear", node=node, reason="tubes are in"))["state"] == "running"
        assert (await post("quarantine", node=node, reason="it leaks"))["state"] == "quarantined"
        assert (await post("restart", node=node))["state"] == "running", "lifts it"
        assert (await post("drain", 422, node=node))["detail"]["type"] == "validation_error"
        assert (await post("drain", 404, node="device:nobody", reason="x"))["detail"]["code"] == "NODE_NOT_FOUND"
        assert (await post("restart", 422, node="rack:1"))["detail"]["code"] == "REASON_REQUIRED"
        assert (await post("drain", 422, node="all", reason="x"))["detail"]["code"] == "VERB_NOT_FOR_ALL"

        # over the WebSocket
        async with viewer_of(laboratory) as viewer:
            back = ("clear", "running")
            wishes = [("drain", "drained"), back, ("quarantine", "quarantined"), back, ("restart", "running")]
            for n, (verb, state) in enumerate(wishes):
                await viewer.say(kind="fleet", ref=str(n), verb=verb, node=node, reason="over the socket")
                told = await viewer.until("fleet", ref=str(n))
                assert (told["fleet"]["verb"], told["fleet"]["state"]) == (verb, state)
            await viewer.say(kind="fleet", ref="x", verb="drain", node=node)
            assert (await viewer.until("error", ref="x"))["detail"]["code"] == "REASON_REQUIRED"
            await viewer.say(kind="fleet", ref="y", verb="explode", node=node)
            assert (await viewer.until("error", ref="y"))["detail"]["type"] == "validation_error"

        # over the command line
        assert (await said(laboratory, "fleet", "drain", PUMP.name, "--reason", "by hand"))["state"] == "drained"
        status = await said(laboratory, "fleet", "status")
        assert [trouble["severity"] for trouble in status["troubles"] if "drained" in trouble["what"]] == ["low"]
        assert (await said(laboratory, "fleet", "clear", PUMP.name, "--reason", "by hand"))["state"] == "running"
        assert (await said(laboratory, "fleet", "quarantine", PUMP.name, "--reason", "by hand"))["state"] == "quarantined"
        code, text = await laboratory.cli("fleet", "status")
        assert code == 1 and "quarantine" in text and "lics fleet clear" in text
        code, text = await laboratory.cli("fleet", "clear", PUMP.name)
        assert code == 2 and "reason" in text
        assert (await said(laboratory, "fleet", "restart", PUMP.name))["state"] == "running"
        code, text = await laboratory.cli("fleet", "drain", "nobody", "--reason", "x")
        assert code == 1 and "nobody" in text

        acts = await audited(laboratory, 20)
        told = [(act["origin"], act["action"].removeprefix("fleet."), act["outcome"]) for act in acts]
        assert told == [
            *[("rest", verb, "ok") for verb in ("drain", "clear", "quarantine", "restart")],
            *[("rest", verb, "refused") for verb in ("drain", "drain", "restart", "drain")],
            *[("ws", verb, "ok") for verb in ("drain", "clear", "quarantine", "clear", "restart")],
            ("ws", "drain", "refused"),
            *[("cli", verb, "ok") for verb in ("drain", "clear", "quarantine")],
            ("cli", "clear", "refused"),
            ("cli", "restart", "ok"),
            ("cli", "drain", "refused"),
        ]
        first = acts[0]
        assert (first["principal"], first["remote"], first["reason"]) == ("user:admin", "127.0.0.1", "new tubes")
        assert first["before"]["state"] == "running" and first["after"]["state"] == "drained" and first["request_id"]
        assert acts[-1]["principal"].startswith("cli:") and "NODE_NOT_FOUND" in acts[-1]["error"]
        page = await laboratory.get("/api/v1/audit", action="fleet.restart")
        assert {item["action"] for item in page["items"]} == {"fleet.restart"}


async def test_watching_goes_on_through_a_restart_and_logs_are_a_nodes_own(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    (data_dir / "log").mkdir()
    (data_dir / "log" / "fleet.log").symlink_to(data_dir / "fleet.out")  # where `lics up` has it
    async with at_work(Laboratory(data_dir, database_url, redis_url, broker, free_port), PUMP) as laboratory:
        watching = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lics_actors", "fleet", "watch", "--json", "--interval", "0.2"),
            cwd=laboratory.data_dir,
            env=laboratory.environment,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        assert watching.stdout is not None

        async def look(is_so: Callable[[Any], bool]) -> Any:
            async with asyncio.timeout(60):
                while not is_so(seen := json.loads(await watching.stdout.readline())):  # type: ignore[union-attr]
                    pass
            return seen

        first = await look(lambda seen: bool(seen.get("rates")))
        assert (first["status"]["devices"], first["alarms"]) == ({"online": 1}, [])
        assert set(first["rates"]) == {"messages", "rows", "commands"}
        await laboratory.stop("fleet")
        await look(lambda seen: "the fleet" in seen.get("error", ""))  # a moment before that, an actor of it was dead
        laboratory.start("fleet", "fleet", "run")
        await look(lambda seen: "status" in seen and seen["status"]["devices"] == {"online": 1})
        watching.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(watching.wait(), 40) == 0

        code, text = await laboratory.cli("fleet", "logs", PUMP.name)
        assert code == 0 and "device changed" in text and "recorder closed" not in text
        code, text = await laboratory.cli("fleet", "watch", "--looks", "1")
        assert code == 0 and "1 of 1 device actors run" in text and PUMP.name in text
