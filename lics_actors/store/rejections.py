"""How a rejected payload is kept: under a digest of what was received, so that a repeat is absorbed. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from uuid import UUID

from lics_actors.store.json_text import storable_int, storable_text
from lics_actors.store.records import REJECTED_KEPT_BYTES, PayloadRejected

INSERT_REJECTED = """INSERT INTO rejected_payload (id, device_id, time, topic, reason, payload, size, suppressed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"""


def rejected_id(row: PayloadRejected) -> UUID:
    """Return the digest. `reason` and `suppressed` are not in it: they depend on who looked, and since when."""
    digest = blake2b(digest_size=16)
    for part in (row.device_id.bytes, row.time.isoformat().encode(), row.topic.encode("utf-8", "replace"), row.payload):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return UUID(bytes=digest.digest())


def rejected_values(row: PayloadRejected) -> tuple[Any, ...]:
    """Return what INSERT_REJECTED wants; garbage is what this table is for, so nothing of it may be refused."""
    return (
        rejected_id(row),
        row.device_id,
        row.time,
        storable_text(row.topic),
        storable_text(row.reason),
        row.payload[:REJECTED_KEPT_BYTES],
        storable_int(row.size, 64) or 0,
        storable_int(row.suppressed, 64) or 0,
    )
