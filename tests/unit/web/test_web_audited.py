"""Nothing is changed unseen: every route that changes something tells the audit who did what, from where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from quart import Response

from lics_actors.journal import JournalReader, journal_path
from lics_actors.store.records import Audited
from tests.unit.web.conftest import BEARER, Web
from web.audited import PREFIX
from web.auth import PUBLIC, permission_of, public
from web.endings import READING
from web.speech import speech_of

NOWHERE = str(UUID(int=9))


def audited(data_dir: Path) -> list[Audited]:
    """Return what the audit's journal holds."""
    reader = JournalReader(journal_path(data_dir / "journals", "operators"))
    try:
        return [record for _, record in reader.read(0, 10_000) if isinstance(record, Audited)]
    finally:
        reader.close()


async def noted(web: Web, data_dir: Path, request_id: str) -> list[Audited]:
    """Return what one request told the audit."""
    await web.app.extensions["lics"].audit.flush()
    return [each for each in audited(data_dir) if each.request_id == request_id]


async def change(web: Web, method: str, path: str, name: str, **more: Any) -> Response:
    answered = await web.app.test_client().open(path, method=method, headers={**BEARER, "X-Request-ID": name}, **more)
    assert isinstance(answered, Response)
    return answered


async def test_every_route_that_changes_something_tells_the_audit(
    web: Web, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.auth.NOTED", 10_000)  # refusals a minute
    schemas = (await (await web.ask("GET", "/openapi.json")).get_json())["components"]["schemas"]
    silent = []
    for n, rule in enumerate(web.app.url_map.iter_rules()):
        path = re.sub(r"<int[^>]*>", "7", re.sub(r"<uuid:\w+>", NOWHERE, rule.rule))
        speech = speech_of(web.app.view_functions[rule.endpoint])
        for method in (rule.methods or set()) - READING:
            name = f"walk-{n}-{method}"
            body = speech.body if speech is not None else None
            example = {} if body is None else schemas[body.__name__]["examples"][0]
            answered = await change(web, method, re.sub(r"<[^>]*>", "nothing", path), name, json=example)
            assert answered.status_code not in {404, 405} or await answered.get_json(), rule.rule
            told = await noted(web, data_dir, name)
            itself = any(not each.action.startswith(PREFIX) for each in told)
            # what a route does that looked first and found nothing, the tests with this fixture show
            looked_first = answered.status_code in {404, 409, 412} and bool(told)
            if not itself and not looked_first:
                text = (await answered.get_data(as_text=True))[:150]
                silent.append(f"{method} {rule.rule} answered {answered.status_code} {text}")
            for each in told:
                public_route = permission_of(web.app.view_functions[rule.endpoint]) == PUBLIC
                assert each.principal == ("anonymous" if public_route else "user:admin"), rule.rule
                assert each.origin == "rest"
    assert not silent, "to be told by AuditLog.act:\n" + "\n".join(silent)


async def test_what_a_route_forgets_is_told_with_less(web: Web, data_dir: Path) -> None:
    web.may_forget = True

    async def forgetful() -> Response:
        return Response(b"", 204)

    web.app._got_first_request = False
    web.app.add_url_rule("/forgetful", "forgetful", public()(forgetful), methods=["POST", "GET"])
    await change(web, "POST", "/forgetful", "forgot-1")
    await change(web, "GET", "/forgetful", "read-1")
    (entry,) = await noted(web, data_dir, "forgot-1")
    assert (entry.action, entry.target, entry.outcome, entry.after) == (
        f"{PREFIX}post public",
        "/forgetful",
        "ok",
        {"status": 204},
    )
    assert await noted(web, data_dir, "read-1") == []


async def test_a_device_is_told_before_and_after(web: Web, data_dir: Path) -> None:
    device = await web.add("pump-1")
    path = f"/api/v1/devices/{device['id']}"
    await change(web, "PATCH", path, "named", json={"name": "pump-2"})
    await change(web, "DELETE", path, "gone")
    _, end = await noted(web, data_dir, "named")
    assert (end.action, end.target, end.outcome) == ("device.change", f"device:{device['id']}", "ok")
    assert end.before is not None
    assert end.after is not None
    assert (end.before["name"], end.after["name"], end.after["version"]) == ("pump-1", "pump-2", 2)
    _, end = await noted(web, data_dir, "gone")
    assert end.after is not None
    assert (end.action, end.after["admin"]) == ("device.retire", "retired")


async def test_a_command_is_told_with_what_came_of_it(web: Web, data_dir: Path) -> None:
    device = web.fleet.has_one()
    said = {"name": "dispense", "args": {"volume_ul": 5.0}, "reason": "thirsty"}
    answered = await change(web, "POST", f"/api/v1/devices/{device}/command", "dispensed", json=said)
    await change(web, "POST", f"/api/v1/devices/{NOWHERE}/command", "nobody", json=said)
    (done,) = await noted(web, data_dir, "dispensed")
    assert (done.action, done.target, done.outcome, done.reason) == ("device.command", f"device:{device}", "ok", "thirsty")
    assert done.after == {"command": (await answered.get_json())["id"], "name": "dispense", "state": "succeeded"}
    (refused,) = await noted(web, data_dir, "nobody")
    assert (refused.outcome, (refused.error or "")[:16]) == ("refused", "DEVICE_NOT_FOUND")
    assert json.dumps(refused.after)
