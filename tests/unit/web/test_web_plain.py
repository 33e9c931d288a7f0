"""What is read as a plain command is what a careful HTTP parser would have read; anything that could be doubted is not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from web.plain import MAX_BODY_BYTES, MAX_HEAD_BYTES, Begun, Plain, answer, read

DEVICE = UUID("7e0e9a52-55f5-4d1b-8f3c-2d3a5c0a4f10")
PATH = f"/api/v1/devices/{DEVICE}/command"
START = f"POST {PATH} HTTP/1.1\r\n".encode()
HEADERS = (b"Host: x", b"Content-Type: application/json", b"Content-Length: 2", b"Authorization: Bearer t")
NAMES = st.sampled_from(
    [b"Host", b"content-length", b"Content-Length", b"Connection", b"Expect", b"X-A", b"Transfer-Encoding", b"", b" "]
)
VALUES = st.sampled_from(
    [b"x", b"2", b"02", b"+2", b"close", b"keep-alive", b"chunked", b"100-continue", b"\xff", b"a\x00", b"\t2 "]
)
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\n "])


def plain(*headers: bytes, body: bytes = b"{}") -> bytes:
    return START + b"".join(line + b"\r\n" for line in headers) + b"\r\n" + body


def as_h11_reads(data: bytes) -> tuple[bytes, bytes, dict[bytes, bytes], bytes, bytes]:
    """Return method, target, headers, body and what follows."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request: Any = connection.next_event()
    assert isinstance(request, h11.Request)
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        body += event.data
    return request.method, request.target, dict(request.headers), body, connection.trailing_data[0]


@given(
    st.lists(st.tuples(NAMES, VALUES, ENDS), max_size=3),
    st.permutations(HEADERS),
    st.sampled_from([b"{}", b"", b"{} ", b"{}POST / HTTP/1.1\r\n\r\n"]),
    st.sampled_from([START, START.replace(b"1.1", b"1.0"), START.replace(b"POST", b"post"), START + b"\r\n", START[:-2] + b"\n"]),
)
@example([], list(HEADERS), b"{}", START)
def test_a_plain_command_reads_as_h11_reads_it(
    others: list[tuple[bytes, bytes, bytes]], headers: list[bytes], body: bytes, start: bytes
) -> None:
    lines = [line + b"\r\n" for line in headers] + [name + b":" + value + end for name, value, end in others]
    data = start + b"".join(lines) + b"\r\n" + body
    found = read(data)
    if isinstance(found, Plain):
        method, target, known, read_body, after = as_h11_reads(data)
        assert (method, target, read_body, after) == (b"POST", found.path.encode(), found.body, b"")
        assert dict(found.headers) == known
        assert found.device_id == DEVICE


def test_the_usual_request_is_plain() -> None:
    found = read(plain(*HEADERS, b"Connection: Keep-Alive", b"X-Request-ID:\tabc "))
    assert isinstance(found, Plain)
    assert (found.path, found.device_id, found.body) == (PATH, DEVICE, b"{}")
    assert found.headers[b"x-request-id"] == b"abc"


UNUSUAL = [
    b"Transfer-Encoding: identity",
    b"Content-Encoding: gzip",
    b"Expect: 100-continue",
    b"Upgrade: h2c",
    b"Origin: http://elsewhere",
    b"Trailer: x",
    b"Connection: close",
    b"Host: y",
    b"X\xe9: 1",
    b"X: \xe9",
    b"X : 1",
    b"no colon",
    b" folded: 1",
]


@pytest.mark.parametrize("line", UNUSUAL)
def test_an_unusual_header_makes_it_none(line: bytes) -> None:
    assert read(plain(*HEADERS, line)) is None


@pytest.mark.parametrize("left_out", range(3))
def test_host_kind_and_length_are_needed(left_out: int) -> None:
    assert read(plain(*(line for n, line in enumerate(HEADERS) if n != left_out))) is None


@pytest.mark.parametrize("length", [b"-1", b"2x", b"0x2", b"", b"999999999", b"%d" % (MAX_BODY_BYTES + 1), b"000002"])
def test_a_strange_length_makes_it_none(length: bytes) -> None:
    assert read(plain(HEADERS[0], HEADERS[1], b"Content-Length: " + length)) is None


def test_a_body_may_come_later_but_nothing_behind_it() -> None:
    whole = plain(*HEADERS)
    assert read(whole[:-2]) == read(whole[:-1]) == Begun()
    assert read(whole + b"P") is None
    assert [read(whole[:n]) for n in range(len(whole) - 2)] == [None] * (len(whole) - 2)


def test_an_endless_head_is_none() -> None:
    assert read(plain(*HEADERS, b"X: " + b"a" * MAX_HEAD_BYTES)) is None


@pytest.mark.parametrize(
    "path",
    [PATH + "/", PATH + "?wait=no", PATH.upper(), PATH.replace("command", "commands"), f"/api/v1/devices/{DEVICE.hex}/command"],
)
def test_another_path_is_none(path: str) -> None:
    assert read(plain(*HEADERS).replace(PATH.encode(), path.encode())) is None


def test_an_answer_reads_as_it_was_meant() -> None:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target=PATH, headers=[("host", "x"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(answer(202, [(b"location", b"/there"), (b"content-type", b"application/json")], b"{}"))
    response: Any = connection.next_event()
    assert (response.status_code, response.reason) == (202, b"Accepted")
    assert dict(response.headers) == {b"location": b"/there", b"content-type": b"application/json", b"content-length": b"2"}
    assert connection.next_event() == h11.Data(data=b"{}")
    assert isinstance(connection.next_event(), h11.EndOfMessage)
