"""Logging for every process of LICS: one JSON object a line, or plain lines for a person at a terminal or with DEBUG."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from config.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET_NAME = re.compile(r"password|passwd|secret|token|authorization|api_key|private_key", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@")
# Libraries whose INFO tells of their own insides; what matters of it LICS says itself.
_QUIET = ("aerich", "amqtt", "asyncio", "hypercorn.access", "mqtt", "tortoise", "transitions")


_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode  # json.dumps would make one for each line


def clean(text: str) -> str:
    """Return a text without the passwords of the URLs in it."""
    return _URL_PASSWORD.sub(r"\1:***@", text) if "://" in text else text


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller passed in `extra`, without secrets."""
    return {
        name: "***" if _is_secret(name) else value
        for name, value in vars(record).items()
        if name not in _STANDARD and not name.startswith("_")
    }


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, process, logger, message, facts, and the traceback where there is one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **facts(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return clean(_encode(line))


class PlainLines(logging.Formatter):
    """A line for a person: time, level, message and facts; then the traceback where there is one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines."""
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        said = " ".join(f"{name}={value}" for name, value in facts(record).items())
        line = f"{moment} {record.levelname:<7} {self._process} {record.name}: {record.getMessage()} {said}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return clean(line)


def configure(settings: Settings, process: str, stream: TextIO | None = None) -> None:
    """Send this process's log to `stream` or stderr. May be called again, also after a fork, with another name."""
    target = stream or sys.stderr
    plain = settings.debug or target.isatty()
    handler = logging.StreamHandler(target)
    handler.setFormatter(PlainLines(process) if plain else JsonLines(process))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if settings.debug else settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")  # for children: their logs are files that people tail
