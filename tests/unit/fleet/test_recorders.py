"""The recorders' names and folders, and who may give up what when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.device.messages import BrokerSpec
from lics_actors.fleet.messages import FleetSpec
from lics_actors.fleet.recorders import Handover, recorder_name, recorder_number, recorder_spec, retired_numbers, spool_name


@given(st.integers(1, 100))
def test_a_name_says_its_number(number: int) -> None:
    assert recorder_number(recorder_name(number)) == number
    assert retired_numbers([spool_name(number)], 0) == [number]


def test_the_first_has_the_name_and_the_folder_it_had_when_it_was_alone() -> None:
    assert (recorder_name(1), spool_name(1)) == ("recorder", "spool")


@pytest.mark.parametrize(
    "name", ["rack:1", "registrar", "recorder-", "recorder-1", "recorder-02", "recorder-x", "recorders-2", "-2"]
)
def test_other_nodes_are_no_recorders(name: str) -> None:
    assert recorder_number(name) is None


def test_who_is_no_longer_configured_is_known_by_its_folder() -> None:
    folders = ["spool", "spool-2", "spool-3", "spool-16", "spool-2.retired", "spool-", "journals", "spool-١"]
    assert retired_numbers(folders, 2) == [3, 16]
    assert retired_numbers(folders, 1) == [2, 3, 16]
    assert Handover.among(2, folders) == Handover(("recorder", "recorder-2"), ("recorder-3", "recorder-16"))


def test_the_quota_is_shared() -> None:
    fleet = FleetSpec(BrokerSpec("b", 1883), "/data", "postgres://x", None, 1000, recorders=4, lag_alarm_s=9.0, broker_queue=7)
    spec = recorder_spec(fleet, 3, "/data/journals")
    assert (spec.spool_dir, spec.name, spec.spool_quota_bytes) == ("/data/spool-3", "recorder-3", 250)
    assert (spec.part, spec.parts) == (3, 4)
    assert (spec.lag_alarm_s, spec.broker_queue) == (9.0, 7)
    assert recorder_spec(fleet, 1, "").spool_dir == "/data/spool"


def test_one_that_is_and_was_alone_waits_for_nobody() -> None:
    assert Handover.among(1, ["spool"]).done


@pytest.mark.parametrize("folders", [["spool"], ["spool", "spool-2", "spool-3"]])
@pytest.mark.parametrize("recorders", [1, 2])
def test_nobody_gives_anything_up_before_all_configured_have_taken_up_their_parts(recorders: int, folders: list[str]) -> None:
    handover = Handover.among(recorders, folders)
    if handover.done:
        return
    for name in handover.configured:
        handover = handover.took(name, 3)
        assert not handover.done, "of a list from the cache, which may not name all devices"
    handover = handover.told(4).told(9)
    for name in handover.configured:
        assert not handover.done
        handover = handover.took(name, 5).took(name, 2)
    assert handover.done


def test_a_retiring_one_is_not_waited_for() -> None:
    assert Handover.among(1, ["spool-2"]).told(1).took("recorder", 1).done
    assert not Handover.among(1, ["spool-2"]).told(1).took("recorder-2", 1).done
