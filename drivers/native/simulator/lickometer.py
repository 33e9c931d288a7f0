"""A lickometer with a touchscreen: licks in bouts, touches with coordinates. Pure.

C57BL/6J mice lick water at 8.5 Hz ("C57BL/6J and DBA/2J mice vary in lick rate and ingestive microstructure", Boughter et
al., Genes, Brain and Behavior, 2007). The sizes of bouts and the pauses between them are chosen to look alive on a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from drivers.native.simulator.model import Blinking, Done, Happening
from drivers.native.spec import SCREEN_PX
from drivers.native.subject import LICK_HZ
from drivers.protocol import JsonObject

MEAN_BOUT_LICKS = 12
MEAN_PAUSE_S = 30.0
MEAN_TOUCH_PAUSE_S = 20.0


@dataclass(frozen=True, slots=True)
class Lickometer(Blinking):
    """`next_lick_s` and `next_touch_s` count down from now; `licks_left` of the present bout."""

    licks_total: int = 0
    bout: int = 0
    licks_left: int = 0
    next_lick_s: float = 2.0
    next_touch_s: float = 5.0
    rate_hz: float = 0.0
    threshold_pf: float = 12.0
    image: str | None = None
    lived_in: bool = False
    reported: int = 0  # of `licks_total`, where somebody lives here

    def step(self, start: datetime, elapsed_s: float, dice: Random) -> tuple[Lickometer, tuple[Happening, ...]]:  # noqa: ARG002
        """Return the instrument after the licks and touches of that time."""
        if self.lived_in:
            rate_hz = round((self.licks_total - self.reported) / elapsed_s, 2) if elapsed_s > 0 else 0.0
            return replace(self, rate_hz=min(rate_hz, 12.0), reported=self.licks_total), ()
        later, licks = self._lick(elapsed_s, dice)
        rate_hz = round(len(licks) / elapsed_s, 2) if elapsed_s > 0 else 0.0
        later, touches = replace(later, rate_hz=min(rate_hz, 12.0))._touch(elapsed_s, dice)
        return later, tuple(sorted(licks + touches, key=lambda each: each.after_s))

    def metrics(self, dice: Random) -> Mapping[str, float]:
        """Return the counts, and the electrode's capacitance at rest."""
        return {
            "licks_total": float(self.licks_total),
            "lick_rate_hz": self.rate_hz,
            "capacitance_pf": round(max(0.0, 6.0 + dice.gauss(0, 0.2)), 2),
            "threshold_pf": self.threshold_pf,
        }

    def finish(self, name: str, args: JsonObject, share: float) -> Done:  # noqa: ARG002
        """Return the instrument with its new screen or threshold."""
        match name:
            case "show_image":
                return Done(replace(self, image=args["image"]), {"image": args["image"]})
            case "clear_screen":
                return Done(replace(self, image=None), {"image": None})
            case "set_threshold":
                threshold = float(args["threshold_pf"])
                return Done(replace(self, threshold_pf=threshold), {"threshold_pf": threshold})
            case _:
                return Done(self)

    def inhabited(self) -> Lickometer:
        """Return it with nobody but a simulated subject to lick and touch it."""
        return replace(self, lived_in=True, reported=self.licks_total)

    def felt(self, kind: str, data: JsonObject) -> Lickometer:
        """Return it after a lick or a touch."""
        return replace(self, licks_total=self.licks_total + 1, bout=int(data["bout"])) if kind == "lick" else self

    def _lick(self, elapsed_s: float, dice: Random) -> tuple[Lickometer, tuple[Happening, ...]]:
        found: list[Happening] = []
        at, left, bout = self.next_lick_s, self.licks_left, self.bout
        while at < elapsed_s:
            if left == 0:
                left, bout = max(3, round(dice.gauss(MEAN_BOUT_LICKS, 4))), bout + 1
            left -= 1
            data = {"duration_ms": round(dice.uniform(40, 80), 1), "bout": bout, "peak_pf": round(dice.uniform(18, 30), 1)}
            found.append(Happening(at, "lick", data))
            at += dice.expovariate(1 / MEAN_PAUSE_S) + 1.0 if left == 0 else max(0.08, dice.gauss(1 / LICK_HZ, 0.015))
        later = replace(self, licks_total=self.licks_total + len(found), bout=bout, licks_left=left, next_lick_s=at - elapsed_s)
        return later, tuple(found)

    def _touch(self, elapsed_s: float, dice: Random) -> tuple[Lickometer, tuple[Happening, ...]]:
        found: list[Happening] = []
        at = self.next_touch_s
        while at < elapsed_s:
            data = {"x": dice.randrange(SCREEN_PX[0]), "y": dice.randrange(SCREEN_PX[1]), "image": self.image}
            found.append(Happening(at, "touch", data))
            at += 0.3 + dice.expovariate(1 / MEAN_TOUCH_PAUSE_S)
        return replace(self, next_touch_s=at - elapsed_s), tuple(found)
