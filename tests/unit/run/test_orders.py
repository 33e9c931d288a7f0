"""Orders: whole after a disk, and nodes that are a run's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from lics_actors.device.messages import RoleSpec
from lics_actors.run.orders import (
    Allowance,
    RunOrder,
    aside,
    decode_order,
    encode_order,
    run_node,
    run_of_node,
    run_principal,
    same_run,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def order(**more: Any) -> RunOrder:
    roles = {"pump": RoleSpec(uuid4(), "native", {"a": [1, "x"]}, 12.5)}
    made = RunOrder(
        uuid4(), uuid4(), uuid4(), "cage 1", uuid4(), {"name": "fixed_ratio", "states": {}}, roles, 2**62, "user:1", NOW, True,
        {"ratio": 3, "mode": "x", "on": True}, uuid4(), None, 2, Allowance(500.0, NOW, None, "user:2"),
    )  # fmt: skip
    return replace(made, **more)


def test_an_order_comes_back_from_disk_as_it_was() -> None:
    made = order()
    assert decode_order(encode_order(made)) == made


def test_an_order_that_comes_again_wants_the_same_run_though_the_rig_stands_otherwise_now() -> None:
    made = order()
    besides, now = {"light": RoleSpec(uuid4(), "native", {})}, {"pump": replace(made.roles["pump"], silent_s=3.0)}
    again = replace(decode_order(encode_order(made)), allowance=None, besides=besides, roles=now, rig="cage one")
    assert same_run(made, again)
    for name, other in {"seed": 1, "rig_id": uuid4(), "subject_id": None, "parameters": {"ratio": 4}, "stage": None}.items():
        assert not same_run(made, replace(again, **{name: other})), name


def test_what_is_no_order_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_order(b'{"run_id": "x"}')


def test_a_node_is_a_runs_or_not() -> None:
    run_id = uuid4()
    assert run_of_node(run_node(run_id)) == run_id
    assert run_of_node("run:7") is None
    assert run_of_node(f"device:{run_id}") is None
    assert aside("valve") == "valve (rig)"
    assert run_principal(UUID(int=1)) == f"run:{UUID(int=1)}"
