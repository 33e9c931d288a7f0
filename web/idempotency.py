"""Idempotency keys: the same key from the same principal on the same address names the same thing. Pure."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID, uuid4, uuid5

from lics_actors.errors import InvalidError

SPACE: Final = UUID("6f0f3c1e-94a5-5e3b-9a53-3b6f7d5a9c21")  # of uuid5; made for this, means nothing
_KEY = re.compile(r"[!-~]{1,255}")


def id_for(principal: str, address: str, key: str | None) -> UUID:
    """Return the id of what a POST makes: always the same for a key, a random one without.

    Raises:
        InvalidError: the key is not 1-255 printable ASCII characters.
    """
    if key is None:
        return uuid4()
    if not _KEY.fullmatch(key):
        problem = {"field": "Idempotency-Key", "message": "1-255 printable ASCII characters without spaces"}
        raise InvalidError("the idempotency key is unusable", (problem,))
    return uuid5(SPACE, "\n".join((principal, address, key)))
