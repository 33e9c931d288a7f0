"""What the recorder counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counters since this process began, and gauges. Written in the loop's thread, read from any."""

    received: int = 0  # messages from the broker
    spooled: int = 0  # of these on the disk
    acknowledged: int = 0  # PUBACKs sent
    shipped: int = 0  # messages out of the spool into the tables
    rows: int = 0  # of telemetry and events, new in the tables
    duplicates: int = 0  # that were there already
    rejected: int = 0  # messages that broke their contract
    dead_letters: int = 0  # messages and journal entries that the database refused
    journal_entries: int = 0
    connections: int = 0
    sessions_lost: int = 0
    commits: int = 0
    faults: int = 0
    broker_dropped: int = 0  # by the broker for anybody, since it started
    connected: bool = False
    subscriptions: int = 0  # filters the broker was asked for on this connection
