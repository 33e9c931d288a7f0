"""Interlocks in the shell: what it listens to, what it journals, and what it does when disk or journal fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from drivers.native import device_side
from drivers.native.spec import ACTUATOR
from drivers.protocol import PresenceState, Publication, Received
from lics_actors.device.messages import DeviceSpec, InterlocksReset, ResetInterlocks, RigPart, RoleSpec
from lics_actors.device.session import BrokerReached, MessageArrived
from lics_actors.errors import StorageFullError
from lics_actors.store.records import AlarmRaised, InterlockTripped
from tests.unit.device.test_shell import DEVICE, Bench

RIG, DOOR = UUID(int=77), UUID(int=78)
OPENED = {"name": "door", "when": {"event": "opened", "of": "door"}, "trip": [{"role": "lamp", "command": "switch_off"}]}
PART = RigPart(
    RIG,
    "cage 3",
    {"lamp": RoleSpec(DEVICE, "native", {}), "door": RoleSpec(DOOR, "native", {})},
    ({**OPENED, "unknown": "hold"},),
)
LAMP = DeviceSpec(DEVICE, "lamp", "actuator", "native", {}, rigs=(PART,))


def from_door(bench: Bench, leaf: str, payload: bytes) -> None:
    topic = f"lab/devices/{DOOR}/{leaf}"
    bench.shell.happened([MessageArrived(Received(topic, payload, datetime.now(UTC)), retained=False)])


def opens(bench: Bench) -> None:
    from_door(bench, "events", device_side.event_payload(1, 0, datetime.now(UTC), "opened"))


def lamp(folder: Path, spec: DeviceSpec = LAMP, incarnation: int = 1) -> Bench:
    bench = Bench(folder, spec, incarnation)
    bench.shell.happened([BrokerReached(datetime.now(UTC), 7)])
    bench.arrives("describe", device_side.describe_payload(ACTUATOR))
    bench.arrives("status", device_side.status_payload(PresenceState.ONLINE, 1, datetime.now(UTC)))
    return bench


def said(published: Sequence[tuple[int, Publication]]) -> list[str]:
    return [msgspec.json.decode(each.payload)["name"] for _, each in published if each.topic.endswith("commands")]


def reset(bench: Bench) -> list[object]:
    answers: list[object] = []
    assert bench.shell.requested(ResetInterlocks(DEVICE, RIG, "user:1", "seen to"), answers.append)
    return answers


def test_it_listens_to_its_sources_and_to_nothing_else(tmp_path: Path) -> None:
    bench = lamp(tmp_path)
    others = {each.filter for each in bench.shell.filters if str(DOOR) in each.filter}
    assert {f"lab/devices/{DOOR}/{leaf}" for leaf in ("status", "events", "telemetry")} <= others
    assert not any(each.data for each in bench.shell.filters if str(DOOR) in each.filter), "no rests"
    assert any(each.data for each in bench.shell.filters), "its own data it need not hear in full"
    bench.shell.changed(replace(LAMP, rigs=()))
    assert not any(str(DOOR) in each.filter for each in bench.outside.filters[-1])
    count = len(bench.outside.filters)
    bench.shell.changed(replace(LAMP, rigs=(), name="other"))
    assert len(bench.outside.filters) == count, "nothing new to hear"


def test_a_source_of_its_own_interlock_is_heard_in_full(tmp_path: Path) -> None:
    own = {"name": "x", "when": {"metric": "on", "of": "lamp", "op": ">", "value": 2}, "trip": [{"role": "lamp"}]}
    bench = lamp(tmp_path, replace(LAMP, rigs=(replace(PART, interlocks=(own,)),)))
    assert not any(each.data for each in bench.shell.filters)


@pytest.mark.parametrize("driver", ["nonsense", "mqtt_io"])
def test_a_source_that_cannot_be_listened_to_is_not_known(tmp_path: Path, driver: str) -> None:
    broken = replace(PART, roles={**PART.roles, "door": RoleSpec(DOOR, driver, {})})
    bench = lamp(tmp_path, replace(LAMP, rigs=(broken,)))
    assert not any(str(DOOR) in each.filter for each in bench.shell.filters)
    assert bench.twin().safety == "armed"


def test_what_a_source_says_wrongly_changes_nothing(tmp_path: Path) -> None:
    bench = lamp(tmp_path)
    from_door(bench, "events", b"nonsense")
    assert bench.twin().rejected_payloads == 0, "that is for its own actor to tell"
    assert bench.twin().safety == "armed"


def test_a_trip_is_journaled_and_the_next_incarnation_knows(tmp_path: Path) -> None:
    bench = lamp(tmp_path)
    opens(bench)
    assert said(bench.outside.published) == ["switch_off"]
    assert [each.interlock for each in bench.journal.tripped()] == ["door"]
    bench.journal.close()  # killed
    second = lamp(tmp_path, incarnation=2)
    twin = second.twin()
    assert (twin.safety, [each.why for each in twin.tripped]) == ("tripped", ["door told opened"])
    assert said(second.outside.published) == ["switch_off"] * 2, "a new one, and the old one of which nobody knows"
    assert reset(second) == [InterlocksReset(DEVICE, ("door",))]
    second.journal.close()
    assert lamp(tmp_path, incarnation=3).twin().safety == "armed"


def test_a_full_disk_does_not_hold_up_what_makes_safe(tmp_path: Path) -> None:
    bench = lamp(tmp_path)
    bench.fill_disk()
    opens(bench)
    assert said(bench.outside.published) == ["switch_off"]
    assert bench.twin().safety == "tripped"
    with pytest.raises(StorageFullError):
        reset(bench)
    bench.journal._db.execute("PRAGMA max_page_count = 1000000")
    bench.shell.happened([])
    assert [each.interlock for each in bench.journal.tripped()] == ["door"]
    assert said(bench.outside.published) == ["switch_off"], "not twice"


def test_a_damaged_journal_is_taken_for_tripped(tmp_path: Path) -> None:
    bench = lamp(tmp_path)
    bench.journal.close()
    bench.path.write_bytes(b"no database at all" * 100)
    for suffix in ("-wal", "-shm"):
        bench.path.with_name(bench.path.name + suffix).unlink(missing_ok=True)
    second = lamp(tmp_path, incarnation=2)
    assert second.twin().safety == "tripped"
    records = second.records()
    assert [each.why for each in records if isinstance(each, InterlockTripped)] == [
        "what its actor knew is lost, or on another host, so whether it had tripped is not known"
    ]
    assert "interlock" in [each.kind for each in records if isinstance(each, AlarmRaised)]
    second.shell.changed(replace(LAMP, settings={}, silent_s=5.0))
    assert reset(second) == [InterlocksReset(DEVICE, ("door",))]
    assert second.twin().safety == "armed"


def test_trips_and_resets_in_one_append(tmp_path: Path) -> None:
    from lics_actors.store.records import InterlockReset

    bench = lamp(tmp_path)
    now = datetime.now(UTC)
    one, other = (InterlockTripped(DEVICE, now, RIG, "cage 3", name, "x", (("stop", {"n": 1}),)) for name in ("one", "other"))
    bench.journal.append([one, other, InterlockReset(DEVICE, now, RIG, "one", "user:1", "y")])
    assert bench.journal.tripped() == [other]


def test_a_doubted_journal_adds_what_it_does_not_know_and_repeats_nothing(tmp_path: Path) -> None:
    bench = lamp(tmp_path)
    opens(bench)
    before = [each.why for each in bench.twin().tripped]
    bench.journal.forgot = True
    bench.shell.start()
    assert [each.why for each in bench.twin().tripped] == before
    assert bench.shell.remembers
