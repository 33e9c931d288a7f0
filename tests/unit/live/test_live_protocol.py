"""The language: what is said is read or refused with its place, what is told reads back as it was."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from web.live.frames import PING, text_frame
from web.live.posts import NO_TOPIC, answer, post
from web.live.protocol import (
    Auth,
    ErrorTold,
    Gap,
    MalformedMessageError,
    Order,
    Ping,
    Pong,
    Ready,
    Subscribe,
    Unsubscribe,
    is_topic,
    read,
    topic_command,
    topic_device,
    write,
)

DEVICE = UUID("3f1e7d5c-0a4b-4c52-9a0e-0d5a1c1f8b11")
DEEP = '{"kind":"command","ref":"1","name":"x","args":{"a":' + "[" * 100_000
NOT_JSON = (
    "",
    "{",
    "nonsense",
    DEEP,
    '{"kind":"ping"',
    b"\xff\xfe",
    '{"kind":"ping","ref":"\\ud800"}',
    '{"kind":"ping"}{}',
)
REFUSED: list[tuple[dict[str, Any] | list[Any] | str | None, str]] = [
    ({}, "message"),
    ([], "message"),
    (None, "message"),
    ({"kind": "shout"}, "kind"),
    ({"kind": "auth"}, "message"),
    ({"kind": "auth", "token": 1}, "token"),
    ({"kind": "auth", "token": "x" * 9000}, "token"),
    ({"kind": "subscribe", "topics": []}, "topics"),
    ({"kind": "subscribe", "topics": ["fleet"] * 1001}, "topics"),
    ({"kind": "subscribe", "topics": ["x" * 65]}, "topics[0]"),
    ({"kind": "subscribe", "topics": ["fleet"], "after": -1}, "after"),
    ({"kind": "subscribe", "topics": ["fleet"], "after": 2**53}, "after"),
    ({"kind": "subscribe", "topics": ["fleet"], "aftr": 1}, "message"),
    ({"kind": "command", "ref": "", "device_id": str(DEVICE), "name": "x"}, "ref"),
    ({"kind": "command", "ref": "1", "device_id": "pump", "name": "x"}, "device_id"),
    ({"kind": "command", "ref": "1", "device_id": str(DEVICE), "name": "x", "args": []}, "args"),
    ({"kind": "ping", "ref": "x" * 101}, "ref"),
]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind":"auth","token":"t"}', Auth("t")),
        ('{"kind":"subscribe","topics":["fleet"]}', Subscribe(["fleet"])),
        ('{"kind":"subscribe","topics":["fleet"],"after":7}', Subscribe(["fleet"], 7)),
        ('{"kind":"subscribe","topics":["fleet"],"after":{"fleet":7}}', Subscribe(["fleet"], {"fleet": 7})),
        ('{"kind":"unsubscribe","topics":["fleet"]}', Unsubscribe(["fleet"])),
        (f'{{"kind":"command","ref":"1","device_id":"{DEVICE}","name":"stop"}}', Order("1", DEVICE, "stop")),
        ('{"kind":"ping"}', Ping()),
        ('{"ref":"1","kind":"ping"}', Ping("1")),
    ],
)
def test_what_a_client_may_say(text: str, message: object) -> None:
    assert read(text) == message


@pytest.mark.parametrize("text", NOT_JSON)
def test_what_is_no_json_is_refused_as_that(text: str | bytes) -> None:
    with pytest.raises(MalformedMessageError):
        read(text)


@pytest.mark.parametrize(("document", "field"), REFUSED)
def test_a_refusal_says_where(document: object, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read(json.dumps(document))
    assert [entry["field"] for entry in caught.value.fields] == [field]


@given(st.binary() | st.text())
def test_anything_else_is_refused_and_nothing_else_happens(text: bytes | str) -> None:
    with suppress(InvalidError):
        read(text)


def test_what_is_told_leaves_out_what_is_not_there() -> None:
    assert json.loads(write(Pong())) == {"kind": "pong"}
    assert json.loads(write(Gap("fleet", 3, 5))) == {"kind": "gap", "topic": "fleet", "from": 3, "to": 5}
    assert json.loads(write(ErrorTold({"code": "X"}, ref="1"))) == {"kind": "error", "detail": {"code": "X"}, "ref": "1"}
    assert json.loads(write(Ready("user:admin", 1, 20.0, 5, 6)))["principal"] == "user:admin"


@given(st.uuids())
def test_a_topic_has_one_spelling(identity: UUID) -> None:
    assert topic_device(f"device:{identity}") == topic_command(f"command:{identity}") == identity
    assert topic_device(f"command:{identity}") is None
    assert not is_topic(f"device:{str(identity).upper()}") or str(identity).isdigit() or str(identity) == str(identity).upper()
    assert not is_topic(f"device:{identity.hex}")
    assert is_topic(f"run:{identity}")
    assert not is_topic(f"run:{identity.hex}")
    assert is_topic(f"command:{identity}")


def test_the_plain_topics() -> None:
    assert is_topic("fleet")
    assert is_topic("alarms")
    assert not is_topic("device:")
    assert not is_topic("")


@given(st.integers(0, 70_000) | st.sampled_from([125, 126, 65535, 65536]))
def test_a_frame_holds_its_text(size: int) -> None:
    frame = text_frame(b"x" * size)
    head = 2 if size < 126 else 4 if size < 65536 else 10
    assert (frame[0], len(frame)) == (0x81, head + size)
    assert frame[1] == (size if size < 126 else 126 if size < 65536 else 127)
    if head > 2:
        assert int.from_bytes(frame[2:head], "big") == size
    assert len(PING) == 2


@pytest.mark.parametrize("size", [0, 200, 70_000])
def test_a_post_is_its_text_in_a_frame(size: int) -> None:
    made = answer(Pong("x" * size))
    assert json.loads(made.text) == {"kind": "pong", "ref": "x" * size}
    assert (made.topic, made.n, made.size) == (NO_TOPIC, 0, len(made.frame))
    gap = post(Gap("fleet", 3, 5))
    assert (gap.topic, gap.n) == ("fleet", 0)
    assert str(uuid4()) not in gap.text
