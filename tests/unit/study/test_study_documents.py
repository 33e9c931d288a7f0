"""What may be said of subjects and parameters, the one form of a protocol, and when a rehearsal counts."""

from __future__ import annotations

import io
import sys
from datetime import date
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import yaml

from drivers.description import description_json
from drivers.native.spec import DEVICE_TYPES
from lics_actors.errors import ConflictError, InvalidError
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.document import Protocol
from lics_actors.experiment.library import classics, protocol_of, text_of
from lics_actors.experiment.problems import Problem
from lics_actors.study import rehearsing
from lics_actors.study.parameters import base_units
from lics_actors.study.protocol_documents import canonical, finding, kept, unsound, uploaded
from lics_actors.study.rehearsing import MAX_WAITING, Rehearser, Wish, rehearsed
from lics_actors.study.subject_documents import check_subject, needs_reason, read_daily, read_facts


@pytest.mark.parametrize("name", classics())
def test_the_one_form_says_the_same_in_the_same_order(name: str) -> None:
    protocol = protocol_of(name)
    again = kept(canonical(protocol))
    assert (again, canonical(again)) == (protocol, canonical(protocol))
    for part in ("states", "draws", "parameters", "outcomes"):
        assert list(getattr(again, part)) == list(getattr(protocol, part))
    assert uploaded(yaml.safe_dump(yaml.safe_load(text_of(name)), sort_keys=False), DEVICE_TYPES).document == canonical(protocol)


def test_a_warning_is_kept_with_its_path_and_what_to_do() -> None:
    problem = Problem("states.x", "it is odd", "look at it", "warning")
    assert finding(problem) == {"path": "states.x", "reason": "it is odd", "todo": "look at it", "level": "warning"}


def test_another_order_is_another_protocol() -> None:
    said = yaml.safe_load(text_of("fixed_ratio"))
    turned = {**said, "states": dict(reversed(said["states"].items()))}
    assert (
        uploaded(yaml.safe_dump(turned, sort_keys=False), DEVICE_TYPES).digest
        != uploaded(text_of("fixed_ratio"), DEVICE_TYPES).digest
    )


def test_parameters_are_told_in_base_units_or_refused_each_by_name() -> None:
    plan, _ = prepared(protocol_of("fixed_ratio"), DEVICE_TYPES)
    assert base_units(plan, {"ratio": 3, "volume": "0.02 ml", "pause": "500 ms"}) == {"ratio": 3, "volume": 20.0, "pause": 0.5}
    wrong: dict[str, Any] = {"ratio": "3 ul", "volume": 12, "pause": "1 galon", "patience": True, "x": 1, "y": [1]}
    with pytest.raises(InvalidError) as refused:
        base_units(plan, wrong | {"ratio": [3]})
    assert [each["field"] for each in refused.value.fields] == [f"parameters.{name}" for name in wrong]


def test_a_rehearsal_counts_when_it_was_long_sound_and_the_same_again() -> None:
    good = {"trials": 100, "replay": "identical", "endings": {"completed: trials": 3}}
    assert unsound(good) == ""
    assert "99 trials" in unsound(good | {"trials": 99})
    assert unsound(good | {"replay": "Difference"}) == "its replay came out otherwise"
    assert unsound(good | {"endings": {"failed: x": 1}}) == "a session of it failed: x"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"fluid_ul": {"min": 3, "max": 2}}, "daily.fluid_ul"),
        ({"fluid_ul": {}}, "daily.fluid_ul"),
        ({"x": 1}, "daily.x"),
        (7, "daily"),
    ],
)
def test_daily_amounts_make_sense_or_are_refused(said: Any, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read_daily(said)
    assert refused.value.fields[0]["field"] == field


def test_facts_of_a_subject() -> None:
    assert read_facts(name="m", sex="male") == {"name": "m", "sex": "male"}
    assert read_daily({"food_mg": {"target": 3}}).document() == {"food_mg": {"target": 3.0}}
    with pytest.raises(InvalidError) as refused:
        read_facts(name=" ", rfid="a b")
    assert [each["field"] for each in refused.value.fields] == ["name", "rfid"]
    today = date(2026, 1, 2)
    check_subject(None, today)
    check_subject(today, today)
    with pytest.raises(InvalidError):
        check_subject(date(2026, 1, 3), today)
    assert needs_reason({"daily", "name"}, None) == {"daily"} == needs_reason({"daily"}, "  ")
    assert needs_reason({"daily", "status", "rfid"}, "why") == set()


def test_a_rehearsal_elsewhere_is_the_one_here(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = Wish(canonical(protocol_of("go_nogo")), DEVICE_TYPES, 5, "ideal", 3)
    here = rehearsed(wish)
    said = {"document": wish.document, "devices": {name: description_json(each) for name, each in DEVICE_TYPES.items()}}
    said |= {"trials": 5, "subject_model": "ideal", "seed": 3, "parameters": None}
    out = io.BytesIO()
    monkeypatch.setattr(rehearsing.os, "nice", lambda _: 0)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(msgspec.json.encode(said))))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
    rehearsing.main()
    there = msgspec.json.decode(out.getvalue())
    for each in (here, there):
        each.pop("took_s"), each.pop("trials_per_minute")
    assert there == msgspec.json.decode(msgspec.json.encode(here))
    assert isinstance(Protocol.model_validate_json(wish.document), Protocol)


async def test_few_rehearsals_wait() -> None:
    rehearser = Rehearser()
    rehearser._waiting = MAX_WAITING
    with pytest.raises(ConflictError):
        await rehearser.rehearse(Wish("{}", {}))


def test_a_species_is_said_in_latin_and_a_hint_says_how() -> None:
    assert read_facts(species="Mus musculus") == {"species": "Mus musculus"}
    for said, hint in (("mouse", "`Mus musculus`"), ("rat", "`Rattus norvegicus`"), ("-", "`Mus musculus`")):
        with pytest.raises(InvalidError) as refused:
            read_facts(species=said)
        assert (refused.value.fields[0]["field"], hint in refused.value.fields[0]["message"]) == ("species", True)
