"""The two kinds of actor: without a loop (supervisors, which fork) and with one asyncio loop beside it (leaves, which do not)."""

from lics_actors.runtime.base import LicsActor
from lics_actors.runtime.leaf import LeafActor

__all__ = ["LeafActor", "LicsActor"]
