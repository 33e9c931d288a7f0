"""The laboratory's day, in every zone there is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.welfare.days import MAX_DAYS, NamedCalendar, day_of, day_on, days_within

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Asia/Kathmandu",
    "America/Havana",
    "Atlantic/Azores",
    "Pacific/Kiritimati",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
times = st.datetimes(datetime(1990, 1, 1), datetime(2036, 12, 31), timezones=st.just(UTC))
starts = st.sampled_from([time(), time(7), time(0, 30), time(2, 30), time(23, 59)])


@given(times, zones, starts)
def test_a_time_belongs_to_one_day_and_days_follow_each_other(at: datetime, zone: ZoneInfo, hour: time) -> None:
    day = day_of(at, zone, hour)
    assert day.begin <= at < day.end
    assert day == day_on(day.date, zone, hour)
    following = day_of(day.end, zone, hour)
    assert following.begin == day.end
    assert day_of(day.begin - timedelta(microseconds=1), zone, hour).end == day.begin
    assert day_of(at.astimezone(zone), zone, hour) == day


@given(times, zones)
def test_it_is_what_a_calendar_there_says(at: datetime, zone: ZoneInfo) -> None:
    named = at.astimezone(zone).date()
    assert abs((day_of(at, zone).date - named).days) <= 1, "a clock put back over midnight shows a date again"
    noon = datetime.combine(named, time(12), zone).astimezone(UTC)
    if noon.astimezone(zone).date() == named:  # not a day that was left out
        assert day_of(noon, zone).date == named


@pytest.mark.parametrize(
    ("zone", "named", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 11, 23), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # midnight itself was left out
        ("Pacific/Apia", date(2011, 12, 30), 0),  # so was this whole day
    ],
)
def test_days_are_as_long_as_the_clock_there_makes_them(zone: str, named: date, hours: float) -> None:
    day = day_on(named, ZoneInfo(zone))
    assert day.end - day.begin == timedelta(hours=hours)


def test_a_clock_put_back_over_midnight_shows_a_date_again_that_is_over() -> None:
    newfoundland, second = ZoneInfo("America/St_Johns"), datetime(2006, 10, 29, 2, 40, tzinfo=UTC)
    assert second.astimezone(newfoundland).isoformat() == "2006-10-28T23:10:00-03:30", "the second time"
    assert day_of(second, newfoundland).date == date(2006, 10, 29)


def test_a_stretch_touches_days() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert [each.date.day for each in days_within(begin, begin + timedelta(hours=2), berlin)] == [28, 29]
    assert [each.date.day for each in days_within(begin, begin + timedelta(hours=1), berlin)] == [28], "the end is not touched"
    assert len(days_within(begin, begin + timedelta(days=1000), berlin)) == MAX_DAYS


def test_a_calendar_that_is_told_to_another_process_is_the_same_there() -> None:
    told = NamedCalendar("Europe/Berlin", time(7))
    assert (str(told.zone()), told.day_starts) == ("Europe/Berlin", time(7))
