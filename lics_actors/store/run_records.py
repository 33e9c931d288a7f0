"""What a run's journal holds: how it was opened, and each step of the engine, in order. Pure.

`n` counts the steps of a run from 0, over the incarnations of its actor: (run, n) names a step wherever it is kept, so a repeat
is harmless. What comes in and what follows from it are one record, written before anything of it leaves; they are the engine's
own (experiment/messages.py), so that a finished run can be replayed from them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lics_actors.experiment.messages import Effect, Event


class RunOpened(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A run came to its actor: all that its decisions follow from, besides its steps. Table `run`.

    `document`: the protocol as it was read (experiment/document.py), `parameters`: in base units; `roles`: role → device;
    `described`: device type → `describe` it was compiled against; `time`: the zero of the run's axis (UTC).
    """

    run_id: UUID
    time: datetime
    laboratory_id: UUID
    rig_id: UUID
    protocol_version_id: UUID
    document: dict[str, Any]
    seed: int
    principal: str
    parameters: dict[str, Any] = {}
    roles: dict[str, UUID] = {}
    described: dict[str, Any] = {}
    subject_id: UUID | None = None
    experiment_id: UUID | None = None
    stage: int | None = None
    software: str = ""  # the version of LICS


class RunStepped(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A run heard something and decided. Tables `run`, `trial`, `reward`, `annotation`, and `run_event` with all of it.

    `time`: LICS's clock (UTC) when it was heard; `event.at` is the same on the run's axis. `ask`: the wish of an operator that it
    was, which is done once. `barred`: commands among the effects that were not sent, and why (the subject's limits).
    """

    run_id: UUID
    n: int
    time: datetime
    event: Event
    effects: tuple[Effect, ...] = ()
    ask: UUID | None = None
    barred: dict[UUID, str] = {}


class RunReacted(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A command of step `n` was published. `heard`: when what it answers came in; `decided`: when it was in the run's journal;
    `left`: when the device's actor said that it is published, so an upper bound. All of LICS's clock (UTC)."""

    run_id: UUID
    n: int
    command_id: UUID
    heard: datetime
    decided: datetime
    left: datetime


RunRecord = RunOpened | RunStepped | RunReacted
