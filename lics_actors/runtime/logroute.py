"""Each process writes its own log lines, as the launcher configured them.

Thespian swaps the logging of every actor for a forwarder to one logger process: records then wait in line with messages (a hung
logger stops every actor), may not be sent from a second thread, and loggers that existed before the fork go elsewhere anyway.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from thespian.system import multiprocCommon


@dataclass(slots=True)
class _Route:
    root: logging.Logger = field(default_factory=lambda: logging.root)
    manager: logging.Manager = field(default_factory=lambda: logging.Logger.manager)


_routes: list[_Route] = []  # at most one, taken before the first fork and inherited by it


class InheritedHandler(logging.Handler):
    """Hands records to what the launcher configured; for the one process whose handlers Thespian sets up itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass `record` on."""
        if _routes:
            _routes[0].root.handle(record)


def keep() -> None:
    """Take the logging of this process as the one for everything forked from it."""
    _routes[:] = [_Route()]
    multiprocCommon.ThespianLogForwarder = lambda *_arguments, **_keywords: _routes[0].root


def restore() -> None:
    """In a forked process: log as the launcher does. Does nothing where `keep` never ran."""
    if _routes:
        logging.root = _routes[0].root  # type: ignore[assignment]
        logging.Logger.root = _routes[0].root  # type: ignore[assignment]
        logging.Logger.manager = _routes[0].manager


def definitions() -> dict[str, Any]:
    """Return what Thespian's logger process is to be configured with (logging.config.dictConfig)."""
    handler = f"{InheritedHandler.__module__}.{InheritedHandler.__name__}"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"inherited": {"class": handler}},
        "root": {"level": "WARNING", "handlers": ["inherited"]},
    }
