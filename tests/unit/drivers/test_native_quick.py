"""The quick way says exactly what the codec says, or nothing."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from drivers.errors import DecodeError
from drivers.native.codec import NATIVE, NativeDriver
from drivers.native.quick import quick_telemetry
from drivers.native.wire import DATA_BYTES, MAX_VALUES
from drivers.protocol import DeviceRef, QuickDriver, Received, TelemetryReported
from tests.unit.drivers.payloads import FIELDS, WILD_JSON, mutated, rearranged

DEVICE = DeviceRef(UUID(int=1), {}, "lab/")
TOPIC = f"lab/devices/{DEVICE.device_id}/telemetry"
UNIX = datetime(1970, 1, 1, tzinfo=UTC)
ORDINARY: dict[str, Any] = {"epoch": 1, "seq": 2, "ts": "2026-03-01T12:00:00.123456Z", "metrics": {"a": 1.5}}
SERIES: dict[str, Any] = {
    "epoch": 1,
    "seq": 2,
    "samples": [{"ts": f"2026-03-01T12:00:0{n}Z", "metrics": {"a": n, "b": -0.5}} for n in range(3)],
}


def exactly(number: float) -> bytes:
    """Return what tells 0.0 from -0.0, too."""
    return struct.pack(">d", number)


def said_quickly(payload: bytes) -> Any:
    said = quick_telemetry(payload)
    if said is None:
        return None
    epoch, seq, readings = said
    return epoch, seq, [(time_us, [(name, exactly(value)) for name, value in metrics.items()]) for time_us, metrics in readings]


def said_by_the_codec(payload: bytes) -> Any:
    try:
        (said,) = NATIVE.decode(DEVICE, Received(TOPIC, payload, UNIX))
    except DecodeError:
        return None
    assert isinstance(said, TelemetryReported)
    samples = [
        ((each.time - UNIX) // timedelta(microseconds=1), [(name, exactly(value)) for name, value in each.metrics.items()])
        for each in said.samples
    ]
    return None if said.tags is not None else (said.epoch, said.seq, samples)


def the_same_or_nothing(payload: bytes) -> bool:
    """Assert that the quick way does not differ; return whether it said anything."""
    quick = said_quickly(payload)
    assert quick is None or quick == said_by_the_codec(payload)
    return quick is not None


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), min_size=1, max_size=100)
TIMES = st.datetimes(
    datetime(2000, 1, 3),
    datetime(2099, 12, 29),
    timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))) | st.just(UTC),
).map(lambda time: time.isoformat().replace("+00:00", "Z"))
METRICS = st.dictionaries(NAMES, NUMBERS, min_size=1, max_size=5)
SAMPLES = st.lists(st.fixed_dictionaries({"ts": TIMES, "metrics": METRICS}), min_size=1, max_size=6, unique_by=lambda s: s["ts"])
NUMBERED = {"epoch": st.integers(0, 2**31 - 1), "seq": st.integers(0, 2**63 - 1)}
MESSAGES = st.fixed_dictionaries({**NUMBERED, "ts": TIMES, "metrics": METRICS}) | st.fixed_dictionaries(
    {**NUMBERED, "samples": SAMPLES}
)
# what is nearly right in every field, so that the rules between the fields are met as well
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "epoch": st.sampled_from([0, 1, 2**31 - 1, 2**31, -1, 1.0, "1", None, True]),
        "seq": st.sampled_from([0, 2**63 - 1, 2**63, -1, 1e2, None]),
        "ts": st.sampled_from(
            [
                "2026-03-01T12:00:00Z",
                "2026-03-01T12:00:00",
                "2026-03-01 12:00:00.5z",
                "2026-03-01T12:00:00.9999996Z",
                "2000-01-01T00:30:00+01:00",
                "2000-01-01T23:59:59Z",
                "1999-12-31T23:30:00-01:00",
                "2099-12-31T00:00:00Z",
                "2100-01-01T00:30:00+01:00",
                "2099-12-31T23:30:00-01:00",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-14:00",
                "2026-02-29T00:00:00Z",
                "2026-03-01T23:59:60Z",
                "",
                None,
                0,
            ]
        ),
        "metrics": st.sampled_from([{"a": 1}, {}, {"": 1}, {"a" * 100: 1}, {"a" * 101: 1}, {"a": None}, {"a": True}, None, []])
        | METRICS,
        "samples": st.sampled_from([None, [], [{"ts": "2026-03-01T12:00:00Z", "metrics": {"a": 1}}] * 2, [{}]])
        | SAMPLES
        | st.integers(1, 300).map(
            lambda n: [{"ts": f"2026-03-01T12:00:{k // 1000:02}.{k % 1000:03}Z", "metrics": {"a": 1}} for k in range(n)]
        ),
        "tags": st.sampled_from([None, {}, {"a": 1}]),
    },
)


@given(MESSAGES)
def test_what_is_ordinary_is_read_and_reads_the_same(message: dict[str, Any]) -> None:
    payload = json.dumps(message).encode()
    if said_by_the_codec(payload) is None:  # an integer that no float holds, or two samples of one instant in two offsets
        assert said_quickly(payload) is None
    else:
        assert the_same_or_nothing(payload)


@given(NEARLY)
@settings(max_examples=500)
def test_the_rules_between_the_fields_are_the_same(message: dict[str, Any]) -> None:
    the_same_or_nothing(json.dumps(message).encode())


@given(st.sampled_from([ORDINARY, SERIES]).map(lambda body: json.dumps(body).encode()).flatmap(mutated))
@settings(max_examples=500)
def test_damaged_payloads_are_the_same_or_left_to_the_codec(payload: bytes) -> None:
    the_same_or_nothing(payload)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([ORDINARY, SERIES]).map(lambda body: json.dumps(body).encode()).flatmap(rearranged))
def test_rearranged_payloads_too(payload: bytes) -> None:
    the_same_or_nothing(payload)


@given(st.binary(max_size=300) | WILD_JSON)
@example(b"")
@example(b"\xef\xbb\xbf" + json.dumps(ORDINARY).encode())
@example(json.dumps(ORDINARY).encode() + b" ")
@example(json.dumps(ORDINARY).encode() + b"x")
@example(json.dumps(ORDINARY).encode()[:-1] + b',"epoch":7}')
@example(json.dumps(ORDINARY).encode()[:-1] + b',"metrics":{"b":2}}')
def test_any_bytes(payload: bytes) -> None:
    the_same_or_nothing(payload)


@given(st.dictionaries(st.sampled_from(FIELDS), WILD_JSON.map(json.loads)))
def test_any_json_under_the_right_names(body: dict[str, Any]) -> None:
    the_same_or_nothing(json.dumps(body).encode())


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(ORDINARY | {"tags": {"cage": 3}}).encode(),
        json.dumps(ORDINARY | {"metrics": {"°C": 1}}, ensure_ascii=False).encode(),
        json.dumps(ORDINARY | {"metrics": {"°C": 1}}).encode(),  # escaped
        json.dumps(ORDINARY | {"note": "more than the contract asks for"}).encode(),
        json.dumps(ORDINARY | {"ts": "2000-01-01T12:00:00Z"}).encode(),
    ],
)
def test_what_the_contract_allows_beyond_the_ordinary_is_left_to_the_codec(payload: bytes) -> None:
    assert quick_telemetry(payload) is None
    NATIVE.decode(DEVICE, Received(TOPIC, payload, UNIX))


@pytest.mark.parametrize(
    "body",
    [
        ORDINARY | SERIES,
        SERIES | {"ts": ORDINARY["ts"]},
        SERIES | {"metrics": ORDINARY["metrics"]},
        {"epoch": 1, "seq": 1},
        SERIES | {"samples": SERIES["samples"] + [{"ts": "2026-03-01T13:00:00+01:00", "metrics": {"a": 1}}]},
        SERIES | {"samples": [{"ts": "2101-01-01T00:00:00Z", "metrics": {"a": 1}}]},
        SERIES | {"samples": [{"ts": "1971-01-01T00:00:00Z", "metrics": {"a": 1}}]},
        ORDINARY | {"metrics": {str(n): n for n in range(257)}},
    ],
)
def test_what_breaks_the_contract_is_left_to_the_codec(body: dict[str, Any]) -> None:
    payload = json.dumps(body).encode()
    assert said_by_the_codec(payload) is None
    assert quick_telemetry(payload) is None


@pytest.mark.parametrize("control", range(32))
def test_control_characters_never_pass(control: int) -> None:
    assert quick_telemetry(json.dumps(ORDINARY).encode().replace(b'"a"', b'"a' + bytes([control]) + b'"')) is None


def test_sizes_are_those_of_the_contract() -> None:
    def of(values: int) -> bytes:
        samples = [
            {"ts": f"2026-03-01T12:00:00.{n:03}Z", "metrics": {f"{k:x}": 1 for k in range(min(250, values - 250 * n))}}
            for n in range(-(-values // 250))
        ]
        return json.dumps(SERIES | {"samples": samples}, separators=(",", ":")).encode()

    assert the_same_or_nothing(of(MAX_VALUES))
    assert quick_telemetry(of(MAX_VALUES + 1)) is None
    padded = json.dumps(ORDINARY).encode().ljust(DATA_BYTES)
    assert the_same_or_nothing(padded)
    assert quick_telemetry(padded + b" ") is None


def test_only_a_devices_own_telemetry_has_a_quick_way() -> None:
    driver = NativeDriver()
    assert isinstance(driver, QuickDriver)
    assert driver.quick_reader(DEVICE, TOPIC) is quick_telemetry
    for topic in (
        TOPIC.removeprefix("lab/"),
        TOPIC + "/",
        TOPIC.replace("telemetry", "events"),
        f"lab/devices/{UUID(int=2)}/telemetry",
    ):
        assert driver.quick_reader(DEVICE, topic) is None
