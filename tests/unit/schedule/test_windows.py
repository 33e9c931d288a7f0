"""The hours in which sessions may begin."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.schedule.windows import Window, openings

BERLIN = ZoneInfo("Europe/Berlin")
windows = st.builds(
    Window, st.times().map(lambda at: at.replace(microsecond=0)), st.times(), st.frozensets(st.integers(0, 6), min_size=1)
)


@given(st.lists(windows, max_size=3).map(tuple), st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 20))
def test_openings_are_in_order_and_on_their_days(given_: tuple[Window, ...], first: date, days: int) -> None:
    found = list(openings(given_, first, first + timedelta(days=days), BERLIN))
    assert [(each.date, each.begin) for each in found] == sorted((each.date, each.begin) for each in found)
    for each in found:
        assert each.begin < each.end <= each.begin + timedelta(hours=25)
        assert each.date.weekday() in given_[each.index].days
        assert first <= each.date <= first + timedelta(days=days)


def test_over_midnight_and_over_a_changed_clock() -> None:
    (night,) = openings((Window(time(22), time(6)),), date(2026, 10, 24), date(2026, 10, 24), BERLIN)
    assert (night.begin, night.end) == (datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 5, tzinfo=UTC))
    gone = Window(time(2, 10), time(2, 50))
    (short,) = openings((gone,), date(2026, 3, 29), date(2026, 3, 29), BERLIN)
    assert short.begin == datetime(2026, 3, 29, 1, 10, tzinfo=UTC), "the moment it would have been"
    assert not list(openings((Window(time(9), time(10), frozenset({0})),), date(2026, 11, 24), date(2026, 11, 29), BERLIN))
    assert not list(openings((Window(time(2, 30), time(3, 5)),), date(2026, 3, 29), date(2026, 3, 29), BERLIN)), "no time at all"
