"""What becomes of many values, in SQL: of single ones and of those that were made one before. Pure."""

from __future__ import annotations

from typing import Final

BIN: Final = "timestamptz '2000-01-03 00:00:00+00'"  # spans.BUCKET_ORIGIN


def total(value: str) -> str:
    """Return SQL for a sum that becomes infinite where PostgreSQL's own fails with "out of range".

    Values beyond 1e290 are added as 2^-64 of themselves, which is exact.
    """
    huge = f"abs({value}) > 1e290 AND abs({value}) < 'Infinity'"
    usual, small = f"sum({value}) FILTER (WHERE NOT ({huge}))", repr(2.0**-64)
    scaled = f"(CASE WHEN abs({usual}) > 1 THEN {usual} * {small} ELSE 0 END + sum({value} * {small}) FILTER (WHERE {huge}))"
    return (
        f"CASE WHEN count(*) FILTER (WHERE {huge}) = 0 THEN {usual}"
        f" WHEN abs({scaled}) < 9.7e288 THEN {scaled} / {small} ELSE {scaled} * 'Infinity' END"
    )


OF_VALUES: Final = f"""count(*) AS count, {total("value")} AS sum, min(value) AS min, max(value) AS max,
    (array_agg(value ORDER BY time, epoch, seq))[1] AS first,
    (array_agg(value ORDER BY time DESC, epoch DESC, seq DESC))[1] AS last"""
OF_MINUTES: Final = f"""sum(count)::bigint AS count, {total("sum")} AS sum, min(min) AS min, max(max) AS max,
    (array_agg(first ORDER BY bucket))[1] AS first, (array_agg(last ORDER BY bucket DESC))[1] AS last"""
OF_NUMBERS: Final = "range_agg(int8range(seq, seq + 1)) FILTER (WHERE seq < 9223372036854775807)"
