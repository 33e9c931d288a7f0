"""Strategies for what devices send: values that keep the contract, and ways to break it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from drivers.protocol import Sample

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=100)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 59, 999_999), timezones=st.just(UTC))
EPOCHS = st.integers(0, 2**31 - 1)
SEQS = st.integers(0, 2**63 - 1)
METRICS = st.dictionaries(NAMES, NUMBERS, min_size=1, max_size=5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INTEGERS | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)
SAMPLES = st.lists(st.builds(Sample, TIMES, METRICS), min_size=1, max_size=5, unique_by=lambda sample: sample.time)

# any JSON, with what Python's json writes and real parsers choke on: NaN, lone surrogates, integers of any size
WILD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])) | st.just("\0"),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
).map(lambda value: json.dumps(value).encode())

FIELDS = (
    *("schema", "type", "firmware", "metrics", "commands", "events", "state", "epoch", "ts", "reason", "seq", "samples"),
    *("tags", "data", "id", "result", "error", "ledger_seq", "args", "deadline", "lease", "holder", "expires", "name"),
)


@st.composite
def mutated(draw: st.DrawFn, payload: bytes) -> bytes:
    """A payload with some bytes replaced, removed or added."""
    data = bytearray(payload)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 2)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
            case 1:
                del data[at : at + draw(st.integers(1, 8))]
            case _:
                data[at:at] = draw(st.sampled_from([b"\\u0000", b"\xff", b"[", b"{", b'"', b"1e999", b"NaN", b"-", b"\\ud800"]))
    return bytes(data)


@st.composite
def rearranged(draw: st.DrawFn, payload: bytes) -> bytes:
    """A payload with one field removed, added or given any value."""
    body = json.loads(payload)
    name = draw(st.sampled_from([*body, *FIELDS]))
    if draw(st.booleans()):
        body.pop(name, None)
    else:
        body[name] = json.loads(draw(WILD_JSON))
    return json.dumps(body).encode()
