"""Which of several Recorders records which device and ships which journal. Pure.

Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998): each recorder draws a number
for a key and the highest has it. So every recorder comes to the same answer by itself, and of M keys only M/N change hands
when one of N recorders comes or goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from drivers.protocol import DeviceRef, Driver
from lics_actors.device.messages import DeviceSpec
from lics_actors.recorder.routing import Routes

MOST = 16  # recorders; each is a process, a broker session and two database connections


@dataclass(frozen=True, slots=True)
class Part:
    """One recorder's share of the laboratory: its `number` (from 1) among the `of` that are configured.

    A number beyond `of` is a recorder that is no longer configured: it has no share and only brings home what it holds.
    """

    number: int = 1
    of: int = 1

    @property
    def whole(self) -> bool:
        """Return whether there is nobody to share with: whole conventions are subscribed to, unknown devices heard."""
        return self.of == 1 and self.number == 1

    @property
    def retiring(self) -> bool:
        """Return whether this recorder is no longer configured."""
        return self.number > self.of

    @property
    def watches_broker(self) -> bool:
        """Return whether this recorder listens to what the broker says of itself: one does, so that it is counted once."""
        return self.number == 1

    def owns(self, key: bytes) -> bool:
        """Return whether what goes by `key` is this recorder's."""
        return owner(key, self.of) == self.number


def owner(key: bytes, of: int) -> int:
    """Return the number (from 1) of the recorder that has `key`; always the same, on any host and any Python."""
    return max(range(1, of + 1), key=lambda number: blake2b(key, digest_size=8, salt=number.to_bytes(2, "big")).digest())


def wanted_filters(
    part: Part, routes: Routes, devices: Iterable[DeviceSpec], prefix: str, drivers: Mapping[str, Driver]
) -> dict[str, int]:
    """Return what a recorder subscribes to, with the QoS of each.

    One alone hears whole conventions. Of several each subscribes to its own devices by name: MQTT has no filter for a share of
    the topics, and shared subscriptions lose messages (docs/decisions/0013).
    """
    if part.whole:
        return dict(routes.filters)
    wanted: dict[str, int] = {}
    for spec in devices:
        if spec.device_id in routes.unusable or not part.owns(spec.device_id.bytes):
            continue
        device = DeviceRef(spec.device_id, spec.settings, prefix)
        wanted |= {each.filter: min(each.qos, 1) for each in drivers[spec.driver].subscriptions(device) if each.data}
    return wanted
