"""Log lines: one JSON object each, with the facts and without the secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from config.settings import Settings
from lics_actors.logs import configure


@pytest.fixture
def root() -> Iterator[None]:
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logging.captureWarnings(capture=False)


def written(debug: bool = False, **facts: object) -> str:
    stream = io.StringIO()
    configure(Settings(debug=debug), "tests", stream)
    logging.getLogger("a.b").warning("a constant message", extra=facts)
    return stream.getvalue()


@pytest.mark.usefixtures("root")
def test_a_line_is_one_json_object_with_its_facts() -> None:
    line = written(device="cage-1", count=3, odd={1, 2}, text="two\nlines")
    assert line.count("\n") == 1
    document = json.loads(line)
    assert document["message"] == "a constant message"
    assert (document["level"], document["process"], document["logger"]) == ("WARNING", "tests", "a.b")
    assert (document["device"], document["count"], document["text"]) == ("cage-1", 3, "two\nlines")


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("debug", [False, True])
def test_secrets_are_never_written(debug: bool) -> None:
    line = written(
        debug, admin_token="hidden-1", database_url="postgres://lics:hidden-2@host/db", Authorization="Bearer hidden-3"
    )
    assert "hidden" not in line
    assert "postgres://lics:***@host/db" in line


@pytest.mark.usefixtures("root")
def test_an_exception_comes_with_its_traceback() -> None:
    stream = io.StringIO()
    configure(Settings(), "tests", stream)
    try:
        raise ValueError("postgres://u:hidden@h")  # noqa: TRY301 - to have a traceback
    except ValueError:
        logging.getLogger("x").exception("failed")
    document = json.loads(stream.getvalue())
    assert "ValueError" in document["exception"]
    assert "hidden" not in document["exception"]


@pytest.mark.usefixtures("root")
def test_configuring_again_replaces() -> None:
    first = io.StringIO()
    configure(Settings(), "one", first)
    assert written().count("\n") == 1
    assert first.getvalue() == ""
