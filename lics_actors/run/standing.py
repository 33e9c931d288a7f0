"""How the devices of a run stand, and what of that keeps it from going on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lics_actors.device.messages import Admin, DeviceTwin, Link, Safety

GRACE_S: Final = 3.0  # a device's actor that died is back within one second, and its session a moment later
BROKER: Final = "broker"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a device, or the broker, cannot be used: at once, or where it lasts. `tripped`: only a person ends it; `taken`: another
    run has it."""

    what: str
    lasting: bool = False
    tripped: bool = False
    taken: bool = False


def trouble_of(twin: DeviceTwin) -> Trouble | None:
    """Return why a device cannot be used, None where it can."""
    if twin.safety is Safety.TRIPPED:
        why = "; ".join(f"{each.interlock}: {each.why}" for each in twin.tripped)
        return Trouble(f"has tripped ({why})" if why else "has tripped", tripped=True)
    if twin.admin is not Admin.ENABLED:
        return Trouble(f"is in {twin.admin.value}" if twin.admin is Admin.MAINTENANCE else f"is {twin.admin.value}")
    if twin.link is Link.ONLINE:
        return None
    return Trouble(f"is {twin.link.value}", lasting=twin.link is Link.CONNECTING)


class Standings:
    """By role, since when each is in trouble. Until it was heard of, a role is in trouble, too."""

    def __init__(self, roles: frozenset[str], now: float, besides: frozenset[str] = frozenset()) -> None:
        self._besides = besides
        self._known: dict[str, tuple[Trouble | None, float]] = {
            role: (Trouble("has not answered yet", lasting=True), now) for role in (*sorted(roles), BROKER)
        }
        self._known |= dict.fromkeys(sorted(besides - roles), (None, now))
        self.words: dict[str, str] = dict.fromkeys(sorted(roles), "unknown")

    def stand(self, role: str, trouble: Trouble | None, now: float) -> bool:
        """Take how one stands; return whether that is new. Of `besides` only what cannot be waited for counts."""
        if role in self._besides and trouble is not None and not (trouble.tripped or trouble.taken):
            trouble = None
        before, since = self._known[role]
        if before == trouble:
            return False
        same = before is not None and trouble is not None
        self._known[role] = (trouble, since if same else now)
        return True

    def ready(self) -> bool:
        """Return whether nobody is in trouble at all."""
        return all(trouble is None for trouble, _ in self._known.values())

    def all_troubles(self) -> tuple[str, ...]:
        """Return what keeps the run from being ready, in words."""
        return tuple(f"{role} {trouble.what}" for role, (trouble, _) in self._known.items() if trouble is not None)

    def tripped(self) -> tuple[str, ...]:
        """Return what an interlock has tripped, in words."""
        return tuple(f"{role} {trouble.what}" for role, (trouble, _) in self._known.items() if trouble and trouble.tripped)

    def missing(self, now: float) -> tuple[str, ...]:
        """Return what the run has to wait for, in words: what may pass in a moment counts only when it has not."""
        return tuple(
            f"{role} {trouble.what}"
            for role, (trouble, since) in self._known.items()
            if trouble is not None and not trouble.tripped and (not trouble.lasting or now - since >= GRACE_S)
        )
