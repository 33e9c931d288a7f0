"""Which rack runs which device, whatever comes and goes."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.device.messages import Admin, DeviceSpec
from lics_actors.fleet.state import FleetState, device_node, device_of_node, place, rack_node, take_all, take_held, take_one


def spec(number: int, name: str = "cage", admin: Admin = Admin.ENABLED) -> DeviceSpec:
    return DeviceSpec(UUID(int=number), f"{name}-{number}", "pump", "native", {}, admin)


def known(*numbers: int, rack_size: int = 2) -> FleetState:
    state, _ = take_all(FleetState(rack_size), [spec(number) for number in numbers], from_cache=False, as_of=0)
    return state


numbers = st.lists(st.integers(0, 40), unique=True)


@given(st.lists(numbers, max_size=6), st.integers(1, 5))
def test_placement_is_stable_and_no_rack_is_overfull(rounds: list[list[int]], rack_size: int) -> None:
    placement: dict[UUID, int] = {}
    for wanted in rounds:
        before = placement
        placement = place(before, [UUID(int=number) for number in wanted], rack_size)
        assert set(placement) == {UUID(int=number) for number in wanted}
        assert all(placement[device_id] == rack for device_id, rack in before.items() if device_id in placement)
        assert all(load <= rack_size for load in Counter(placement.values()).values())


@given(numbers, st.integers(1, 5))
def test_from_nothing_as_few_racks_as_possible_are_used(wanted: list[int], rack_size: int) -> None:
    placement = place({}, [UUID(int=number) for number in wanted], rack_size)
    assert len(set(placement.values())) == -(-len(wanted) // rack_size)


@given(st.lists(st.tuples(st.booleans(), numbers, st.sampled_from(Admin)), max_size=8), st.integers(1, 4))
def test_the_changes_told_to_racks_are_exactly_the_difference(
    rounds: list[tuple[bool, list[int], Admin]], rack_size: int
) -> None:
    state = FleetState(rack_size)
    racks: dict[int, dict[UUID, DeviceSpec]] = {}
    for time, (whole, told, admin) in enumerate(rounds):
        if whole:
            state, changes = take_all(state, [spec(n, admin=admin) for n in told], from_cache=False, as_of=float(time))
        else:
            state, changes = take_one(state, spec(told[0] if told else 0, admin=admin), float(time))
        for rack, change in changes.items():
            running = racks.setdefault(rack, {})
            for device_id in change.removed:
                del running[device_id]
            running.update({device.device_id: device for device in change.devices})
        assert {rack: running for rack, running in racks.items() if running} == {
            rack: {device.device_id: device for device in state.in_rack(rack)} for rack in state.racks
        }


def test_telling_the_same_again_changes_nothing() -> None:
    state = known(1, 2, 3)
    assert state.racks == [1, 2]
    _, changes = take_all(state, [spec(3), spec(2), spec(1)], from_cache=False, as_of=9)
    assert changes == {}


def test_a_cached_list_counts_only_while_nothing_better_is_known() -> None:
    state, changes = take_all(FleetState(), [spec(1)], from_cache=True, as_of=0)
    assert list(changes) == [1]
    _, changes = take_all(state, [], from_cache=True, as_of=5)
    assert changes == {}


def test_a_list_read_before_an_announcement_does_not_undo_it() -> None:
    state, _ = take_one(known(1), spec(2), 10.0)
    state, changes = take_all(state, [spec(1)], from_cache=False, as_of=9.0)
    assert changes == {} and len(state.devices) == 2
    state, _ = take_one(state, spec(1, admin=Admin.RETIRED), 11.0)
    state, changes = take_all(state, [spec(1), spec(2)], from_cache=False, as_of=10.5)
    assert changes == {} and list(state.devices) == [UUID(int=2)]
    state, changes = take_all(state, [], from_cache=False, as_of=12.0)
    assert changes[1].removed == (UUID(int=2),) and state.registered == {}


def test_a_device_in_maintenance_still_runs_and_a_retired_one_does_not() -> None:
    told = [spec(1, admin=Admin.MAINTENANCE), spec(2, admin=Admin.QUARANTINED), spec(3, admin=Admin.RETIRED)]
    state, _ = take_all(FleetState(), told, from_cache=False, as_of=0)
    assert list(state.devices) == [UUID(int=1), UUID(int=2)]


def test_nodes_are_named_after_what_they_run() -> None:
    assert rack_node(3) == "rack:3"
    assert device_of_node(device_node(UUID(int=5))) == UUID(int=5)
    assert device_of_node("device:5") is None and device_of_node("rack:1") is None


@given(numbers, numbers, numbers)
def test_of_several_hosts_each_runs_what_it_holds_and_knows_the_rest(there: list[int], first: list[int], then: list[int]) -> None:
    state, _ = take_held(FleetState(2), frozenset(UUID(int=number) for number in first))
    state, _ = take_all(state, [spec(number) for number in there], from_cache=False, as_of=0)
    assert set(state.devices) == {UUID(int=number) for number in {*there} & {*first}}
    now, changes = take_held(state, frozenset(UUID(int=number) for number in then))
    assert set(now.devices) == {UUID(int=number) for number in {*there} & {*then}} and set(now.laboratory) == set(
        state.laboratory
    )
    removed = {device_id for change in changes.values() for device_id in change.removed}
    started = {device.device_id for change in changes.values() for device in change.devices}
    assert (removed, started) == (set(state.devices) - set(now.devices), set(now.devices) - set(state.devices))
    new, _ = take_one(now, spec(77), 1)
    assert UUID(int=77) in new.laboratory and UUID(int=77) not in new.devices
