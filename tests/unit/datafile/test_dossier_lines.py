"""A dossier as text: the same again, or an error."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lics_actors.datafile import lines
from lics_actors.datafile.lines import RecordError, digest_of, read, seal_of, text_of
from lics_actors.experiment.library import protocol_of
from lics_actors.study.protocol_documents import canonical
from tests.unit.datafile.dossiers import classic_dossier, dossier_of, journalled, story
from tests.unit.experiment.kitchen import Play, event_of, kitchen

histories = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 10_000), st.floats(-0.5, 3)), max_size=60)


@cache
def text() -> bytes:
    play = story()
    return b"".join(text_of(dossier_of(play, journalled(play))))


@settings(max_examples=40, deadline=None)
@given(histories)
def test_what_is_written_is_read(history: list[tuple[int, int, float]]) -> None:
    play = Play(kitchen(), 2**62).begin()
    for each in history:
        play.hear(event_of(play, each))
    dossier = dossier_of(play)
    assert read(b"".join(text_of(dossier))) == dossier


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_whatever_byte_is_changed_is_noticed(where: int, change: int) -> None:
    data = bytearray(text())
    data[where % len(data)] ^= change
    with pytest.raises(RecordError):
        read(bytes(data))


@given(st.integers(0, 10**9))
def test_whatever_is_cut_off_is_noticed(where: int) -> None:
    data = text()
    with pytest.raises(RecordError):
        read(data[: where % (len(data) - 1)])


def sealed_anew(body: list[bytes], moves: int, commands: int) -> bytes:
    whole = b"".join(body)
    digest = hashlib.sha256(whole).hexdigest()
    return whole + f'{{"sha256":"{digest}","moves":{moves},"commands":{commands}}}\n'.encode()


def test_what_is_sealed_anew_must_still_be_a_record() -> None:
    body = text().splitlines(keepends=True)[:-1]
    with pytest.raises(RecordError, match="lines instead of"):
        read(sealed_anew(body[:-1], len(body) - 3, 2))
    with pytest.raises(RecordError, match="a line after 0 moves cannot be read"):
        read(sealed_anew([body[0], b"[]\n", *body[2:]], len(body) - 3, 2))
    newer = body[0].replace(b'"format":1', b'"format":2')
    with pytest.raises(RecordError, match="of a newer LICS"):
        read(sealed_anew([newer, *body[1:]], len(body) - 3, 2))


def test_a_text_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_BYTES", 100)
    with pytest.raises(RecordError, match="larger than 100 bytes"):
        read(text())


def test_the_seal_is_the_digest_of_all_before() -> None:
    data = b"".join(text_of(classic_dossier("two_choice")))
    *body, _ = data.splitlines(keepends=True)
    assert seal_of(data) == hashlib.sha256(b"".join(body)).hexdigest()


def test_a_protocol_has_the_digest_that_its_version_has() -> None:
    protocol = protocol_of("delayed_match")
    document = classic_dossier("delayed_match").facts.protocol
    assert document.digest == digest_of(document.document) == hashlib.sha256(canonical(protocol).encode()).hexdigest()
    assert digest_of({"a": 1, "b": "ä"}) != digest_of({"b": "ä", "a": 1})  # the order of draws decides
