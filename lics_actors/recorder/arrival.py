"""A message as it arrived from the broker: what the spool keeps and the shipper decodes. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Arrival(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message. `received_us`: microseconds since the Unix epoch.

    `size` is the payload's own size where only its first bytes were kept, else None. `retained`: the broker sent it
    because we subscribed, not because it was published now.
    """

    topic: bytes
    payload: bytes
    received_us: int
    retained: bool = False
    size: int | None = None

    @property
    def received(self) -> datetime:
        """Return when it arrived (UTC)."""
        return _EPOCH + timedelta(microseconds=self.received_us)
