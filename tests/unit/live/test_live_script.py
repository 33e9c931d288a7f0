"""The pure part of the bus's Redis: names, requests, and when a replay is whole."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.live.messages import FLEET, command_topic, device_topic
from lics_actors.live.script import KEPT_MESSAGES, Mark, channel, channels_pattern, covered, mark_of, packed
from tests.unit.live.test_live_messages import ID


def state(n: int | None, kept: int | None, since: int | None) -> list[bytes | None]:
    return [None if field is None else b"%d" % field for field in (n, kept, since)]


@given(
    kept=st.lists(st.integers(0, 60), unique=True).map(sorted),
    began=st.integers(0, 20),
    after=st.integers(-5, 70),
    limit=st.integers(1, 8),
)
def test_a_replay_is_whole_or_refused(kept: list[int], began: int, after: int, limit: int) -> None:
    """A stream that began behind number `began` and keeps the newest `limit` of `KEPT_MESSAGES`."""
    said = [n for n in kept if n > began]
    stream = said[-limit:]
    n = max([began, *kept])
    length = KEPT_MESSAGES if len(said) > limit else len(stream)
    whole = covered(after, state(n, said[-1] if said else None, began), length, stream[0] if stream else None)
    replayed = [each for each in stream if each > after]
    if whole:
        assert replayed == [each for each in said if each > after]
        assert began <= after <= n
    elif began <= after <= n:
        assert len(said) > limit and stream[0] > after, "only what was trimmed is refused"


def test_without_a_hash_or_a_stream_nothing_is_whole() -> None:
    assert not covered(5, state(None, None, None), 0, None)
    assert not covered(5, state(9, 9, None), 3, 5)
    assert not covered(5, state(9, 9, 1), 0, None)
    assert covered(9, state(9, 9, 1), 0, None)
    assert covered(5, state(9, None, 1), 0, None)


@given(st.text(alphabet="ab[]*?\\/-!^", max_size=12))
def test_a_prefix_is_meant_as_it_is_written(prefix: str) -> None:
    pattern = channels_pattern(prefix)
    assert pattern.endswith("live:*")
    assert re.sub(r"\\(.)", r"\1", pattern[:-1]) == channel(prefix, "")
    assert not set("[]*?") & set(re.sub(r"\\.", "", pattern[:-1]))


def test_what_is_kept_when() -> None:
    assert mark_of(FLEET, True) is mark_of(device_topic(ID), True) is Mark.KEPT
    assert mark_of(command_topic(ID), True) is Mark.ON_DEMAND
    assert mark_of(command_topic(ID), False) is mark_of(FLEET, False) is Mark.PASSING


def test_a_request_is_what_redis_reads() -> None:
    request = packed(b"EVAL", b"return 1", [(b"a", Mark.KEPT, b"x\r\ny"), (b"b", Mark.BROKEN, b"")])
    assert request == (
        b"*9\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n2\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\n1\r\n$4\r\nx\r\ny\r\n$1\r\n3\r\n$0\r\n\r\n"
    )
