"""A protocol as it is uploaded and kept: read, checked, put into one form, and when a rehearsal is good enough. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from drivers.protocol import Description
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.document import Protocol
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.problems import Problem
from lics_actors.experiment.reading import read, validated

MIN_TRIALS: Final = 100  # of a rehearsal that counts: below, rare branches of the classics were not reached


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A protocol that can be run. `document`: JSON in one form, in the order that was written; `digest`: its SHA-256."""

    name: str
    title: str
    schema_version: int
    digest: str
    text: str
    document: str
    findings: tuple[dict[str, str], ...]
    plan: Plan


def uploaded(text: str, devices: Mapping[str, Description]) -> Uploaded:
    """Return what a YAML or JSON text says, checked against devices (type → `describe`).

    Raises:
        ProtocolError: it cannot be run; with every path and reason.
    """
    protocol = read(text)
    plan, warnings = prepared(protocol, devices)
    document = canonical(protocol)
    return Uploaded(
        protocol.name,
        protocol.title,
        protocol.protocol,
        hashlib.sha256(document.encode()).hexdigest(),
        text,
        document,
        tuple(finding(each) for each in warnings),
        plan,
    )


def canonical(protocol: Protocol) -> str:
    """Return a protocol's one form as JSON; the order of names stays, since chance is asked in it."""
    return msgspec.json.encode(protocol.model_dump(mode="json", exclude_defaults=True, exclude_none=True)).decode()


def kept(document: str) -> Protocol:
    """Return the protocol that `canonical` made a document of.

    Raises:
        ProtocolError: it was kept by a later version of the language.
    """
    return validated(msgspec.json.decode(document))


def finding(problem: Problem) -> dict[str, str]:
    """Return a problem as it is kept and told."""
    return {"path": problem.path, "reason": problem.reason, "todo": problem.todo, "level": problem.level}


def unsound(result: Mapping[str, Any]) -> str:
    """Return why a version may not be armed on the strength of a rehearsal; nothing where it may."""
    if result["trials"] < MIN_TRIALS:
        return f"it has {result['trials']} trials; {MIN_TRIALS} at least are needed"
    if result["replay"] != "identical":
        return "its replay came out otherwise"
    failed = [ending for ending in result["endings"] if ending.startswith("failed")]
    return f"a session of it {failed[0]}" if failed else ""
