"""The mind of a simulated subject: what it makes of what a cage's devices show and give, and what it does next. Pure.

It knows no protocol: it sees screens and drinks rewards. `ideal` reads the name of an image as the classics use them (`ask_left`,
`go`, `nogo`, `star_moon` after `star`), `biased` has a side and a habit, `random` touches and licks anywhere. Reaction times are
lognormal around 0.7 s, chosen to look like a rodent's at a screen, and nothing may be concluded from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log
from random import Random
from typing import Final, Literal, get_args

from drivers.native.spec import SCREEN_PX
from drivers.protocol import JsonObject

SubjectModel = Literal["random", "ideal", "biased"]
SUBJECT_MODELS: Final[tuple[SubjectModel, ...]] = get_args(SubjectModel)

REACTION_S: Final = 0.7
SPREAD: Final = 0.4  # of the logarithm
QUICKEST_S: Final = 0.1
ATTENTION: Final = 0.9  # share of moments at which a subject that is not ideal answers at all
HABIT: Final = 0.8  # share of answers that a biased subject gives out of habit

LICK_HZ: Final = 8.5  # C57BL/6J at water (Boughter et al., Genes, Brain and Behavior, 2007)
AWAY_S: Final = 20.0  # a subject that did not attend looks again; longer than the classics' windows
PAUSE_S: Final = 30.0  # mean time between things it does with nothing before it
BOUT_LICKS: Final = 6
FLOOR_S: Final = 0.02  # however fast it is: screens need a moment to change, too

Act = Literal["touch", "lick", "look"]  # `look`: it attends again, and nobody sees that
Side = Literal["left", "right"]
Answer = Literal["left", "right", "anywhere", "lick", "still"]
_WORDS: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Deed:
    """What it is going to do `after_s` from now if nothing changes before. `data`: of the event."""

    after_s: float
    act: Act
    data: JsonObject


def reaction_s(dice: Random) -> float:
    """Return a reaction time."""
    return max(QUICKEST_S, dice.lognormvariate(log(REACTION_S), SPREAD))


def meaning(image: str, sample: str | None) -> Answer:
    """Return the answer that an image asks for; `sample`: the image of one word that was seen before it."""
    words = _WORDS.findall(image.lower())
    if "nogo" in words or {"no", "go"} <= set(words):
        return "still"
    if "go" in words:
        return "lick"
    sides: list[Side] = [side for side in ("left", "right") if side in words]
    if len(sides) == 1:
        return sides[0]
    if len(words) == 2 and sample in words:
        return "left" if words[0] == sample else "right"
    return "anywhere"


class Mind:
    """One subject's. `speed`: so many times faster than a rodent in answering and drinking."""

    def __init__(self, model: SubjectModel, dice: Random, speed: float = 1.0) -> None:
        self._model, self._dice, self._speed = model, dice, speed
        self._screen: str | None = None
        self._sample: str | None = None
        self._attends = True
        self._thirst = 0  # licks to come
        self._bout = 0
        self._side: Side = "left" if dice.random() < 0.5 else "right"

    def notice(self, command: str, args: JsonObject) -> bool:
        """Take in what a device of its cage has just done; return whether that changes what it is about to do."""
        match command:
            case "show_image":
                self._show(str(args["image"]))
            case "clear_screen" if self._screen is not None:
                self._screen = None
            case "dispense" | "feed":
                self._thirst, self._bout = max(3, round(self._dice.gauss(BOUT_LICKS, 2))), self._bout + 1
            case _:
                return False
        return True

    def next_deed(self) -> Deed | None:
        """Return what it is about to do, or None: it holds still until something changes."""
        if self._screen is not None:
            return self._answer(self._screen) if self._attends else Deed(self._paced(AWAY_S), "look", {})
        if self._thirst > 0:
            return self._lick(self._paced(max(0.08, self._dice.gauss(1 / LICK_HZ, 0.015))))
        idle_s = 1.0 + self._dice.expovariate(1 / PAUSE_S)
        return self._touch(idle_s, "anywhere") if self._dice.random() < 0.5 else self._lick(idle_s)

    def did(self, deed: Deed) -> None:
        """Take in that it has done this."""
        if deed.act == "lick":
            self._thirst = max(0, self._thirst - 1)
        else:
            self._attends = deed.act == "look" or self._model == "ideal" or self._dice.random() < ATTENTION

    def _show(self, image: str) -> None:
        self._attends = self._model == "ideal" or self._dice.random() < ATTENTION
        self._screen, self._thirst = image, 0
        words = _WORDS.findall(image.lower())
        if len(words) == 1:
            self._sample = words[0]

    def _answer(self, image: str) -> Deed | None:
        after_s = self._paced(reaction_s(self._dice))
        match self._choice(image):
            case "still":
                return None
            case "lick":
                return self._lick(after_s)
            case where:
                return self._touch(after_s, where)

    def _choice(self, image: str) -> Answer:
        wanted = meaning(image, self._sample)
        if self._model == "ideal":
            return wanted
        if self._model == "biased" and self._dice.random() < HABIT:
            return "lick" if wanted in {"lick", "still"} else self._side
        return "lick" if self._dice.random() < 0.5 else "anywhere"

    def _touch(self, after_s: float, where: Answer) -> Deed:
        width, height = SCREEN_PX
        first, last = {"left": (0.1, 0.4), "right": (0.6, 0.9)}.get(where, (0.0, 0.999))
        x = int(width * self._dice.uniform(first, last))
        return Deed(after_s, "touch", {"x": x, "y": self._dice.randrange(height), "image": self._screen})

    def _lick(self, after_s: float) -> Deed:
        dice = self._dice
        data = {"duration_ms": round(dice.uniform(40, 80), 1), "bout": self._bout, "peak_pf": round(dice.uniform(18, 30), 1)}
        return Deed(after_s, "lick", data)

    def _paced(self, seconds: float) -> float:
        return max(FLOOR_S, seconds / self._speed)
