"""The chain of the audit: whatever is done to its rows is seen, and where."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.anchors import anchor_path, anchor_text, parse_anchor, read_anchor, write_anchor
from lics_actors.store.audit_chain import SAID, START, Break, Link, Row, Walk, chained, linked
from lics_actors.store.audit_texts import as_csv, as_ndjson, csv_head
from lics_actors.store.records import Audited

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def said(n: int = 0, **more: Any) -> tuple[Any, ...]:
    values: dict[str, Any] = dict.fromkeys(SAID)
    values |= {"act": UUID(int=n), "time": NOON, "principal": "user:a", "action": "x.y", "target": f"t:{n}"}
    values |= {"outcome": "ok", "origin": "rest", **more}
    return tuple(values[name] for name in SAID)


def rows(count: int) -> list[Row]:
    told = [said(n) for n in range(count)]
    return [Row(link.n, link.digest, each) for link, each in zip(chained(None, told), told, strict=True)]


def walked(rows: list[Row], *anchors: Link) -> Walk:
    walk = Walk(anchors)
    for row in sorted(rows, key=lambda row: row.n):
        walk.take(row)
    walk.end()
    return walk


def breaks(walk: Walk) -> list[tuple[Break, int, int]]:
    return [(each.what, each.n, each.until) for each in walk.broken]


def test_what_nobody_touched_is_whole() -> None:
    chain = rows(50)
    walk = walked(chain, Link(1, chain[0].digest), Link(50, chain[-1].digest))
    assert (walk.rows, walk.faults, walk.at) == (50, 0, Link(50, chain[-1].digest))
    assert breaks(walked([])) == []
    assert chained(Link(49, chain[48].digest), [chain[49].said]) == [Link(50, chain[49].digest)]


@given(st.integers(1, 20), st.sampled_from(SAID), st.text(min_size=1))
def test_no_column_of_any_row_is_changed_unseen(n: int, column: str, other: str) -> None:
    chain = rows(20)
    place = SAID.index(column)
    if chain[n - 1].said[place] == other:
        other += "x"
    chain[n - 1] = replace(chain[n - 1], said=(*chain[n - 1].said[:place], other, *chain[n - 1].said[place + 1 :]))
    assert breaks(walked(chain)) == [(Break.CHANGED, n, n)]


@given(st.sets(st.integers(1, 20), min_size=1, max_size=19))
def test_rows_taken_out_are_missed(gone: set[int]) -> None:
    whole = rows(20)
    walk = walked([row for row in whole if row.n not in gone], Link(20, whole[-1].digest))
    missed = {n for each in walk.broken for n in range(each.n, each.until + 1)}
    assert missed == gone
    assert {each.what for each in walk.broken} <= {Break.MISSING, Break.TRUNCATED}


@given(st.permutations(range(6)))
def test_rows_that_change_places_are_seen(order: list[int]) -> None:
    chain = rows(6)
    moved = [Row(n + 1, chain[n].digest, chain[place].said) for n, place in enumerate(order)]
    assert [each.n for each in walked(moved).broken] == [n + 1 for n, place in enumerate(order) if n != place]


def test_a_tail_cut_off_is_seen_by_the_anchor_alone() -> None:
    chain = rows(9)
    assert breaks(walked(chain[:6])) == []
    assert breaks(walked(chain[:6], Link(9, chain[8].digest))) == [(Break.TRUNCATED, 7, 9)]
    assert breaks(walked([], Link(2, chain[1].digest))) == [(Break.TRUNCATED, 1, 2)]


def test_a_chain_made_anew_is_seen_by_the_anchor_alone() -> None:
    chain = rows(9)
    other = [*(row.said for row in chain[:3]), said(99), *(row.said for row in chain[4:])]
    anew = [Row(link.n, link.digest, each) for link, each in zip(chained(None, other), other, strict=True)]
    assert breaks(walked(anew)) == []
    assert breaks(walked(anew, Link(9, chain[8].digest))) == [(Break.REWRITTEN, 9, 9)]
    assert breaks(walked(anew, Link(3, chain[2].digest))) == []


def test_of_many_breaks_some_are_told_and_all_counted() -> None:
    chain = [replace(row, digest=bytes(32)) for row in rows(300)]
    walk = walked(chain)
    assert (walk.faults, len(walk.broken)) == (300, 100)
    assert str(walk.broken[0]) == "row 1: not what was written there: changed, exchanged or moved"
    assert "rows 3 to 5" in str(walked([*rows(6)[:2], rows(6)[5]]).broken[0])


def test_the_form_stays() -> None:
    """Whoever changes what is digested must give it another name: chains are years old."""
    one = said(1, before='{"a": 1}', laboratory=UUID(int=1), reason="ä\u2028")
    assert linked(START, 1, one).hex() == "371bcc3ead0d922c1050055f9f153c0ba7619d75f527ca134cd9eb63a881e2aa"
    elsewhere = replace(rows(1)[0], said=said(0, time=NOON.astimezone(timezone(timedelta(hours=5)))))
    assert linked(START, 1, elsewhere.said) == rows(1)[0].digest
    with pytest.raises(TypeError):
        linked(START, 1, [1.5])


def test_the_anchor_is_kept_and_read(tmp_path: Path) -> None:
    path, link = anchor_path(tmp_path), Link(7, b"\xab" * 32)
    assert read_anchor(path) is None
    write_anchor(path, Link(3, b"\x01" * 32))
    write_anchor(path, link)
    assert read_anchor(path) == link
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert parse_anchor(anchor_text(link)) == link
    for wrong in ("", "7", "7:ab", "0:" + "ab" * 32, "x:" + "ab" * 32):
        with pytest.raises(ValueError):
            parse_anchor(wrong)
    path.write_text("{}")
    with pytest.raises(ValueError, match="no anchor"):
        read_anchor(path)


def test_acts_as_files() -> None:
    act = Audited(uuid4(), NOON, "=cmd|' /C calc'!A0", "x.y", "t", "ok", "rest", reason='say "a",\nb', after={"ä": [1]})
    (line,) = as_ndjson([act]).decode().splitlines()
    assert json.loads(line)["after"] == {"ä": [1]}
    assert csv_head().decode().startswith("act,time,principal")
    text = as_csv([act]).decode()
    assert "'=cmd|" in text, "no spreadsheet computes it"
    assert '"say ""a"",\nb"' in text
