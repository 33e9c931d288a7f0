"""A dossier as text: lines of JSON for the facts, each move and each command, and one with the digest of all before. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from lics_actors.datafile.dossier import FORMAT, CommandFacts, Dossier, Move, RunFacts

MAX_BYTES: Final = 1 << 30  # a session of 10,000 trials has some 50 MB


class Sealed(msgspec.Struct, frozen=True):
    """The last line. `sha256`: of the lines before, each with its newline."""

    sha256: str
    moves: int
    commands: int


class RecordError(ValueError):
    """This is no record of a run, or not a whole one."""


_facts = msgspec.json.Decoder(RunFacts)
_move = msgspec.json.Decoder(Move)
_command = msgspec.json.Decoder(CommandFacts)
_sealed = msgspec.json.Decoder(Sealed)


def text_of(record: Dossier) -> Iterator[bytes]:
    """Yield the lines of a record."""
    digest = hashlib.sha256()
    for line in _lines(record):
        digest.update(line)
        yield line
    yield msgspec.json.encode(Sealed(digest.hexdigest(), len(record.moves), len(record.commands))) + b"\n"


def _lines(record: Dossier) -> Iterator[bytes]:
    yield msgspec.json.encode(record.facts) + b"\n"
    for move in record.moves:
        yield msgspec.json.encode(move) + b"\n"
    for command in record.commands:
        yield msgspec.json.encode(command) + b"\n"


def read(data: bytes) -> Dossier:
    """Return the record that a text holds.

    Raises:
        RecordError: it is none, of a newer format, cut off, or was changed: its digest is another.
    """
    lines = data.splitlines(keepends=True)
    if len(lines) < 2 or len(data) > MAX_BYTES:
        raise RecordError(
            "this is no record of a run" if len(data) <= MAX_BYTES else f"the record is larger than {MAX_BYTES} bytes"
        )
    try:
        sealed = _sealed.decode(lines[-1])
    except msgspec.MsgspecError:
        raise RecordError("the record has no end: it was cut off") from None
    if hashlib.sha256(b"".join(lines[:-1])).hexdigest() != sealed.sha256:
        raise RecordError("the record was changed: its digest is another")
    return _decoded(lines[:-1], sealed)


def seal_of(data: bytes) -> str:
    """Return the digest that a record ends with.

    Raises:
        msgspec.MsgspecError: it has no end.
    """
    return _sealed.decode(data.splitlines()[-1]).sha256


def _decoded(lines: list[bytes], sealed: Sealed) -> Dossier:
    if len(lines) != 1 + sealed.moves + sealed.commands:
        raise RecordError(f"the record has {len(lines)} lines instead of {1 + sealed.moves + sealed.commands}")
    moves: list[Move] = []
    try:
        facts = _facts.decode(lines[0])
        if facts.format > FORMAT:
            raise RecordError(f"the record has format {facts.format}, of a newer LICS; this one reads {FORMAT}")
        moves += map(_move.decode, lines[1 : 1 + sealed.moves])
        commands = tuple(_command.decode(line) for line in lines[1 + sealed.moves :])
    except msgspec.MsgspecError as error:
        raise RecordError(f"a line after {len(moves)} moves cannot be read: {error}") from None
    return Dossier(facts, tuple(moves), commands)


def digest_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON object, as protocols have it: names in their order, since chance is asked in it; no spaces."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
