"""Protocols over REST: uploading, refusing with the path, versions, diagrams, rehearsals."""

from __future__ import annotations

from typing import Any

import yaml

from lics_actors.experiment.library import classics, text_of
from tests.unit.web.conftest import Web
from tests.unit.web.test_web_subjects import told


async def uploaded(web: Web, document: Any, status: int = 201) -> dict[str, Any]:
    found, version = await told(web, "POST", "/protocols", json={"document": document, "note": "first"})
    assert found == status, version
    return version


async def test_a_protocols_life(web: Web) -> None:
    text = text_of("two_choice")
    first = await uploaded(web, text)
    assert (first["name"], first["number"], first["text"], first["rehearsed"], first["note"]) == (
        "two_choice",
        1,
        text,
        False,
        "first",
    )
    same = await uploaded(web, yaml.safe_load(text), 200)
    assert (same["id"], list(same["document"]["states"])) == (first["id"], list(yaml.safe_load(text)["states"]))
    second = await uploaded(web, text.replace("title: ", "title: Other "))
    assert (second["number"], second["protocol_id"]) == (2, first["protocol_id"])
    path = f"/protocols/{first['protocol_id']}"
    _, protocol = await told(web, "GET", path)
    assert (protocol["name"], protocol["newest"]) == ("two_choice", 2)
    _, page = await told(web, "GET", "/protocols?name=two_choice")
    assert [each["id"] for each in page["items"]] == [first["protocol_id"]]
    _, page = await told(web, "GET", f"{path}/versions?limit=1")
    assert [each["number"] for each in page["items"]] == [2]
    _, again = await told(web, "GET", f"{path}/versions/1")
    assert again["text"] == text
    picture = await web.ask("GET", f"{path}/versions/1/diagram")
    assert (picture.status_code, picture.content_type) == (200, "image/svg+xml")
    assert (await picture.get_data()).startswith(b"<svg")
    for missing in ("/versions/3", "/versions/3/diagram", "/versions/3/rehearsals"):
        assert (await told(web, "GET", path + missing))[0] == 404


async def test_what_cannot_be_run_is_refused_with_every_path(web: Web) -> None:
    broken = text_of("fixed_ratio").replace("to: respond", "to: nowhere", 1).replace("after: 15 s", "after: 15 ul")
    status, refused = await told(web, "POST", "/protocols", json={"document": broken})
    assert (status, refused["detail"]["code"]) == (422, "PROTOCOL_INVALID")
    fields = {each["field"] for each in refused["detail"]["fields"]}
    assert {"states.begin.transitions.0.to", "states.reward.transitions.2.after"} <= fields
    for body in ({}, {"document": "a: [", "note": ""}, {"document": "{}", "classic": "x"}):
        assert (await told(web, "POST", "/protocols", json=body))[0] == 422
    assert (await told(web, "POST", "/protocols", json={"classic": "nobody"}))[0] == 404
    assert (await told(web, "GET", "/protocols"))[1]["items"] == []


async def test_the_classics_are_there_by_name(web: Web) -> None:
    _, listed = await told(web, "GET", "/protocols/classics")
    assert [each["name"] for each in listed["items"]] == list(classics())
    for status in (201, 200):
        found, version = await told(web, "POST", "/protocols", json={"classic": "go_nogo"})
        assert (found, version["text"]) == (status, text_of("go_nogo"))


async def test_a_version_is_rehearsed_and_that_is_kept(web: Web) -> None:
    version = await uploaded(web, text_of("fixed_ratio"))
    path = f"/protocols/{version['protocol_id']}/versions/1"
    status, few = await told(web, "POST", f"{path}/rehearsals", json={"trials": 10})
    assert (status, few["sound"]) == (201, False)
    assert "100 at least" in few["why_not"]
    assert not (await told(web, "GET", path))[1]["rehearsed"]
    wish = {"trials": 120, "subject_model": "ideal", "seed": 7, "parameters": {"ratio": 2, "volume": "12 ul"}}
    status, done = await told(web, "POST", f"{path}/rehearsals", {"Idempotency-Key": "a"}, json=wish)
    assert (status, done["sound"], done["result"]["replay"], done["parameters"]["volume"]) == (201, True, "identical", "12 ul")
    assert (await told(web, "GET", path))[1]["rehearsed"]
    _, page = await told(web, "GET", f"{path}/rehearsals")
    assert [each["id"] for each in page["items"]] == [done["id"], few["id"]]
    for parameters, field in (({"volume": 12}, "volume"), ({"ratio": 1000}, "ratio"), ({"what": 1}, "what")):
        status, refused = await told(web, "POST", f"{path}/rehearsals", json={"parameters": parameters})
        assert (status, refused["detail"]["fields"][0]["field"]) == (422, f"parameters.{field}")
