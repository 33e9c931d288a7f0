"""What makes no device, and where it says so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from lics_actors.store.registration import DEVICE_TYPES, validate_new_device

GOOD: dict[str, Any] = {"name": "cage-3-pump", "type": "pump", "driver": "native", "principal": "cli:ada"}


def fields(**changes: Any) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        validate_new_device(**{**GOOD, **changes})
    return [fault["field"] for fault in caught.value.fields]


def test_a_good_device_comes_out_as_it_went_in() -> None:
    new = validate_new_device(**GOOD, location="room 2", silent_s=5, device_id=UUID(int=1))
    assert (new.name, new.location, new.silent_s, new.device_id, new.settings) == ("cage-3-pump", "room 2", 5, UUID(int=1), {})


@pytest.mark.parametrize("kind", DEVICE_TYPES)
def test_every_type_of_the_contract_is_known(kind: str) -> None:
    assert validate_new_device(**{**GOOD, "type": kind}).type == kind


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"type": "toaster"}, "type"),
        ({"driver": "nobody"}, "driver"),
        ({"location": "x" * 256}, "location"),
        ({"silent_s": 0}, "silent_s"),
        ({"silent_s": float("nan")}, "silent_s"),
        ({"silent_s": float("inf")}, "silent_s"),
        ({"settings": {"no_such_setting": 1}}, "settings.no_such_setting"),
        ({"settings": {"x": float("nan")}}, "settings"),
        ({"driver": "mqtt_io", "settings": {}}, "settings.topic_prefix"),
        (
            {"driver": "mqtt_io", "settings": {"topic_prefix": "rig", "outputs": {"valve": {"on_payload": ""}}}},
            "settings.outputs",
        ),
    ],
)
def test_what_is_wrong_is_said_where_it_is(changes: dict[str, Any], where: str) -> None:
    assert any(field.startswith(where) for field in fields(**changes))


def test_everything_wrong_is_said_at_once() -> None:
    assert fields(name="", type="x", driver="y", silent_s=-1) == ["name", "type", "driver", "silent_s"]


@given(
    st.text(max_size=300),
    st.text(max_size=20),
    st.sampled_from(["native", "mqtt_io", "x"]),
    st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.floats() | st.text(max_size=5), max_size=4),
)
def test_whatever_is_sent_nothing_but_a_refusal_is_raised(name: str, kind: str, driver: str, settings: dict[str, Any]) -> None:
    try:
        validate_new_device(name=name, type=kind, driver=driver, principal="cli:ada", settings=settings)
    except InvalidError as error:
        assert error.fields
