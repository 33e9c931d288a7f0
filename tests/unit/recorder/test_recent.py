"""What is remembered of the spool is what the file would say, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.recorder import recent
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.recent import Recent


def arrivals(first: int, count: int, size: int = 1) -> list[Arrival]:
    return [Arrival(b"t", b"x" * size, first + n) for n in range(count)]  # each says its position


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 6), st.booleans()),
        st.tuples(st.just("take"), st.integers(1, 12), st.integers(1, 40)),
        st.tuples(st.just("back"), st.integers(0, 5), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS)
def test_it_says_what_the_file_says_or_nothing(steps: list[tuple[str, int, int]]) -> None:
    """`add`: a group commit, perhaps behind a gap as a file begun anew has; `take`: what the shipper reads next."""
    memory, last, after, shipped = Recent(), 1000, 1000, 1000
    generation = 0
    for what, number, more in steps:
        match what:
            case "add":
                if more:
                    last, generation = last + 100, generation + 1
                memory.add(arrivals(last + 1, number), last + number, generation)
                last += number
            case "take":
                found = memory.behind(after, number, more)
                positions = [position for position, _ in found]
                assert positions == list(range(after + 1, after + 1 + len(found)))
                assert [arrival.received_us for _, arrival in found] == positions
                shipped = after = positions[-1] if found else after
            case _:
                after = max(
                    shipped - number, 0
                )  # nobody asks for what is in the tables; if so it is not remembered as something else


def test_whole_groups_are_given_until_it_is_enough() -> None:
    memory = Recent()
    for n in range(5):
        memory.add(arrivals(1 + 10 * n, 10), 10 + 10 * n, 0)
    assert len(memory.behind(0, 25, 10**6)) == 20
    assert len(memory.behind(0, 5, 10**6)) == 10, "one group at least"
    assert len(memory.behind(0, 100, 85)) == 40
    assert len(memory.behind(0, 100, 1)) == 10
    assert [position for position, _ in memory.behind(13, 20, 10**6)] == [*range(14, 31)][:17]
    assert memory.behind(50, 100, 10**6) == []
    assert memory.behind(0, 100, 10**6) == [], "it was asked for what lies behind 50"


def test_beyond_its_bounds_it_remembers_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "RECENT_MESSAGES", 25)
    memory = Recent()
    for n in range(5):
        memory.add(arrivals(1 + 10 * n, 10), 10 + 10 * n, 0)
    assert memory.behind(0, 100, 10**6) == [], "the file has to be read"
    assert [position for position, _ in memory.behind(35, 100, 10**6)] == [*range(36, 51)]
    monkeypatch.setattr(recent, "RECENT_BYTES", 100)
    memory.add(arrivals(51, 2, size=60), 52, 0)
    assert memory.behind(50, 100, 10**6) == []
    memory.add(arrivals(53, 1, size=60), 53, 0)
    assert len(memory.behind(52, 100, 10**6)) == 1


def test_positions_of_another_file_are_forgotten() -> None:
    memory = Recent()
    memory.add(arrivals(1, 3), 3, 0)
    memory.add(arrivals(4, 3), 6, 1)
    assert memory.generation == 1
    assert memory.behind(0, 10, 1000) == []
    assert len(memory.behind(3, 10, 1000)) == 3
    memory.clear()
    assert memory.behind(3, 10, 1000) == []
