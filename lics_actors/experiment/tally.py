"""What a rehearsal counts: outcomes, times, rewards, and what was never seen. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lics_actors.experiment.messages import Effect, RewardRefused, SendCommand, StateEntered, TrialBegan, TrialEnded, WayTaken
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import BASE
from lics_actors.experiment.state import RunState

Seen = tuple[str, int]  # a state, the index of one of its transitions


class Tally:
    """Counts over all sessions of a rehearsal."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.trials, self.sessions = 0, 0
        self.outcomes: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.ways: Counter[Seen] = Counter()
        self.endings: Counter[str] = Counter()
        self.refused = 0
        self.commands = 0
        self._trial_s: float = 0.0
        self._began = 0.0
        self._sessions: list[tuple[float, float, int]] = []  # seconds, reward, trials of each
        self._trials_before = 0

    def entered(self, effect: StateEntered) -> None:
        """Count a state, and the way to it."""
        self.states[effect.state] += 1
        if effect.came_from is not None and effect.way is not None:
            self.ways[effect.came_from, effect.way] += 1

    def taken(self, effect: WayTaken) -> None:
        """Count a way that led to no other state."""
        self.ways[effect.state, effect.way] += 1

    def told(self, effect: Effect, now: float) -> None:
        """Count the rest."""
        match effect:
            case TrialBegan():
                self._began = now
            case TrialEnded(outcome=outcome):
                self.outcomes[outcome] += 1
                self.trials += 1
                self._trial_s += now - self._began
            case SendCommand():
                self.commands += 1
            case RewardRefused():
                self.refused += 1
            case _:
                pass

    def session_over(self, run: RunState) -> None:
        """Count a session at its end."""
        self.sessions += 1
        self.endings[f"{run.phase}: {run.reason}"] += 1
        self._sessions.append((run.now - run.began, run.total_reward, self.trials - self._trials_before))
        self._trials_before = self.trials

    def document(self) -> dict[str, Any]:
        """Return it all as one JSON object; amounts in the reward's base unit."""
        reward = self._plan.reward
        unit = "" if reward is None else BASE.get(reward.kind, "")
        return {
            "trials": self.trials,
            "sessions": self.sessions,
            "outcomes": {name: self._share(name) for name in (*self._plan.document.outcomes, *sorted(self._others()))},
            "trial_s": {"mean": round(self._trial_s / max(1, self.trials), 3)},
            "session_s": _spread([seconds for seconds, _, _ in self._sessions]),
            "session_trials": _spread([float(trials) for _, _, trials in self._sessions]),
            "reward": {"unit": unit, **_spread([amount for _, amount, _ in self._sessions]), "refused": self.refused},
            "endings": dict(self.endings.most_common(20)),
            "commands": self.commands,
            "coverage": self._coverage(),
        }

    def _others(self) -> set[str]:
        return self.outcomes.keys() - self._plan.document.outcomes.keys()

    def _share(self, name: str) -> dict[str, float]:
        return {"trials": self.outcomes[name], "share": round(self.outcomes[name] / max(1, self.trials), 4)}

    def _coverage(self) -> dict[str, Any]:
        states = [state.name for state in self._plan.states]
        ways = [(state.name, way.index) for state in self._plan.states for way in state.ways]
        return {
            "states": {"seen": sum(name in self.states for name in states), "of": len(states)},
            "transitions": {"seen": sum(way in self.ways for way in ways), "of": len(ways)},
            "never": [name for name in states if name not in self.states]
            + [f"{name}.transitions.{index}" for name, index in ways if (name, index) not in self.ways],
        }


def _spread(values: list[float]) -> dict[str, float]:
    """Return mean and range; zeros of nothing."""
    some = values or [0.0]
    return {"mean": round(sum(some) / len(some), 3), "min": round(min(some), 3), "max": round(max(some), 3)}
