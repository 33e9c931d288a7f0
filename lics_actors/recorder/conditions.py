"""What is wrong with the recorder, in words: the alarms that stand and the one word of state. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lics_actors.recorder.batch import Pressure
from lics_actors.recorder.brokerfacts import EPISODE_S

PATIENCE_S = 10.0  # a server that restarts is back sooner; longer needs a person
REMEMBERED_S = EPISODE_S  # how long an alarm about something that cannot be undone stands
CAUGHT_UP = 1 / 6  # of the lag that raises the alarm: what ends it, so that it does not flicker
QUEUE_ALARM_AT = 0.80  # of what the broker queues for a client
DISK_LOW_BYTES = 256 << 20  # free: minutes at full load, hours at an ordinary one; a full disk can note down no alarm

# ISA-18.2's priorities: critical where something is being lost or not recorded, medium where nothing is lost and time helps
PRIORITIES = {
    "audit-broken": "critical",
    "broker-away": "critical",
    "clock-stepped": "medium",
    "broker-dropped": "critical",
    "disk-full": "critical",
    "disk-low": "critical",
    "session-lost": "critical",
    "spool-full": "critical",
    "subscription-refused": "critical",
    "database-away": "medium",
    "ingest-lag": "medium",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand. Times in seconds, None where a thing is not so. The defaults are those of a recorder that starts."""

    opened: bool = False
    broker_away_s: float | None = None
    broker_reason: str = ""
    database_away_s: float = 0.0
    database_reason: str = ""
    audit: str | None = None  # what is wrong with it
    failing: str | None = None  # an error nobody foresaw, met while shipping
    pressure: Pressure = Pressure.EASY
    used_bytes: int = 0
    quota_bytes: int = 1
    disk_full: str | None = None
    disk_free_bytes: int | None = None  # of the file system that holds the spool
    damaged: tuple[str, ...] = ()
    dead_letters: bool = False
    refused_filters: tuple[str, ...] = ()
    session_lost_s: float | None = None  # ago
    dropped_s: float | None = None  # ago
    dropped: int = 0
    stored: int = 0  # messages the broker holds
    broker_queue: int | None = None  # how many it queues for a client, where that is known
    lag_s: float = 0.0
    lagging: bool = False
    lag_alarm_s: float = 30.0
    clock_step_s: float = 0.0  # by which the host's clock was last set,
    clock_stepped_s: float | None = None  # so long ago
    retiring: bool = False
    listening: bool = True  # False: another host records


def conditions(now: Standing) -> dict[str, str]:
    """Return the kinds of alarm that stand, each with a sentence for the person who has to act."""
    share = f"{100 * now.used_bytes / now.quota_bytes:.0f} % of its quota of {now.quota_bytes >> 20} MiB"
    found: dict[str, str | bool | None] = {
        "broker-away": now.broker_away_s is not None
        and now.broker_away_s > PATIENCE_S
        and f"nothing is recorded: {now.broker_reason}",
        "database-away": now.database_away_s > PATIENCE_S
        and f"the record stays on this host until the database is back: {now.database_reason}",
        "audit-broken": now.audit is not None and now.audit,
        "shipping-failed": now.failing is not None and f"the record stays on this host: {now.failing}",
        "spool-high": now.pressure is not Pressure.EASY and f"the spool has reached {share}",
        "spool-full": now.pressure is Pressure.FULL
        and f"the spool takes no more at {share}: messages wait at the broker, as many as it can queue",
        "disk-full": now.disk_full is not None and f"{now.disk_full}: messages wait at the broker, as many as it can queue",
        "disk-low": now.disk_free_bytes is not None
        and now.disk_free_bytes < DISK_LOW_BYTES
        and f"the disk of LICS_DATA_DIR has {now.disk_free_bytes >> 20} MiB left; when it is full, commands are refused and "
        "messages wait at the broker, as many as it can queue",
        "spool-damaged": bool(now.damaged)
        and f"what could be read was taken over; look at {', '.join(now.damaged)} and move it away",
        "dead-letters": now.dead_letters
        and "the database refused what is in dead-letters.jsonl beside the spool; look at it and move it away",
        "subscription-refused": bool(now.refused_filters)
        and f"the broker refuses subscriptions, nothing is recorded of {', '.join(now.refused_filters)}",
        "session-lost": _lately(now.session_lost_s) and "the broker had forgotten the session: what it had queued is lost",
        "broker-dropped": _lately(now.dropped_s)
        and f"the broker dropped {now.dropped:,} messages, for this or another client: its queues are too short for the load, "
        "or a client stayed away for too long",
        "broker-queue": now.broker_queue is not None
        and now.stored >= QUEUE_ALARM_AT * now.broker_queue
        and f"the broker holds {now.stored:,} messages and drops what it cannot queue beyond {now.broker_queue:,} for a client",
        "clock-stepped": _lately(now.clock_stepped_s)
        and f"the clock of this host was set by {now.clock_step_s:+,.1f} s: LICS's times before and after do not join; "
        "a device whose clock differs from the host's may refuse commands as expired",
        "ingest-lag": now.lagging
        and f"messages wait longer than {now.lag_alarm_s:g} s for the tables; nothing is lost, but what is read there is old",
    }
    return {kind: text for kind, text in found.items() if isinstance(text, str)}


def word(now: Standing) -> str:
    """Return the state in a word or two; the worst first."""
    if not now.opened:
        return "starting"
    if now.pressure is Pressure.FULL or now.disk_full is not None:
        return "back-pressure"
    if now.broker_away_s is not None:
        return "waiting (broker away)"
    if now.database_away_s > 0:
        return "spooling (database away)"
    if now.failing is not None:
        return "spooling (shipping fails)"
    if not now.listening:
        return "shipping"
    return "retiring" if now.retiring else "recording"


def lagging(before: bool, lag_s: float, alarm_s: float) -> bool:
    """Return whether the tables are behind, the oldest message that is not in them having waited `lag_s`."""
    return lag_s >= alarm_s * (CAUGHT_UP if before else 1.0)


def _lately(ago_s: float | None) -> bool:
    return ago_s is not None and ago_s < REMEMBERED_S
