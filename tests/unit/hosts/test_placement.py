"""Which host has which duty: by examples, and what holds for all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.hosts.placement import DEAD_S, Host, HostState, fit, host_state, place

SITES = ("east", "west", "east/1", "*")
STATES = tuple(HostState)

locations = st.sampled_from([None, "east", "east/1", "east/2", "west", "north"])
needs = st.dictionaries(st.sampled_from([f"device:{n}" for n in range(12)]), locations, max_size=12)
hosts = st.lists(
    st.builds(Host, st.sampled_from(["a", "b", "c", "d"]), st.lists(st.sampled_from(SITES), max_size=3).map(tuple)),
    max_size=4,
    unique_by=lambda host: host.name,
)
states = st.lists(st.sampled_from(STATES), min_size=4, max_size=4)
placements = st.dictionaries(st.sampled_from([f"device:{n}" for n in range(12)]), st.sampled_from(["a", "b", "c", "gone"]))


@pytest.mark.parametrize(
    ("sites", "location", "expected"),
    [
        ((), "east", 1),
        ((), None, 1),
        (("east",), "east", 2),
        (("east/",), "east/1", 2),
        (("east",), "eastern", 0),
        (("east",), "west", 0),
        (("east", "*"), "west", 1),
        (("east",), None, 1),
        (("*",), "north", 1),
    ],
)
def test_sites(sites: tuple[str, ...], location: str | None, expected: int) -> None:
    assert fit(sites, location) == expected


@pytest.mark.parametrize(
    ("age_s", "left", "drained", "fenced", "expected"),
    [
        (0.0, False, False, True, HostState.UP),
        (DEAD_S, False, False, True, HostState.UP),
        (DEAD_S + 0.1, False, False, True, HostState.LOST),
        (DEAD_S + 0.1, False, True, True, HostState.LOST),
        (9999.0, False, False, False, HostState.UNFENCED),
        (0.0, False, True, True, HostState.DRAINING),
        (0.0, True, True, True, HostState.LEFT),
    ],
)
def test_states(age_s: float, left: bool, drained: bool, fenced: bool, expected: HostState) -> None:
    assert host_state(age_s, left=left, drained=drained, fenced=fenced) is expected


def test_a_dead_hosts_devices_go_to_the_other_and_stay_there_when_it_is_back() -> None:
    devices = {f"device:{n}": None for n in range(10)}
    two = [Host("a"), Host("b")]
    first = place(devices, two, {})
    assert Counter(first.values()) == {"a": 5, "b": 5}
    failed_over = place(devices, [replace(two[0], state=HostState.LOST), two[1]], first)
    assert set(failed_over.values()) == {"b"}
    assert place(devices, two, failed_over) == failed_over


def test_a_host_that_is_back_gets_the_devices_of_its_own_sites_and_no_others() -> None:
    devices = {"device:1": "east/1", "device:2": "west", "device:3": "north"}
    at_b = dict.fromkeys(devices, "b")
    a, b = Host("a", ("east", "*")), Host("b", ("west", "*"))
    assert place(devices, [a, b], at_b) == {"device:1": "a", "device:2": "b", "device:3": "b"}


def test_a_silent_host_that_never_knew_of_others_keeps_what_it_has() -> None:
    silent = Host("a", (), HostState.UNFENCED)
    assert place({"device:1": "east", "device:2": None}, [silent, Host("b", ("east",))], {"device:1": "a"}) == {
        "device:1": "a",
        "device:2": "b",
    }


def test_the_last_host_keeps_its_devices_though_it_is_being_drained() -> None:
    last = Host("a", (), HostState.DRAINING)
    assert place({"device:1": "x", "device:2": "x"}, [last, Host("b", ("y",))], {"device:1": "a"}) == {
        "device:1": "a",
        "device:2": "a",
    }


@given(needs, hosts, states, placements)
def test_what_holds_for_every_placement(
    needs: dict[str, str | None], hosts: list[Host], states: list[HostState], present: dict[str, str]
) -> None:
    hosts = [replace(host, state=state) for host, state in zip(hosts, states, strict=False)]
    placed = place(needs, hosts, present)
    alive = {host.name: host for host in hosts if host.alive}
    assert placed.keys() <= needs.keys()
    for duty, location in needs.items():
        capable = [host for host in alive.values() if fit(host.sites, location)]
        where = placed.get(duty)
        if capable:
            assert where in alive, "none is unplaced while a capable host lives"
            silent = alive[where].state is HostState.UNFENCED
            assert fit(alive[where].sites, location) or (silent and present.get(duty) == where)
        else:
            assert where == present.get(duty), "it waits for its host"
        if where is not None and where != present.get(duty) and present.get(duty) in alive:
            before = alive[present[duty]]
            assert before.state is not HostState.UNFENCED, "nothing is taken from who cannot hear"
            left_drain = before.state is HostState.DRAINING and alive[where].state is HostState.UP
            assert left_drain or fit(alive[where].sites, location) > fit(before.sites, location), "moves have a reason"
    assert place(needs, hosts, placed) == placed, "it is stable"
    assert place(dict(reversed(needs.items())), list(reversed(hosts)), present) == placed, "all hosts come to the same"


@given(st.integers(0, 40), st.integers(1, 4))
def test_what_is_new_is_shared_evenly(devices: int, hosts: int) -> None:
    needs: dict[str, str | None] = {f"device:{n}": None for n in range(devices)}
    placed = place(needs, [Host(f"h{n}") for n in range(hosts)], {})
    loads = Counter({f"h{n}": 0 for n in range(hosts)}) | Counter(placed.values())
    assert len(placed) == devices
    assert max(loads.values(), default=0) - min((loads[f"h{n}"] for n in range(hosts)), default=0) <= 1
