"""What a device's messages change: presence, description, readings, acknowledgements, and which are not believed. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from drivers.description import description_json
from drivers.protocol import (
    CommandAcked,
    Decoded,
    Described,
    Description,
    EventReported,
    PresenceReported,
    PresenceState,
    TelemetryReported,
)
from lics_actors.device import commands
from lics_actors.device.events import Effect, Keep, MessageRefused
from lics_actors.device.messages import Health, Link, MetricReading
from lics_actors.device.model import DeviceState, Share
from lics_actors.store.records import REJECTED_KEPT_BYTES, DeviceDescribed, PayloadRejected

MAX_METRICS = 300  # of the twin; a device inventing names shall not fill the memory (a native `describe` names 256 at most)
KEPT_REJECTS = 10  # per topic and REJECTS_S; a device sending rubbish shall not fill the disk, nor one topic hide another
MAX_TOPICS = 32  # with a share of their own; a convention has a handful
OTHER_TOPICS = ""  # what the others share
REJECTS_S = 60.0

Outcome = tuple[DeviceState, list[Effect]]


def said(state: DeviceState, decoded: Decoded, now: datetime, retained: bool) -> Outcome:
    fenced, state = _fenced(state, decoded)
    if fenced:
        return state.counted("messages_fenced"), []
    if not retained and not _is_farewell(decoded):
        state = replace(state, last_seen=now)
    match decoded:
        case PresenceReported():
            return _presence(state, decoded, now), []
        case Described(description):
            state, effects = described(state, description, now)
        case TelemetryReported():
            state, effects = _metered(state, decoded), []
        case CommandAcked():
            book, effects = commands.acked(state.book, decoded, now)
            state = replace(state, book=book)
        case EventReported():
            effects = []
        case _:
            assert_never(decoded)
    return _alive(state, now, retained), effects


def _fenced(state: DeviceState, decoded: Decoded) -> tuple[bool, DeviceState]:
    """Return whether a message is of an earlier boot; a later one is the device's new boot."""
    match decoded:
        case PresenceReported(epoch=epoch):
            pass
        case TelemetryReported(epoch=epoch) | EventReported(epoch=epoch) if state.guarantees.sequenced:
            pass
        case _:
            return False, state
    if epoch is None or epoch == state.epoch:
        return False, state
    if state.epoch is None:
        return False, replace(state, epoch=epoch)
    if epoch < state.epoch:
        return True, state
    return False, replace(state, epoch=epoch).counted("reboots")


def _presence(state: DeviceState, presence: PresenceReported, now: datetime) -> DeviceState:
    if not state.session:
        return state
    match presence.state:
        case PresenceState.ONLINE:
            return replace(state.linked(Link.ONLINE, now, presence.reason), health=Health.OK, heard=now)
        case PresenceState.FAULT:
            return replace(state.linked(Link.ONLINE, now, presence.reason), health=Health.FAULT, heard=now)
        case PresenceState.OFFLINE:
            return state.linked(Link.OFFLINE, now, presence.reason or "the device, or its last will, says it is offline")
        case _:
            assert_never(presence.state)


def _alive(state: DeviceState, now: datetime, retained: bool) -> DeviceState:
    """A message is a sign of life; where there is no status it is the only one."""
    if retained or not state.session:
        return state
    if state.link is Link.STALE or not (state.guarantees.reports_presence or state.link is Link.ONLINE):
        state = state.linked(Link.ONLINE, now)
    return replace(state, heard=now)


def _is_farewell(decoded: Decoded) -> bool:
    """Return whether a message may be a last will: the broker's word, not the device's."""
    return isinstance(decoded, PresenceReported) and decoded.state is PresenceState.OFFLINE


def _metered(state: DeviceState, telemetry: TelemetryReported) -> DeviceState:
    metrics = dict(state.metrics)
    for sample in telemetry.samples:
        for name, value in sample.metrics.items():
            if name in metrics or len(metrics) < MAX_METRICS:
                metrics[name] = MetricReading(value, sample.time)
    return replace(state, metrics=metrics)


def described(state: DeviceState, description: Description, now: datetime) -> Outcome:
    if description == state.description:
        return state, []
    record = DeviceDescribed(state.spec.device_id, now, description_json(description))
    return replace(state, description=description), [Keep(record)]


def refused(state: DeviceState, event: MessageRefused) -> Outcome:
    if event.recorded_elsewhere:
        return state.counted("payloads_rejected_by_record"), []
    rejects = replace(state.rejects, total=state.rejects.total + 1)
    topic = event.topic if event.topic in rejects.topics or len(rejects.topics) < MAX_TOPICS else OTHER_TOPICS
    share = rejects.topics.get(topic) or Share(event.now)
    if not timedelta() <= event.now - share.since < timedelta(seconds=REJECTS_S):
        share = Share(event.now, suppressed=share.suppressed)
    effects: list[Effect] = []
    if share.kept >= KEPT_REJECTS:
        share = replace(share, suppressed=share.suppressed + 1)
    else:
        kept, device_id = event.payload[:REJECTED_KEPT_BYTES], state.spec.device_id
        effects = [Keep(PayloadRejected(device_id, event.now, event.topic, event.reason, kept, event.size, share.suppressed))]
        share = Share(share.since, share.kept + 1)
    return replace(state, rejects=replace(rejects, topics={**rejects.topics, topic: share})), effects
