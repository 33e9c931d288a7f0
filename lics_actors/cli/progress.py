"""What a person sees while something long begins: one line a step, moving at a terminal, plain elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text


@dataclass(slots=True)
class Step:
    """One line: what is done, and how far it is."""

    title: str
    note: str = ""
    started: float = field(default_factory=time.monotonic)
    took_s: float | None = None
    failed: bool = False

    def text(self) -> Text:
        """Return the line."""
        sign, style = ("✗", "red") if self.failed else ("✓", "green") if self.took_s is not None else (" ", "")
        after = f"{self.took_s:.1f} s" if self.took_s is not None else ""
        return Text.assemble(
            (f"{sign} ", style), self.title, (f"  {self.note}" if self.note else "", "dim"), (f"  {after}", "dim")
        )


class Progress:
    """Steps that may run side by side."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: list[Step] = []
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=8, transient=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @contextmanager
    def step(self, title: str, note: str = "") -> Iterator[Step]:
        """Show a step while the block runs; its `note` may change meanwhile."""
        step = Step(title, note)
        self._steps.append(step)
        try:
            yield step
        except BaseException:
            step.failed = True
            raise
        finally:
            step.took_s = time.monotonic() - step.started
            if self._live is None:
                self._console.print(step.text(), highlight=False, soft_wrap=True)

    def _render(self) -> Group:
        return Group(*(step.text() if step.took_s is not None else Spinner("dots", step.text()) for step in self._steps))
