"""What is said on the live bus: it survives the way, and two telemetry messages become one without losing a metric."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.device.messages import Admin, CommandState, Health, Link, Safety
from lics_actors.live.messages import (
    AlarmLive,
    CommandLive,
    DeviceLive,
    EventLive,
    LiveMessage,
    NodeLive,
    TelemetryLive,
    command_topic,
    decode,
    device_topic,
    encode,
    merged,
)
from lics_actors.store.records import Command, CommandStep

ID = UUID(int=5)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMMAND = Command(ID, ID, "feed", {"pellets": 1}, "user:1", False, True, NOW, (CommandStep(CommandState.ACCEPTED, NOW),))
EXAMPLES: tuple[LiveMessage, ...] = (
    DeviceLive(ID, Link.ONLINE, Health.OK, Safety.SAFE, Admin.ENABLED, "online", 3, None, NOW, None),
    TelemetryLive(ID, NOW, 3, 2**63 - 1, {"plate_c": 36.6}),
    EventLive(ID, NOW, "lick", None, 3, 4),
    EventLive(ID, NOW, "lick", {"side": "links ⬅", "n": [1, {"a": None}]}, 3, 4),
    CommandLive(COMMAND),
    AlarmLive("recorder", "spool_full", "high", "the disk is full", NOW),
    AlarmLive("recorder", "spool_full", "high", "", None, NOW),
    NodeLive("device:5", "quarantined", "too often", NOW),
)
metrics = st.dictionaries(st.text(max_size=4), st.floats(allow_nan=False, allow_infinity=False), max_size=5)


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_way(message: LiveMessage) -> None:
    assert decode(encode(message)) == message
    assert b"\n" not in encode(message)


def test_each_kind_is_named_in_the_message() -> None:
    kinds = {msgspec.json.decode(encode(message))["kind"] for message in EXAMPLES}
    assert kinds == {"device", "telemetry", "event", "command", "alarm", "node"}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"kind":"gap"}', b'{"kind":"event"}', b"\xff"])
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)):
        decode(body)


@given(older=metrics, newer=metrics)
def test_merged_telemetry_has_the_newer_value_of_each_metric(older: dict[str, float], newer: dict[str, float]) -> None:
    first, second = TelemetryLive(ID, NOW, 1, 1, older), TelemetryLive(ID, NOW, 1, 2, newer)
    both = merged(first, second)
    assert (both.seq, both.metrics) == (2, {**older, **newer})
    assert first.metrics == older and second.metrics == newer


def test_topics_are_those_of_the_websocket() -> None:
    assert device_topic(ID) == f"device:{ID}"
    assert command_topic(ID) == f"command:{ID}"
