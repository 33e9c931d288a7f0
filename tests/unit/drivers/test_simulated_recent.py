"""What a simulated device says again after a lost connection: enough, and not for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.native.simulator.recent import KEPT_S, MOST, Recent


@given(st.lists(st.floats(0.0, 3.0), max_size=60))
def test_all_of_the_last_seconds_before_the_last_sign_of_life_is_said_again(gaps: list[float]) -> None:
    recent, now, said = Recent(), 0.0, []
    for seq, gap in enumerate(gaps):
        now += gap
        recent.acknowledged(("telemetry", 1, seq), b"%d" % seq, now)
        said.append((now, seq))
    again = recent.again()
    assert [key[2] for key, _ in again] == [seq for at, seq in said if at >= now - KEPT_S]
    assert recent.again() == again  # another connection is lost before they have arrived


def test_what_is_said_again_is_kept_until_it_is_acknowledged_anew() -> None:
    recent = Recent()
    for seq in range(3):
        recent.acknowledged(("events", 1, seq), b"", 0.0)
    recent.again()
    recent.acknowledged(("events", 1, 1), b"", 100.0)
    assert [key[2] for key, _ in recent.again()] == [0, 2, 1]


def test_it_is_bounded() -> None:
    recent = Recent()
    for seq in range(MOST + 50):
        recent.acknowledged(("telemetry", 1, seq), b"", 0.0)
    again = recent.again()
    assert len(again) == MOST and again[-1][0][2] == MOST + 49
