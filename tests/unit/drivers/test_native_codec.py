"""The native contract, both ways: what keeps it comes through unchanged, what breaks it is refused and nothing else happens."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.description import description_json, description_of
from drivers.errors import DecodeError, EncodeError
from drivers.native import device_side, wire
from drivers.native.codec import ACK, DESCRIBE, EVENTS, NATIVE, STATUS, TELEMETRY, NativeSettings
from drivers.native.spec import DEVICE_TYPES, PUMP
from drivers.protocol import (
    AckState,
    CommandAcked,
    CommandSpec,
    Decoded,
    Described,
    Description,
    DeviceRef,
    EventReported,
    EventSpec,
    MetricSpec,
    OutgoingCommand,
    PresenceReported,
    PresenceState,
    Received,
    Sample,
    TelemetryReported,
)
from tests.unit.drivers.payloads import (
    EPOCHS,
    FIELDS,
    NAMES,
    NUMBERS,
    OBJECTS,
    SAMPLES,
    SEQS,
    TEXTS,
    TIMES,
    VALUES,
    WILD_JSON,
    mutated,
    rearranged,
)

DEVICE = DeviceRef(UUID("5c3f94b6-3241-512d-adf8-072366a33b5b"), {}, "labs/a/")
BASE = f"labs/a/devices/{DEVICE.device_id}/"
NOW = datetime(2026, 5, 4, 3, 2, 1, 987654, tzinfo=UTC)
LEAVES = (DESCRIBE, STATUS, TELEMETRY, EVENTS, ACK)
GOOD = {
    DESCRIBE: device_side.describe_payload(PUMP),
    STATUS: device_side.status_payload(PresenceState.ONLINE, 1, NOW, "well"),
    TELEMETRY: device_side.telemetry_payload(1, 2, [Sample(NOW, {"a": 1.5}), Sample(NOW + timedelta(seconds=1), {"a": 2})]),
    EVENTS: device_side.event_payload(1, 2, NOW, "lick", {"bout": 3}),
    ACK: device_side.ack_payload(uuid4(), AckState.SUCCEEDED, NOW, result={"a": 1}, error="e", ledger_seq=4),
}


def decode(leaf: str, payload: bytes) -> list[Decoded]:
    return list(NATIVE.decode(DEVICE, Received(BASE + leaf, payload, NOW)))


def decode_json(leaf: str, **body: Any) -> Decoded:
    (said,) = decode(leaf, json.dumps(body).encode())
    return said


def refused(leaf: str, payload: bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(leaf, payload)
    assert caught.value.topic == BASE + leaf
    return caught.value.reason


# -- round trips -----------------------------------------------------------------------------------------------------------

SCHEMAS = st.sampled_from([{}, {"type": "object"}, {"properties": {"a": {"type": "number"}}}])
BOUNDS = st.tuples(NUMBERS, NUMBERS).map(sorted) | st.just([None, None])
DESCRIPTIONS = st.builds(
    Description,
    type=TEXTS.filter(lambda text: 1 <= len(text) <= 50),
    firmware=TEXTS,
    metrics=st.dictionaries(NAMES, st.builds(lambda unit, pair: MetricSpec(unit[:50], *pair), TEXTS, BOUNDS), max_size=3),
    commands=st.dictionaries(NAMES, st.builds(CommandSpec, SCHEMAS, st.booleans(), st.booleans()), max_size=3),
    events=st.dictionaries(NAMES, st.builds(EventSpec, SCHEMAS), max_size=3),
)


@given(DESCRIPTIONS)
def test_a_description_comes_through(description: Description) -> None:
    assert decode(DESCRIBE, device_side.describe_payload(description)) == [Described(description)]
    assert description_of(json.loads(json.dumps(description_json(description)))) == description


@pytest.mark.parametrize("kind", DEVICE_TYPES)
def test_every_simulated_type_describes_itself(kind: str) -> None:
    assert decode(DESCRIBE, device_side.describe_payload(DEVICE_TYPES[kind])) == [Described(DEVICE_TYPES[kind])]


@given(st.sampled_from(PresenceState), EPOCHS, TIMES, st.none() | TEXTS)
def test_a_status_comes_through(state: PresenceState, epoch: int, time: datetime, reason: str | None) -> None:
    payload = device_side.status_payload(state, epoch, time, reason)
    assert decode(STATUS, payload) == [PresenceReported(state, epoch, time, reason)]


@given(EPOCHS, SEQS, SAMPLES, st.none() | OBJECTS)
def test_telemetry_comes_through(epoch: int, seq: int, samples: list[Sample], tags: dict[str, Any] | None) -> None:
    payload = device_side.telemetry_payload(epoch, seq, samples, tags)
    assert decode(TELEMETRY, payload) == [TelemetryReported(epoch, seq, tuple(samples), tags)]


@given(EPOCHS, SEQS, TIMES, NAMES, st.none() | OBJECTS)
def test_an_event_comes_through(epoch: int, seq: int, time: datetime, kind: str, data: dict[str, Any] | None) -> None:
    payload = device_side.event_payload(epoch, seq, time, kind, data)
    assert decode(EVENTS, payload) == [EventReported(epoch, seq, time, kind, data)]


@given(st.uuids(), st.sampled_from(AckState), TIMES, VALUES, st.none() | TEXTS, st.none() | SEQS)
def test_an_ack_comes_through(
    command_id: UUID, state: AckState, time: datetime, result: Any, error: str | None, ledger_seq: int | None
) -> None:
    payload = device_side.ack_payload(command_id, state, time, result=result, error=error, ledger_seq=ledger_seq)
    assert decode(ACK, payload) == [CommandAcked(command_id, state, time, result, error, ledger_seq)]


@given(st.uuids(), NAMES, OBJECTS, TIMES, st.none() | EPOCHS, st.none() | OBJECTS)
def test_a_command_comes_through(
    command_id: UUID, name: str, args: dict[str, Any], deadline: datetime, epoch: int | None, lease: dict[str, Any] | None
) -> None:
    command = OutgoingCommand(command_id, name, args, deadline, epoch, lease)
    (publication,) = NATIVE.encode(DEVICE, command)
    assert (publication.topic, publication.qos) == (BASE + "commands", 1)
    assert device_side.read_command(publication.topic, publication.payload) == command
    assert NATIVE.echo_of(DEVICE, command) is None


@given(NAMES, TIMES)
def test_a_lease_comes_through(holder: str, expires: datetime) -> None:
    lease = device_side.Lease(holder, expires)
    assert device_side.read_lease("lease", device_side.lease_payload(lease)) == lease


@given(TIMES)
def test_times_are_written_in_utc_with_microseconds(time: datetime) -> None:
    written = wire.rfc3339(time)
    assert written == wire.rfc3339(time.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert len(written) == 27 and written.endswith("Z") and datetime.fromisoformat(written) == time


# -- what breaks it --------------------------------------------------------------------------------------------------------


def whatever(leaf: str, payload: bytes) -> None:
    """Decode: an answer or a DecodeError that can be stored; any other exception fails the test."""
    try:
        decode(leaf, payload)
    except DecodeError as error:
        assert len(error.reason) <= wire.MAX_REASON and "\0" not in error.reason
        error.reason.encode()


@given(st.sampled_from(LEAVES), st.binary(max_size=300))
def test_any_bytes(leaf: str, payload: bytes) -> None:
    whatever(leaf, payload)


@given(st.sampled_from(LEAVES), WILD_JSON)
def test_any_json(leaf: str, payload: bytes) -> None:
    whatever(leaf, payload)


@given(st.sampled_from(LEAVES), st.dictionaries(st.sampled_from(FIELDS), WILD_JSON.map(json.loads)))
def test_any_json_under_the_right_names(leaf: str, body: dict[str, Any]) -> None:
    whatever(leaf, json.dumps(body).encode())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(LEAVES), st.data())
def test_damaged_payloads(leaf: str, data: st.DataObject) -> None:
    whatever(leaf, data.draw(mutated(GOOD[leaf])))
    whatever(leaf, data.draw(rearranged(GOOD[leaf])))


@given(st.binary(max_size=300) | WILD_JSON)
def test_the_device_side_refuses_anything_too(payload: bytes) -> None:
    for read in (device_side.read_command, device_side.read_lease):
        try:
            read("commands", payload)
        except DecodeError as error:
            assert error.topic == "commands"


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"x":' + b"[" * 100_000,
        b'{"x":' * 5_000 + b"1" + b"}" * 5_000,
        b"\xff\xfe",
        b'{"unknown": "\xff"}',
        b"null",
        b"{}",
        b'"' + b"a" * 60_000 + b'"',
        b" " * 1_000_000,
    ],
)
def test_rubbish_is_refused_on_every_topic(leaf: str, payload: bytes) -> None:
    assert refused(leaf, payload)


@pytest.mark.parametrize("leaf", [DESCRIBE, STATUS])
def test_a_cleared_retained_message_says_nothing(leaf: str) -> None:
    assert decode(leaf, b"") == []


@pytest.mark.parametrize("leaf", [TELEMETRY, EVENTS, ACK])
def test_an_empty_message_elsewhere_is_refused(leaf: str) -> None:
    refused(leaf, b"")


@pytest.mark.parametrize(
    "topic", ["", BASE[:-1], BASE, BASE + "commands", BASE + "lease", BASE + "telemetry/x", "devices/x/status"]
)
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(DecodeError, match="not a topic"):
        NATIVE.decode(DEVICE, Received(topic, GOOD[TELEMETRY], NOW))


STAMP = {"epoch": 1, "seq": 0, "ts": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"epoch": -1}, ">= 0"),
        ({"epoch": 2**31}, "<= 2147483647"),
        ({"epoch": 1.0}, "int"),
        ({"epoch": None}, "int"),
        ({"seq": 2**63}, "<= 9223372036854775807"),
        ({"seq": True}, "int"),
        ({"ts": "2026-01-01T00:00:00"}, "timezone"),
        ({"ts": "2026-13-01T00:00:00Z"}, "RFC3339"),
        ({"ts": 1_700_000_000}, "datetime"),
        ({"ts": "1999-12-31T23:59:59.999999Z"}, "1999"),
        ({"ts": "2100-01-01T00:00:00Z"}, "2100"),
        ({"ts": "2099-12-31T23:59:59-00:01"}, "2100"),
        ({"ts": "0001-01-01T00:00:00+23:59"}, "the year 1 "),
        ({"metrics": {}}, "length >= 1"),
        ({"metrics": {"": 1}}, "length >= 1"),
        ({"metrics": {"m" * 101: 1}}, "length <= 100"),
        ({"metrics": {"a\0": 1}}, "U+0000"),
        ({"metrics": {"a": "1"}}, "float"),
        ({"metrics": {"a": True}}, "float"),
        ({"metrics": {"a": None}}, "float"),
        ({"metrics": {f"m{n}": n for n in range(257)}}, "length <= 256"),
        ({"metrics": []}, "object"),
        ({"tags": []}, "object"),
        ({"tags": {"a": "\0"}}, "tags: a text holds U+0000"),
        ({"tags": {"a": 2**64}}, "tags: an integer"),
        ({"samples": [{"ts": "2026-01-01T00:00:00Z", "metrics": {"a": 1}}]}, "both"),
        ({"metrics": None}, "neither"),
        ({"ts": None}, "neither"),
    ],
)
def test_telemetry_that_breaks_a_rule(change: dict[str, Any], reason: str) -> None:
    body = {**STAMP, "metrics": {"a": 1}, **change}
    assert reason in refused(TELEMETRY, json.dumps(body).encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 400])
def test_numbers_that_no_double_holds(number: str) -> None:
    refused(TELEMETRY, b'{"epoch":1,"seq":0,"ts":"2026-01-01T00:00:00Z","metrics":{"a":%s}}' % number.encode())
    refused(EVENTS, b'{"epoch":1,"seq":0,"ts":"2026-01-01T00:00:00Z","type":"a","data":{"a":%s}}' % number.encode())


def sample(second: int, **metrics: float) -> dict[str, Any]:
    return {"ts": f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z", "metrics": metrics or {"a": 1}}


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ([], "length >= 1"),
        ([sample(1), sample(1, b=2)], "two samples of the same time"),
        ([sample(1), {"metrics": {"a": 1}}], "ts"),
        ([sample(n, **{f"m{k}": k for k in range(30)}) for n in range(340)], "more than 10000 values"),
        ([sample(1)] * 1001, "length <= 1000"),
        ({}, "array"),
    ],
)
def test_samples_that_break_a_rule(samples: Any, reason: str) -> None:
    body = json.dumps({"epoch": 1, "seq": 0, "samples": samples}, separators=(",", ":"))
    assert reason in refused(TELEMETRY, body.encode())


def test_samples_and_one_of_ts_and_metrics_is_ambiguous() -> None:
    assert "both" in refused(TELEMETRY, json.dumps({**STAMP, "samples": [sample(1)]}).encode())
    body = {"epoch": 1, "seq": 0, "samples": [sample(1)], "metrics": {"a": 1}}
    assert "both" in refused(TELEMETRY, json.dumps(body).encode())


def test_integers_become_numbers_and_offsets_become_utc() -> None:
    said = decode_json(TELEMETRY, epoch=0, seq=2**63 - 1, ts="2026-01-01T02:00:00+02:00", metrics={"a": 10**300})
    assert said == TelemetryReported(0, 2**63 - 1, (Sample(datetime(2026, 1, 1, tzinfo=UTC), {"a": 1e300}),))
    assert isinstance(said, TelemetryReported) and said.samples[0].time.tzinfo is UTC


def test_an_ack_of_a_device_without_a_clock_has_the_time_of_its_arrival() -> None:
    said = decode_json(ACK, id=str(UUID(int=5)), state="succeeded", result=1.5)
    assert said == CommandAcked(UUID(int=5), AckState.SUCCEEDED, NOW, 1.5)


def test_unknown_fields_are_ignored() -> None:
    assert decode_json(EVENTS, **STAMP, type="door", colour="red") == EventReported(
        1, 0, datetime(2026, 1, 1, tzinfo=UTC), "door"
    )


@pytest.mark.parametrize(
    ("leaf", "body", "reason"),
    [
        (STATUS, {"state": "asleep", "epoch": 1, "ts": STAMP["ts"]}, "Invalid enum value"),
        (STATUS, {"state": "online", "ts": STAMP["ts"]}, "epoch"),
        (STATUS, {"state": "online", "epoch": 1, "ts": STAMP["ts"], "reason": "\0"}, "reason: a text holds U+0000"),
        (STATUS, {"state": "online", "epoch": 1, "ts": STAMP["ts"], "reason": "x" * 1001}, "length <= 1000"),
        (EVENTS, {**STAMP, "type": ""}, "length >= 1"),
        (EVENTS, {**STAMP, "type": "a\0"}, "type: a text holds U+0000"),
        (EVENTS, {**STAMP, "type": "a", "data": 5}, "object"),
        (EVENTS, {**STAMP, "type": "a", "data": {"\0": 5}}, "data: a text holds U+0000"),
        (ACK, {"id": "5", "state": "failed", "ts": STAMP["ts"]}, "UUID"),
        (ACK, {"id": str(uuid4()), "state": "done", "ts": STAMP["ts"]}, "enum"),
        (ACK, {"id": str(uuid4()), "state": "failed", "ts": STAMP["ts"], "error": "\0"}, "error: a text holds U+0000"),
        (ACK, {"id": str(uuid4()), "state": "failed", "ts": STAMP["ts"], "result": [2**70]}, "result: an integer"),
        (ACK, {"id": str(uuid4()), "state": "failed", "ts": STAMP["ts"], "ledger_seq": -1}, ">= 0"),
        (DESCRIBE, {"schema": 2, "type": "pump", "firmware": "1"}, "schema 2 is not known"),
        (DESCRIBE, {"schema": 1, "type": "", "firmware": "1"}, "length >= 1"),
        (DESCRIBE, {"schema": 1, "type": "\0", "firmware": "1"}, "type: a text"),
        (DESCRIBE, {"schema": 1, "type": "a", "firmware": "\0"}, "firmware: a text"),
        (DESCRIBE, {"schema": 1, "type": "a", "firmware": "1", "metrics": {"m": {"unit": "\0"}}}, "metrics.m.unit"),
        (
            DESCRIBE,
            {"schema": 1, "type": "a", "firmware": "1", "metrics": {"m": {"unit": "", "min": 2, "max": 1}}},
            "min is above",
        ),
        (DESCRIBE, {"schema": 1, "type": "a", "firmware": "1", "commands": {"c": {"args": {}}}}, "idempotent"),
        (
            DESCRIBE,
            {
                "schema": 1,
                "type": "a",
                "firmware": "1",
                "commands": {"c": {"args": {"$ref": "#"}, "idempotent": True, "actuates": False}},
            },
            "commands.c.args: $ref is not supported",
        ),
        (DESCRIBE, {"schema": 1, "type": "a", "firmware": "1", "events": {"e": {"data": {"type": 5}}}}, "events.e.data"),
    ],
)
def test_other_messages_that_break_a_rule(leaf: str, body: dict[str, Any], reason: str) -> None:
    assert reason in refused(leaf, json.dumps(body).encode())


def test_data_may_be_larger_than_control() -> None:
    room = {"a": ["x" * 60_000] * 3}
    assert decode_json(EVENTS, **STAMP, type="a", data=room)
    assert "more than 262144" in refused(EVENTS, json.dumps({**STAMP, "type": "a", "data": {"a": ["x" * 60_000] * 5}}).encode())
    body = {"id": str(uuid4()), "state": "succeeded", "ts": STAMP["ts"], "result": room}
    assert "more than 65536" in refused(ACK, json.dumps(body).encode())


# -- topics and commands ---------------------------------------------------------------------------------------------------


def test_the_reason_never_carries_what_cannot_be_stored() -> None:
    reason = refused(STATUS, json.dumps({"state": "\0" * 5000, "epoch": 1, "ts": STAMP["ts"]}).encode())
    assert len(reason) <= wire.MAX_REASON and "\0" not in reason


@given(st.uuids(), st.sampled_from(["", "a/", "labs/a/"]), st.sampled_from([TELEMETRY, EVENTS]))
def test_a_shared_topic_names_its_device(device_id: UUID, prefix: str, leaf: str) -> None:
    assert NATIVE.device_of(f"{prefix}devices/{device_id}/{leaf}", prefix) == device_id


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "devices/",
        "devices/5c3f94b6-3241-512d-adf8-072366a33b5b",
        "x/devices/5c3f94b6-3241-512d-adf8-072366a33b5b/events",
        "devices/5C3F94B6-3241-512d-adf8-072366a33b5b/events",
        "devices/{5c3f94b6-3241-512d-adf8-072366a33b5b}/events",
        "devices/5c3f94b63241512dadf8072366a33b5b/events",
        "devices/none/events",
    ],
)
def test_other_topics_name_none(topic: str) -> None:
    assert NATIVE.device_of(topic, "") is None


def command(**changes: Any) -> OutgoingCommand:
    return OutgoingCommand(**{"command_id": uuid4(), "name": "dispense", "args": {}, "deadline": NOW} | changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"deadline": datetime(2026, 1, 1)}, "time zone"),
        ({"deadline": datetime.max.replace(tzinfo=UTC)}, "year 9999"),
        ({"deadline": datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))}, "year 1"),
        ({"args": {"a": float("nan")}}, "not finite"),
        ({"args": {"a": 2**64}}, "64 bits"),
        ({"args": {"a": "\ud800"}}, "surrogate"),
        ({"args": {"a": object()}}, "no JSON value"),
        ({"args": {1: 2}}, "key is no text"),
        ({"args": {"a": ["x" * 60_000] * 2}}, "more than 65536"),
        ({"lease": {"holder": "\0"}}, "U+0000"),
    ],
)
def test_a_command_that_cannot_be_said(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(EncodeError) as caught:
        NATIVE.encode(DEVICE, command(**changes))
    assert caught.value.command == "dispense" and reason in caught.value.reason


def test_the_device_describes_itself_and_settings_are_few() -> None:
    assert NATIVE.description(DEVICE) is None
    NativeSettings.model_validate({})
    with pytest.raises(ValueError, match="volume"):
        NativeSettings.model_validate({"volume": 1})


def test_a_description_document_that_is_none_is_an_error() -> None:
    with pytest.raises(KeyError):
        description_of({"type": "pump"})


def test_a_lease_names_its_holder_and_when_it_expires() -> None:
    device = DeviceRef(uuid4(), {}, "lab/")
    (said,) = NATIVE.encode_lease(device, "lics", NOW)
    assert said.topic == f"lab/devices/{device.device_id}/lease"
    document = json.loads(said.payload)
    assert document["holder"] == "lics"
    assert datetime.fromisoformat(document["expires"]) == NOW
