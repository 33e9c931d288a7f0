"""Who asks this process for something that is audited, and from where."""

from __future__ import annotations

from quart import request

from lics_actors.audit import Asker
from web.auth import principal
from web.errors import request_id


def asker() -> Asker:
    """Return who sent the request being answered."""
    return Asker(principal().name, "rest", request.remote_addr, request_id())
