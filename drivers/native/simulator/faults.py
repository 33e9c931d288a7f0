"""What can be made to go wrong with a simulated device. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from random import Random

from drivers.protocol import AckState


@dataclass(slots=True)
class Faults:
    """Knobs, to be turned at any time. Probabilities from 0 to 1, times in seconds."""

    drop_acks: float = 0.0  # an ack (of `drop_states`) is not sent
    drop_states: frozenset[AckState] = field(default_factory=lambda: frozenset(AckState))
    duplicate: float = 0.0  # a message is sent twice
    delay: float = 0.0  # seconds by which each message comes later
    garbage: float = 0.0  # beside a telemetry message goes one that breaks the contract, on any topic
    execution: float | None = None  # seconds each command takes, whatever the model says
    freeze: float = 0.0  # at a telemetry message the firmware hangs for half a minute; the connection stays
    reboot: float = 0.0  # at a telemetry message the device restarts

    def turn(self, name: str, value: float) -> None:
        """Set one knob by name.

        Raises:
            ValueError: there is no such knob.
        """
        if name not in knobs():
            raise ValueError(f"no fault {name!r}; there are: {', '.join(knobs())}")
        setattr(self, name, value)


def knobs() -> tuple[str, ...]:
    """Return the knobs that take a number."""
    return tuple(each.name for each in fields(Faults) if each.name != "drop_states")


def happens(probability: float, dice: Random) -> bool:
    """Return whether something of that probability happens now; draws only if there is a choice."""
    return probability >= 1 or (probability > 0 and dice.random() < probability)


def garbage(dice: Random) -> bytes:
    """Return a payload that breaks the native contract on every topic."""
    return dice.choice(_KINDS)(dice)


_KINDS: tuple[Callable[[Random], bytes], ...] = (
    lambda dice: b"\xff" + dice.randbytes(dice.randrange(64)),
    lambda _: b"null",
    lambda _: b"[" * 20_000,
    lambda _: b'{"epoch": -1, "seq": 1e400, "ts": "yesterday", "metrics": {"a": "b"}}',
    lambda _: b'{"epoch": 1, "seq": 0, "ts": "2026-01-01T00:00:00", "state": "online", "id": 5}',
    lambda _: b'{"epoch": 1, "seq": 0, "ts": "2026-01-01T00:00:00Z", "metrics": {"a": NaN}}',
    lambda dice: b'{"' + b"a" * dice.randrange(270_000, 300_000),
    lambda _: b'{"epoch": 99999999999999999999, "seq": 0, "state": "\\u0000"}',
)
