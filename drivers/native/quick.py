"""The native convention's telemetry, read the quick way: what the record sees by the ten thousand a second. Pure.

Here stands what is ordinary; every doubt is left to the codec, which has the rules and their reasons. So this reads less than the
contract allows, and nothing otherwise.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from drivers.native.wire import DATA_BYTES, FIRST_YEAR, LAST_YEAR, MAX_VALUES, Epoch, Metrics, Seq, Time
from drivers.protocol import QuickTelemetry

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_BACKSLASH: Final = b"\\"[0]
# the codec looks at the year in the time's own offset, too: a day within the limits no offset matters
_FIRST_US: Final = (datetime(FIRST_YEAR, 1, 2, tzinfo=UTC) - _UNIX) // _US
_LAST_US: Final = (datetime(LAST_YEAR, 12, 31, tzinfo=UTC) - _UNIX) // _US
_FEW: Final = MAX_VALUES // 256  # samples of as many metrics as a sample may have


class _QuickSample(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    ts: Time
    metrics: Metrics


class _QuickMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    epoch: Epoch
    seq: Seq
    ts: Time | None = None
    metrics: Metrics | None = None
    samples: Annotated[list[_QuickSample], Meta(min_length=1, max_length=1000)] | None = None


_decode = msgspec.json.Decoder(_QuickMessage).decode


def quick_telemetry(payload: bytes) -> QuickTelemetry | None:
    """Return what a payload on `telemetry` says where it is ordinary: ASCII, no escapes, no tags, a usual time.

    Without escapes a text holds neither U+0000 nor a surrogate (JSON forbids control characters as they are), and without unknown
    fields nothing is passed over unseen: so the texts need no look of their own.
    """
    if not payload.isascii() or _BACKSLASH in payload or len(payload) > DATA_BYTES:
        return None
    try:
        said = _decode(payload)
    except msgspec.MsgspecError:
        return None
    if said.samples is not None:
        return _series(said, said.samples)
    if said.ts is None or said.metrics is None:
        return None
    time_us = (said.ts - _UNIX) // _US
    return (said.epoch, said.seq, ((time_us, said.metrics),)) if _FIRST_US <= time_us < _LAST_US else None


def _series(said: _QuickMessage, samples: list[_QuickSample]) -> QuickTelemetry | None:
    if said.ts is not None or said.metrics is not None:
        return None
    times = [(sample.ts - _UNIX) // _US for sample in samples]
    if min(times) < _FIRST_US or max(times) >= _LAST_US or len(set(times)) != len(times):
        return None
    if len(samples) > _FEW and sum([len(sample.metrics) for sample in samples]) > MAX_VALUES:
        return None
    return said.epoch, said.seq, list(zip(times, [sample.metrics for sample in samples], strict=True))
