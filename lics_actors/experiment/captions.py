"""What stands in the boxes of a diagram: a state's actions and transitions, as lines of text. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from lics_actors.experiment.document import Action, State, Transition

WIDTH: Final = 42  # characters of a line


@dataclass(frozen=True, slots=True)
class Row:
    """A transition in its box: lines of text, and what it leads to: a state, an outcome, or (`stays`) neither."""

    lines: tuple[str, ...]
    to: str | None = None
    end: str | None = None
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """A state's box."""

    name: str
    notes: tuple[str, ...]
    rows: tuple[Row, ...]


def caption(name: str, state: State) -> Caption:
    """Return what stands in a state's box."""
    notes = [line for action in state.enter for line in _lines("▸ " + action_text(action))]
    notes += [line for action in state.exit for line in _lines("◂ " + action_text(action))]
    return Caption(name, tuple(notes), tuple(row for way in state.transitions for row in _rows(way)))


def action_text(action: Action) -> str:
    """Return an action in a few words."""
    if action.command is not None:
        return " ".join([action.command, ", ".join(_short(value) for value in action.args.values())]).strip()
    if action.reward is not None:
        return "reward" if action.reward is True else f"reward {_short(action.reward)}"
    if action.set is not None:
        return ", ".join(f"{name} = {_short(value)}" for name, value in action.set.items())
    return f"marker {action.marker}"


def trigger_text(way: Transition) -> str:
    """Return what opens a transition."""
    outcome = way.outcome if isinstance(way.outcome, str) else " or ".join(way.outcome or ())
    if way.command is not None:
        return f"{way.command} {outcome or 'ended'}"
    if way.after is not None:
        return f"after {_short(way.after)}"
    return way.event or way.metric or ("" if way.when is not None else "at once")


def _rows(way: Transition) -> list[Row]:
    text = trigger_text(way)
    if way.when is not None:
        text = f"{text} if {way.when}".strip()
    text += "".join(f" · {action_text(action)}" for action in way.do)
    if isinstance(way.to, dict):
        shares = [Row(_lines(f"  {_short(weight)} : {name}"), to=name) for name, weight in way.to.items()]
        return [Row(_lines(text)), *shares]
    return [Row(_lines(text), way.to, way.end, way.to is None and way.end is None)]


def _short(value: float | str | bool) -> str:
    return str(value) if isinstance(value, str | bool) else f"{value:g}"


def _lines(text: str) -> tuple[str, ...]:
    return tuple(wrap(text, WIDTH, subsequent_indent="    ", break_on_hyphens=False)) or ("",)
