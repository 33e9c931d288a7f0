"""Laboratories over REST: every route, every role, one's own laboratory and another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from quart import Response

from lics_actors.access.laboratories import DEFAULT_LABORATORY, MEMBER_ROLES
from lics_actors.access.people import Account
from lics_actors.access.roles import TABLE, Role
from tests.unit.web.conftest import Web
from tests.unit.web.laboratory_objects import (
    BODIES,
    IN_BODIES,
    IN_QUERIES,
    MAKERS,
    PARTS,
    PERSONAL,
    alarm,
    device,
    node,
    rig,
    user,
    version,
)
from tests.unit.web.test_web_access import access_of, ask, audited, code_of, person, sign_in
from web.auth import PUBLIC, permission_of
from web.scoping import judged_how, noun_of

PLAIN = {"Content-Type": "text/plain"}
OWN = DEFAULT_LABORATORY


@pytest.fixture
async def other(web: Web) -> UUID:
    """Another laboratory."""
    made = await web.ask("POST", "/laboratories", json={"name": "the other one"})
    assert made.status_code == 201, await made.get_data()
    return UUID((await made.get_json())["id"])


def issued(web: Web, role: Role, *places: UUID) -> str:
    """Return a token of somebody with a role in laboratories, whom no table knows."""
    now = datetime.now(UTC)
    there = dict.fromkeys(places, role)
    account = Account(uuid4(), f"{role}@lab.example", role, 1, now, "t", now, None, now, None, None, None, there)
    return access_of(web).desk.tokens.issue(account, uuid4())[0]


def routes(web: Web) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield method, template, permission and the names in the path of every route that is not for everybody."""
    for rule in web.app.url_map.iter_rules():
        permission = permission_of(web.app.view_functions[rule.endpoint])
        if permission not in {None, PUBLIC}:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule.removeprefix("/api/v1"), str(permission), sorted(rule.arguments)


def filled(template: str, values: dict[str, str]) -> str:
    return re.sub(r"<(?:[^:<>]*:)?(\w+)>", lambda found: values[found[1]], template)


async def test_every_name_in_a_path_says_whose_it_is(web: Web) -> None:
    for rule in web.app.url_map.iter_rules():
        view = web.app.view_functions[rule.endpoint]
        if permission_of(view) == PUBLIC:
            continue
        for name in rule.arguments:
            if noun_of(name) is None and name not in PARTS:
                assert judged_how(view), f"{rule.rule}: say who judges {name} (CONTRIBUTING.md, Add an endpoint, 4)"
            assert name in MAKERS or name in PARTS or name in PERSONAL, f"{rule.rule}: laboratory_objects.py makes no {name}"
        if set(rule.arguments) & set(PARTS):
            assert any(noun_of(name) for name in rule.arguments), f"{rule.rule}: a part of what?"


async def test_a_route_with_a_name_that_nobody_declared_answers_nobody(web: Web) -> None:
    async def forgetful(secret_id: UUID) -> str:
        return f"the secret {secret_id}"

    forgetful._lics_permission = "device:read"  # type: ignore[attr-defined]
    web.app._got_first_request = False  # so that Quart lets a route be added
    web.app.add_url_rule("/api/v1/secrets/<uuid:secret_id>", view_func=forgetful)
    assert (await ask(web, "GET", f"/secrets/{uuid4()}", issued(web, Role.LAB_ADMIN, OWN))).status_code == 403


async def test_every_role_at_every_id_here_and_elsewhere(web: Web, other: UUID) -> None:
    """What is elsewhere is answered exactly as what is not there at all; what is here, by the role."""
    asked = 0
    made = {place: {name: await make(web, place) for name, make in MAKERS.items()} for place in (OWN, other)}
    for method, template, permission, names in routes(web):
        mine = [name for name in names if name in MAKERS]
        if not mine:
            continue
        for role in MEMBER_ROLES:
            token, may = issued(web, role, OWN), role in TABLE[permission]
            for place in (OWN, other):
                if method == "DELETE":  # does not need a body, so it does it
                    made[place] |= {name: await MAKERS[name](web, place) for name in mine}
                path = filled(template, made[place] | PARTS)
                elsewhere = place == other and (method, template) in BODIES
                given: dict[str, Any] = {"json": BODIES[method, template]} if elsewhere else {"headers": PLAIN, "data": b"x"}
                response = await ask(web, method, path, token, **given)
                here = (method, template, role, "own" if place == OWN else "other", response.status_code)
                asked += 1
                if not may:
                    assert response.status_code == 403, here
                elif place == other:
                    assert response.status_code == 404, here
                    missing = filled(template, {name: absent(name) for name in mine} | PARTS)
                    nothing = await ask(web, method, missing, token, **given)
                    assert await shape(response, path) == await shape(nothing, missing), here
                else:
                    gone = {404} if not set(names) & set(PARTS) else set()
                    assert response.status_code not in {401, 403} | gone, (*here, await response.get_data())
    assert asked >= 8 * 40, "the walk is over all of them"


def absent(name: str) -> str:
    if name == "alarm_id":
        return "987654321"
    return f"device:{uuid4()}" if name == "node" else str(uuid4())


async def shape(response: Response, path: str) -> Any:
    """Return what an answer says, without the names that were asked for and the request's own."""
    detail = (await response.get_json())["detail"]
    detail.pop("request_id")
    text = str(detail)
    for word in sorted(re.findall(r"(?:device:)?[0-9a-f]{8}-[0-9a-f-]{27}|\d{3,}|alarms/\d+", path), key=len, reverse=True):
        text = text.replace(word.removeprefix("alarms/"), "…")
    return response.status_code, re.sub(r"alarm \S+", "alarm …", text), dict(response.headers).keys()


async def test_no_answer_tells_of_another_laboratory(web: Web, other: UUID) -> None:
    """Every GET of everything of one's own: lists, pages, trees, latest values, the audit, people."""
    ours = {name: await make(web, OWN) for name, make in MAKERS.items()}
    theirs = {await make(web, other) for name, make in MAKERS.items() if name != "laboratory_id"} | {str(other)}
    canary = re.compile(
        "|".join(re.escape(word) for word in (*theirs, f"canary-{other}", f"{other.hex}.example") if len(word) > 8)
    )
    seen = 0
    for method, template, permission, names in routes(web):
        if method != "GET" or set(names) & PERSONAL:
            continue
        for role in MEMBER_ROLES:
            if role not in TABLE[permission]:
                continue
            response = await ask(web, "GET", filled(template, ours | PARTS), issued(web, role, OWN))
            body = (await response.get_data()).decode(errors="replace")
            assert canary.search(body) is None, (template, role, canary.search(body))
            seen += response.status_code == 200
    assert seen > 80
    everything = await (await web.ask("GET", "/devices?limit=500")).get_data()
    assert canary.search(everything.decode()), "who sees all sees it, so there was something to be seen"


@pytest.mark.parametrize(
    "path", ["/devices", "/rigs", "/alarms?all=true", "/telemetry/latest", "/subjects", "/users", "/audit", "/runs"]
)
async def test_pages_go_on_over_what_is_not_ones_own(web: Web, other: UUID, path: str) -> None:
    for place in (OWN, other, OWN, other, other, OWN):
        await rig(web, place)
        await alarm(web, place)
        await user(web, place)
        await MAKERS["subject_id"](web, place)
        await MAKERS["run_id"](web, place)
    token = issued(web, Role.LAB_ADMIN, OWN)
    found: list[str] = []
    cursor, whole = "", "&" if "?" in path else "?"
    for _ in range(100):
        page = await (await ask(web, "GET", f"{path}{whole}limit=2{cursor}", token)).get_json()
        found += [str(each) for each in page["items"]]
        if page["next"] is None:
            break
        assert len(page["items"]) == 2, "a page is full until the last"
        cursor = f"&cursor={page['next']}"
    every = await (await ask(web, "GET", f"{path}{whole}limit=500", token)).get_json()
    assert found == [str(each) for each in every["items"]]
    if path != "/audit":  # is shipped by the Recorder, which does not run here
        assert len(found) >= 3


def ids_in(schema: Any, document: dict[str, Any], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the names of all properties, however deep, that hold ids."""
    if isinstance(schema, list):
        for each in schema:
            yield from ids_in(each, document, seen)
    if not isinstance(schema, dict):
        return
    reference = schema.get("$ref", "")
    if reference and reference not in seen:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        yield from ids_in(target, document, seen | {reference})
    for name, inner in schema.get("properties", {}).items():
        if '"uuid"' in str(inner).replace("'", '"'):
            yield name
        yield from ids_in(inner, document, seen)
    for key in ("items", "anyOf", "oneOf", "allOf", "additionalProperties"):
        yield from ids_in(schema.get(key), document, seen)


async def test_every_id_in_a_body_or_a_query_is_declared(web: Web) -> None:
    document = await (await web.ask("GET", "/openapi.json")).get_json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = operation.get("requestBody", {}).get("content", {}).values()
            for name in {each for body in bodies for each in ids_in(body["schema"], document)}:
                assert name in IN_BODIES, f"{method} {path}: say what becomes of another laboratory's {name}"
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and "uuid" in str(parameter["schema"]):
                    assert parameter["name"] in IN_QUERIES, f"{method} {path}: say what becomes of another's {parameter['name']}"


async def test_ids_in_bodies_and_queries(web: Web, other: UUID) -> None:
    token = issued(web, Role.LAB_ADMIN, OWN)
    theirs, ours, rig_id = await device(web, other), await device(web, OWN), await rig(web, OWN)
    elsewhere = {"laboratory_id": str(other)}

    async def told(method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        response = await (ask(web, method, path, token) if body is None else ask(web, method, path, token, json=body))
        return await code_of(response)

    none = (404, "LABORATORY_NOT_FOUND")
    assert await told("POST", "/devices", {"name": "x", "type": "pump", **elsewhere}) == none
    assert await told("POST", "/rigs", {"name": "x", **elsewhere}) == none
    assert await told("POST", "/subjects", {"name": "x", "species": "Mus musculus", **elsewhere}) == none
    assert await told("POST", "/users", {"email": "x@lab.example", "role": "observer", **elsewhere}) == none
    assert await told("POST", f"/devices/{ours}/move", {"reason": "lent", **elsewhere}) == none
    for path in ("/devices", "/rigs", "/subjects", "/users"):  # as one that nobody ever made
        body = {"name": "x", "email": "y@lab.example", "role": "observer", "type": "pump", "species": "Mus musculus"}
        kept = {"/devices": ("name", "type"), "/rigs": ("name",), "/subjects": ("name", "species"), "/users": ("email", "role")}
        asked = {name: body[name] for name in kept[path]} | {"laboratory_id": str(uuid4())}
        assert await told("POST", path, asked) == none
    assert (await told("POST", "/devices", {"id": theirs, "name": "x", "type": "pump"}))[0] == 409
    assert (await told("POST", "/rigs", {"name": "x", "devices": {"pump": theirs}}))[0] == 422
    assert (await told("PATCH", f"/rigs/{rig_id}", {"devices": {"pump": theirs}}))[0] == 422
    for changed in ({"laboratory_id": str(other)}, {"name": "x", "laboratory_id": str(other)}):
        assert (await told("PATCH", f"/devices/{ours}", changed))[0] == 422, "a device is moved, not assigned"
        assert (await told("PATCH", f"/rigs/{rig_id}", changed))[0] == 422
    both = await (await ask(web, "GET", f"/telemetry/latest?device_id={theirs}&device_id={uuid4()}", token)).get_json()
    assert [{name: value for name, value in each.items() if name != "device_id"} for each in both["items"]] == [
        {"values": []}
    ] * 2
    theirs_command = await MAKERS["command_id"](web, other)
    for device_id in (theirs, ours, str(uuid4())):
        assert await told("GET", f"/commands/{theirs_command}?device_id={device_id}") == (404, "COMMAND_NOT_FOUND")
        cancelled = await told("POST", f"/commands/{theirs_command}/cancel?device_id={device_id}", {})
        assert cancelled == (404, "COMMAND_NOT_FOUND")
    assert (await (await ask(web, "GET", f"/rigs?device={theirs}", token)).get_json())["items"] == []
    their_rig, their_subject, protocol = await rig(web, other), await MAKERS["subject_id"](web, other), {"protocol": "two_choice"}
    assert (await told("POST", "/runs", {"rig_id": their_rig, **protocol}))[0] == 404
    assert (await told("POST", "/runs", {"rig_id": rig_id, "subject_id": their_subject, **protocol}))[0] == 404
    plan: dict[str, Any] = {"name": "x", "stages": [{"name": "only", "protocol_version_id": await version(web, OWN)}]}
    mouse, their_experiment = await MAKERS["subject_id"](web, OWN), await MAKERS["experiment_id"](web, other)
    changes: tuple[dict[str, Any], ...] = (
        {"laboratory_id": str(other)},
        {"stages": [{"name": "only", "protocol_version_id": await version(web, other)}]},
        {"subjects": [their_subject]},
        {"subjects": [mouse], "schedule": {"rigs": {mouse: their_rig}}},
        {"subjects": [mouse], "schedule": {"readers": {mouse: theirs}}},
    )
    for change in changes:
        status, code = await told("POST", "/experiments", plan | change)
        assert status == (404 if "laboratory_id" in change else 422), (change, code)
    assert (await told("POST", "/runs", {"rig_id": rig_id, "subject_id": mouse, "experiment_id": their_experiment}))[0] == 404
    run = await web.repository.get_run(UUID(await MAKERS["run_id"](web, other)))
    for chosen in (f"rig={run.rig_id}", f"subject={their_subject}", f"experiment={uuid4()}", ""):
        assert (await (await ask(web, "GET", f"/runs?{chosen}", token)).get_json())["items"] == []
    for verb in ("restart", "drain", "quarantine", "clear"):
        assert await told("POST", f"/fleet/{verb}", {"node": f"device:{theirs}", "reason": "x"}) == (404, "NODE_NOT_FOUND")
        for shared in ("recorder", "rack:1", "all"):
            steered = await told("POST", f"/fleet/{verb}", {"node": shared, "reason": "x"})
            assert steered == (403, "PERMISSION_DENIED"), "it serves the other laboratory, too"


async def test_nobody_makes_things_in_a_laboratory_that_is_not_there(web: Web) -> None:
    for path, body in (("/devices", {"name": "x", "type": "pump"}), ("/rigs", {"name": "x"})):
        made = await web.ask("POST", path, json={**body, "laboratory_id": str(uuid4())})
        assert await code_of(made) == (404, "LABORATORY_NOT_FOUND"), path


async def test_one_laboratory_alone_has_the_house_for_itself(web: Web) -> None:
    steered = await ask(web, "POST", "/fleet/drain", issued(web, Role.TECHNICIAN, OWN), json={"node": "recorder", "reason": "x"})
    assert steered.status_code in {200, 404}, "as the fleet knows it"
    shared = await ask(web, "GET", "/fleet/nodes/recorder/logs", issued(web, Role.OBSERVER, OWN))
    assert shared.status_code in {200, 404}


async def test_a_device_goes_to_another_laboratory(web: Web, other: UUID) -> None:
    pump = await device(web, OWN)
    here, there = issued(web, Role.RESEARCHER, OWN), issued(web, Role.RESEARCHER, other)
    both = issued(web, Role.TECHNICIAN, OWN, other)
    assert (await ask(web, "GET", f"/devices/{pump}", there)).status_code == 404
    body = {"laboratory_id": str(other), "reason": "lent for a study"}
    assert (await ask(web, "POST", f"/devices/{pump}/move", here, json=body)).status_code == 404
    with_rig = await web.ask("POST", "/rigs", json={"name": "cage", "devices": {"pump": pump}})
    assert await code_of(await ask(web, "POST", f"/devices/{pump}/move", both, json=body)) == (409, "CONFLICT")
    await web.ask("DELETE", f"/rigs/{(await with_rig.get_json())['id']}")
    moved = await ask(web, "POST", f"/devices/{pump}/move", both, json=body)
    assert (moved.status_code, (await moved.get_json())["laboratory_id"]) == (200, str(other))
    for path in ("", "/telemetry", "/events", "/commands", "/completeness", "/telemetry?format=csv", "/telemetry?format=arrow"):
        assert (await ask(web, "GET", f"/devices/{pump}{path}", here)).status_code == 404, path
        assert (await ask(web, "GET", f"/devices/{pump}{path}", there)).status_code == 200, path
    assert (await ask(web, "POST", f"/devices/{pump}/command", here, json={"name": "dispense"})).status_code == 404


async def test_no_device_is_given_the_topics_of_another_laboratorys(web: Web, other: UUID) -> None:
    """Its settings would have LICS record and command what belongs to the other one."""
    at = {"type": "controller", "driver": "mqtt_io", "laboratory_id": str(OWN)}
    settings = {"topic_prefix": "rack/1", "outputs": {"valve": {}}}
    theirs = await web.ask("POST", "/devices", json=at | {"name": "theirs", "settings": settings, "laboratory_id": str(other)})
    assert theirs.status_code == 201, await theirs.get_data()

    async def code(method: str, path: str, body: dict[str, Any]) -> tuple[int, str]:
        refused = await web.ask(method, path, json=body)
        text = await refused.get_data(as_text=True)
        assert "theirs" not in text and str(other) not in text
        return refused.status_code, (await refused.get_json()).get("detail", {}).get("code", "")

    shared = (409, "TOPICS_SHARED")
    assert await code("POST", "/devices", at | {"name": "mine", "settings": settings}) == shared
    assert await code("POST", "/devices", at | {"name": "mine", "settings": settings | {"topic_prefix": "rack/2"}}) == (201, "")
    mine = (await (await web.ask("GET", "/devices?q=mine")).get_json())["items"][0]["id"]
    assert await code("PATCH", f"/devices/{mine}", {"settings": settings}) == shared
    anew = {"name": "mine", "type": "controller", "driver": "mqtt_io", "settings": settings}
    assert await code("PUT", f"/devices/{mine}", anew) == shared
    twin = await code("POST", "/devices", at | {"name": "twin", "settings": settings | {"topic_prefix": "rack/2"}})
    assert twin == (201, ""), "within one laboratory people may know what they do"
    theirs_too = (await (await web.ask("GET", "/devices?q=twin")).get_json())["items"][0]["id"]
    move = {"laboratory_id": str(other), "reason": "lent"}
    assert await code("POST", f"/devices/{theirs_too}/move", move) == shared, "the one that stays would hear the other"


async def test_new_things_go_where_one_may_make_them(web: Web, other: UUID) -> None:
    body = {"type": "pump"}
    one, both = issued(web, Role.TECHNICIAN, other), issued(web, Role.TECHNICIAN, OWN, other)
    made = await (await ask(web, "POST", "/devices", one, json={"name": "same", **body})).get_json()
    assert made["laboratory_id"] == str(other)
    unclear = await ask(web, "POST", "/devices", both, json={"name": "same", **body})
    assert await code_of(unclear) == (422, "LABORATORY_NEEDED")
    named = await ask(web, "POST", "/devices", both, json={"name": "same", "laboratory_id": str(OWN), **body})
    assert named.status_code == 201, "a name is one laboratory's"


async def test_who_is_administrator_of_one_takes_over_nobody_of_two(web: Web, other: UUID) -> None:
    lead = await person(web, "lead@lab.example", Role.LAB_ADMIN)
    token = (await sign_in(web, "lead@lab.example"))["access_token"]
    ada = await person(web)
    await web.ask("PUT", f"/laboratories/{other}/members/{ada}", json={"role": "lab_admin"})
    for method, path, more in (
        ("PATCH", f"/users/{ada}", {"disabled": True}),
        ("POST", f"/users/{ada}/code", None),
        ("DELETE", f"/users/{ada}/sessions", None),
    ):
        response = await (ask(web, method, path, token, json=more) if more else ask(web, method, path, token))
        assert await code_of(response) == (403, "ROLE_TOO_HIGH"), path
    seen = await (await ask(web, "GET", f"/users/{ada}", token)).get_json()
    assert (seen["role"], seen["laboratories"]) == ("researcher", {str(OWN): "researcher"}), "what she is elsewhere is not told"
    changed = await ask(web, "PATCH", f"/users/{ada}", token, json={"role": "technician"})
    assert (await changed.get_json())["laboratories"] == {str(OWN): "technician"}
    for role in ("lab_admin", "super_admin", "device"):
        put = await ask(web, "PUT", f"/laboratories/{OWN}/members/{ada}", token, json={"role": role})
        assert await code_of(put) == (403, "ROLE_TOO_HIGH"), role
    mine = await ask(web, "PUT", f"/laboratories/{OWN}/members/{lead}", token, json={"role": "observer"})
    assert await code_of(mine) == (403, "ROLE_TOO_HIGH")
    gone = await ask(web, "DELETE", f"/laboratories/{OWN}/members/{ada}", token, json={"reason": "left"})
    assert (await gone.get_json())["laboratories"] == {}
    assert (await ask(web, "GET", f"/users/{ada}", token)).status_code == 404
    back = await ask(web, "POST", f"/laboratories/{OWN}/members", token, json={"email": "ada@lab.example", "role": "observer"})
    assert (await back.get_json())["role"] == "observer"


async def test_a_membership_counts_at_once(web: Web, other: UUID) -> None:
    ada = await person(web)
    there = await device(web, other)
    before = await sign_in(web)
    assert (await ask(web, "GET", f"/devices/{there}", before["access_token"])).status_code == 404
    await web.ask("PUT", f"/laboratories/{other}/members/{ada}", json={"role": "observer"})
    assert (await ask(web, "GET", "/auth/me", before["access_token"])).status_code == 401, "what it says is not so any more"
    after = await (await ask(web, "POST", "/auth/refresh", json={"refresh_token": before["refresh_token"]})).get_json()
    token = after["access_token"]
    assert (await ask(web, "GET", f"/devices/{there}", token)).status_code == 200
    forbidden = await ask(web, "POST", f"/devices/{there}/command", token, json={"name": "dispense"})
    assert await code_of(forbidden) == (403, "PERMISSION_DENIED"), "an observer sees it: no reason to deny that it is there"
    await web.ask("DELETE", f"/laboratories/{other}/members/{ada}", json={})
    assert (await ask(web, "GET", f"/devices/{there}", token)).status_code == 401


async def test_a_key_is_for_the_laboratories_that_it_names(web: Web, other: UUID) -> None:
    ada = await person(web)
    await web.ask("PUT", f"/laboratories/{other}/members/{ada}", json={"role": "technician"})
    ours, theirs = await device(web, OWN), await device(web, other)
    token = (await sign_in(web))["access_token"]

    async def key(**more: Any) -> Response:
        body = {"name": f"k{uuid4().hex[:8]}", "scopes": ["device:read"], "days": 1, **more}
        return await ask(web, "POST", "/api-keys", token, json=body)

    assert await code_of(await key(laboratory_id=str(uuid4()))) == (404, "LABORATORY_NOT_FOUND")
    rig_here = {"scopes": ["rig:write"], "laboratory_id": str(other)}
    assert (await key(**rig_here)).status_code == 422, "a technician there keeps no rigs, though a researcher elsewhere does"
    narrow = (await (await key(laboratory_id=str(other))).get_json())["secret"]
    wide = (await (await key()).get_json())["secret"]
    assert [(await ask(web, "GET", f"/devices/{each}", narrow)).status_code for each in (ours, theirs)] == [404, 200]
    assert [(await ask(web, "GET", f"/devices/{each}", wide)).status_code for each in (ours, theirs)] == [200, 200]


async def test_what_is_refused_elsewhere_is_audited(web: Web, other: UUID, data_dir: Any) -> None:
    theirs = await device(web, other)
    await ask(web, "GET", f"/devices/{theirs}", issued(web, Role.OBSERVER, OWN))
    await ask(
        web, "POST", "/fleet/drain", issued(web, Role.TECHNICIAN, OWN), json={"node": await node(web, other), "reason": "x"}
    )
    refused = [(each.action, each.principal) for each in audited(data_dir) if str(each.outcome) == "refused"]
    assert ("device:read", "user:observer@lab.example") in refused
    assert ("fleet.drain", "user:technician@lab.example") in refused
