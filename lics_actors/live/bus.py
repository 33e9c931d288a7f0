"""The live bus: `LivePublisher` says, `LiveReader` listens, replays and tells numbers. See docs/decisions/0016."""

from lics_actors.live.publisher import LivePublisher
from lics_actors.live.reader import AGAIN, Heard, LiveReader

__all__ = ["AGAIN", "Heard", "LivePublisher", "LiveReader"]
