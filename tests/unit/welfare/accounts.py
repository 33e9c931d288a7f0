"""What tests of welfare share: a subject, a day, entries."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from lics_actors.welfare.days import day_on
from lics_actors.welfare.messages import Entry, Fate, Substance

SUBJECT = UUID(int=7)
BERLIN = ZoneInfo("Europe/Berlin")
DAY = day_on(date(2026, 11, 23), BERLIN)
NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
amounts = st.floats(0.25, 2_000)


def entry(n: int, amount: float = 10.0, fate: Fate = Fate.COMMANDED, measured: float | None = None) -> Entry:
    return Entry(UUID(int=n), SUBJECT, Substance.FLUID, amount, NOON, fate, measured)


@st.composite
def entries(draw: st.DrawFn, one: int | None = None) -> Entry:
    """Words about few ids, so that many are about the same."""
    n = one or draw(st.integers(1, 5))
    return Entry(
        UUID(int=n),
        SUBJECT,
        Substance.FLUID if n % 2 else Substance.FOOD,
        float(n),
        NOON,
        draw(st.sampled_from(Fate)),
        draw(st.none() | st.floats(0, 20)),
        draw(st.none() | st.just(n * 1.5)),
        draw(st.none() | st.integers(1, 2)),
        by=draw(st.sampled_from(["", "user:a"])),
    )
