"""The broker's limits that LICS sets fit what it promises to record, and are limits."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.settings import EMBEDDED_MAX_QUEUED
from lics_actors.recorder import batch
from lics_actors.services import mqtt_sessions

CONFIG = Path(config.__file__).parent
RATE = 50_000  # messages a second: what one recorder reads, and the bar of its benchmark
ACKNOWLEDGED_S = 0.4  # until a message is on the disk and its PUBACK is back, on a disk in trouble: usually 5 ms
AWAY_S = 4.0  # how long a recorder's restart takes when it hangs (fleet/actor.py); an orderly one takes a second
LARGEST_IN_FLIGHT = 65_535  # MQTT 3.1.1 section 2.3.1: packet ids have two bytes


def limits(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[0].startswith("max_") and words[1].isdigit()}


EMBEDDED = limits(CONFIG / "mosquitto.conf.template")
COMPOSE = limits(CONFIG / "compose" / "mosquitto.conf")
FALLBACK = {
    "max_inflight_messages": mqtt_sessions.MAX_IN_FLIGHT,
    "max_queued_messages": mqtt_sessions.MAX_QUEUED,
    "max_queued_bytes": mqtt_sessions.MAX_QUEUED_BYTES,
}


@pytest.mark.parametrize("broker", [EMBEDDED, COMPOSE, FALLBACK], ids=["embedded", "compose", "fallback"])
def test_a_brokers_window_and_queue_fit_rate_times_waiting_and_are_bounded(broker: dict[str, int]) -> None:
    assert RATE * ACKNOWLEDGED_S <= broker["max_inflight_messages"] <= LARGEST_IN_FLIGHT
    assert RATE * AWAY_S <= broker["max_queued_messages"] <= 1_000_000
    assert 0 < broker["max_queued_bytes"] <= 2 << 30


def test_the_readers_window_fits_too_and_is_bounded() -> None:
    assert RATE * ACKNOWLEDGED_S <= batch.PENDING_MESSAGES
    assert batch.PENDING_BYTES <= 64 << 20


def test_what_is_said_of_the_embedded_brokers_is_so() -> None:
    assert EMBEDDED["max_queued_messages"] == FALLBACK["max_queued_messages"] == EMBEDDED_MAX_QUEUED
