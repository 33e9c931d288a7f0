"""Which device plays which role, whether it can; and what a run's journal becomes in the tables."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args
from uuid import uuid4

import pytest

from drivers.native.spec import DEVICE_TYPES
from lics_actors.experiment.library import classics, protocol_of
from lics_actors.experiment.problems import ProtocolError
from lics_actors.store.run_records import RunRecord
from lics_actors.store.run_rows import run_rows
from lics_actors.study.fit import Player, cast, fitted
from tests.contract.run_records import by_hand, opened, steps

PUMP, PANEL = DEVICE_TYPES["pump"], DEVICE_TYPES["lickometer"]
RIG = {"pump": Player("p", PUMP), "panel": Player("l", PANEL), "other": Player("q", PUMP)}
RATIO = protocol_of("fixed_ratio")


@pytest.mark.parametrize("name", classics())
def test_the_classics_fit_a_rig_with_what_they_name(name: str) -> None:
    document = protocol_of(name)
    rig = {role: Player(role, DEVICE_TYPES[each.type]) for role, each in document.roles.items()}
    roles = cast(document, rig, {})
    assert fitted(document, rig, roles).document == document


@pytest.mark.parametrize(
    ("rig", "wanted", "path"),
    [
        ({"pump": RIG["pump"]}, {}, "roles.panel"),
        (RIG, {"pump": "nowhere"}, "roles.pump"),
        (RIG, {"pump": "panel"}, "roles.pump"),
        (RIG, {"what": "pump"}, "roles.what"),
        ({**RIG, "pump": Player("p", None)}, {}, "roles.pump"),
        ({**RIG, "pump": Player("p", PUMP, retired=True)}, {}, "roles.pump"),
    ],
)
def test_a_role_that_nobody_can_play_is_refused(rig: dict[str, Player], wanted: dict[str, str], path: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        cast(RATIO, rig, wanted)
    assert [each.path for each in refused.value.problems] == [path]


def test_every_device_is_looked_at_where_several_are_of_one_type() -> None:
    said = RATIO.model_dump(exclude_none=True)
    second = RATIO.model_validate({**said, "roles": {**said["roles"], "spare": said["roles"]["pump"]}})
    weak = Player("weak", replace(PUMP, commands={"stop": PUMP.commands["stop"]}))
    roles = {"pump": "pump", "panel": "panel", "spare": "other"}
    assert fitted(second, RIG, roles).document == second
    with pytest.raises(ProtocolError) as refused:
        fitted(second, {**RIG, "other": weak}, roles)
    assert "roles.pump.commands.0" in {each.path for each in refused.value.problems}
    with pytest.raises(ProtocolError):
        fitted(RATIO, {**RIG, "pump": Player("p", None)}, {"pump": "pump", "panel": "panel"})


def test_every_record_has_its_rows() -> None:
    run_id = uuid4()
    records = [opened(run_id, uuid4(), uuid4()), *steps(run_id, trials=4), *by_hand(run_id, 9_000, barred=True)]
    assert {type(each) for each in records} == set(get_args(RunRecord))
    rows = run_rows(records)
    assert [len(each) for each in (rows.opened, rows.trials, rows.ends, rows.notes, rows.reactions)] == [1, 4, 4, 1, 1]
    assert rows.touched == {run_id: 9_001}
    assert rows.rewards[-1][5:7] == ("user:2", "the day's limit")
    assert [each[4] for each in rows.rewards[:-1]] == [10.0] * (len(rows.rewards) - 1)
    assert rows.settled
    assert rows.phases[-1][1] == "stopped"
