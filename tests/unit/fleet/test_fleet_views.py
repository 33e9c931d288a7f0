"""What operators see of the tree, and what is remembered of it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from lics_actors.cli.steering import node_named
from lics_actors.cli.tree import as_document, as_table
from lics_actors.device.messages import Admin, DeviceSpec, RigSpec, RoleSpec
from lics_actors.errors import NodeNotFoundError
from lics_actors.fleet.cache import read_cache, write_cache
from lics_actors.fleet.directory import Directory
from lics_actors.fleet.messages import NodeState, NodeView, RackReported
from lics_actors.fleet.place import FleetPlace, read_place, remove_place, write_place
from lics_actors.fleet.state import device_node
from lics_actors.fleet.view import node_state, node_view, wall_clock
from lics_actors.supervision.specs import ChildSpec, Phase
from lics_actors.supervision.state import Child

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DEVICE = DeviceSpec(UUID(int=7), "cage-7", "pump", "mqtt_io", {"a": [1, {"ü": None}]}, Admin.MAINTENANCE, 2.5, "room 1")
NODE = NodeView(device_node(DEVICE.device_id), "device", NodeState.RUNNING, 99, 2, 1, NOW, "cage-7", "online")


@pytest.mark.parametrize(
    ("phase", "incarnation", "state"),
    [
        (Phase.WAITING, 0, NodeState.STARTING),
        (Phase.STARTING, 1, NodeState.STARTING),
        (Phase.STARTING, 2, NodeState.RESTARTING),
        (Phase.WAITING, 3, NodeState.RESTARTING),
        (Phase.BACKING_OFF, 1, NodeState.RESTARTING),
        (Phase.KILLING, 1, NodeState.RESTARTING),
        (Phase.RUNNING, 1, NodeState.RUNNING),
        (Phase.STOPPING, 1, NodeState.STOPPING),
        (Phase.QUARANTINED, 6, NodeState.QUARANTINED),
        (Phase.ENDED, 1, NodeState.STOPPED),
    ],
)
def test_every_phase_has_a_word_for_operators(phase: Phase, incarnation: int, state: NodeState) -> None:
    child = Child(ChildSpec("a"), 10.0, phase, incarnation=incarnation)
    assert node_state(child) is state
    view = node_view(child, "device", wall_clock(15.0, NOW), pid=3, word="online", stats={"x": 1})
    assert view.since == NOW - timedelta(seconds=5)
    alive = state in {NodeState.RUNNING, NodeState.STOPPING}
    assert (view.pid, view.word, view.stats) == ((3, "online", {"x": 1}) if alive else (None, "", {}))


def test_the_directory_knows_where_devices_are_until_they_or_their_rack_go() -> None:
    directory = Directory()
    directory.take(RackReported((NODE,), {NODE.name: "there"}))
    assert directory.addresses == {NODE.name: "there"} and directory.begun_once(NODE.name)
    directory.take(RackReported((replace(NODE, state=NodeState.RESTARTING),), {}))
    assert directory.addresses == {} and directory.begun_once(NODE.name)
    directory.take(RackReported((NODE,), {NODE.name: "elsewhere"}))
    directory.lose([NODE.name, "device:unknown"])
    assert directory.addresses == {}
    assert directory.nodes[NODE.name].state is NodeState.RESTARTING and directory.nodes[NODE.name].pid is None
    directory.take(RackReported((), {}, (NODE.name,)))
    assert directory.nodes == {} and not directory.begun_once(NODE.name)


def test_a_device_not_reported_yet_is_starting_and_one_given_up_has_had_its_turn() -> None:
    directory = Directory()
    (view,) = directory.views([DEVICE], NOW)
    assert (view.state, view.label) == (NodeState.STARTING, "cage-7")
    assert not directory.begun_once(view.name)
    directory.take(RackReported((replace(NODE, state=NodeState.QUARANTINED),), {}))
    assert directory.begun_once(view.name)


def test_the_cache_gives_back_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "below" / "devices.json"
    assert read_cache(path) is None
    write_cache(path, [DEVICE], 1.5)
    assert read_cache(path) == ((DEVICE,), ())
    rig = RigSpec(UUID(int=1), "cage 3", 4, {"pump": RoleSpec(DEVICE.device_id, "mqtt_io", {"a": [1]}, 2.5)}, ({"name": "x"},))
    write_cache(path, [DEVICE], 1.5, [rig])
    assert read_cache(path) == ((DEVICE,), (rig,))
    assert path.stat().st_mode & 0o077 == 0
    write_cache(path, [], 2.0)
    assert read_cache(path) == ((), ())
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"devices": [{"name": 1}]}', b"\xff\xfe", b"null"])
def test_a_damaged_cache_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "devices.json"
    path.write_bytes(content)
    assert read_cache(path) is None


def test_the_fleets_place_is_found_again_and_nonsense_is_no_place(tmp_path: Path) -> None:
    assert read_place(tmp_path) is None
    place = FleetPlace("127.0.0.1", 4000, 5, "2026-01-01T00:00:00Z")
    write_place(tmp_path / "run", place)
    assert read_place(tmp_path / "run") == place
    for nonsense in ("", "[]", "{}", '{"host": "x", "port": "y", "pid": 1, "started_at": ""}', '"x"'):
        (tmp_path / "run" / "fleet.json").write_text(nonsense)
        assert read_place(tmp_path / "run") is None
    remove_place(tmp_path / "run")
    remove_place(tmp_path / "run")


def test_a_tree_is_printed_whole_and_hostile_names_stay_text() -> None:
    hostile = replace(NODE, label="[bold]x[/] ]", last_error="[/] broken", state=NodeState.QUARANTINED)
    root = NodeView("fleet", "fleet", NodeState.RUNNING, 1, 1, 0, NOW, children=(replace(NODE, children=(hostile,)), NODE))
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(as_table(root, NOW + timedelta(minutes=2)))
    text = console.export_text()
    assert "2 of 3 device actors run" in text
    assert "[bold]x[/] ]" in text and "[/] broken" in text
    assert "2m00s" in text
    document = json.loads(json.dumps(as_document(root)))
    assert document["children"][0]["children"][0]["label"] == "[bold]x[/] ]"


def test_a_node_is_found_by_its_name_its_id_or_its_devices_name() -> None:
    root = NodeView("fleet", "fleet", NodeState.RUNNING, 1, 1, 0, NOW, children=(NODE,))
    for word in (NODE.name, str(DEVICE.device_id), "CAGE-7"):
        assert node_named(root, word) == NODE.name
    for word in ("cage-8", "", "device:"):
        with pytest.raises(NodeNotFoundError):
            node_named(root, word)
