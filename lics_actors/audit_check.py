"""Whether the audit is what it was: its chain from the first row to the last, the anchors, and who could change it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lics_actors.anchors import anchor_text
from lics_actors.store.audit_chain import Broken, Link, Walk
from lics_actors.store.audits import Fence
from lics_actors.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. `anchored`: the furthest place that was kept elsewhere; `faults` counts also what `broken` leaves out."""

    rows: int
    head: Link
    anchored: Link | None
    faults: int
    broken: tuple[Broken, ...]
    fence: Fence
    seconds: float

    @property
    def whole(self) -> bool:
        """Return whether nothing is missing or changed."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        first = self.broken[0] if self.broken else None
        return {
            "whole": self.whole,
            "rows": self.rows,
            "head": anchor_text(self.head),
            "anchor": anchor_text(self.anchored) if self.anchored else None,
            "faults": self.faults,
            "first_broken": first.n if first else None,
            "broken": [{"what": each.what.value, "from": each.n, "to": each.until} for each in self.broken],
            "append_only": self.fence.holds,
            "role": self.fence.role,
            "powers": list(self.fence.powers),
            "trigger": self.fence.trigger,
            "seconds": round(self.seconds, 3),
        }


async def verify(repository: Repository, anchors: Sequence[Link]) -> Verified:
    """Walk the whole chain; the memory needed does not grow with it.

    Raises:
        DatabaseUnavailableError
    """
    began, walk = time.perf_counter(), Walk(anchors)
    async for row in repository.audit_rows():
        walk.take(row)
    walk.end()
    furthest = max(anchors, key=lambda anchor: anchor.n, default=None)
    fence = await repository.audit_fence()
    return Verified(walk.rows, walk.at, furthest, walk.faults, tuple(walk.broken), fence, time.perf_counter() - began)
