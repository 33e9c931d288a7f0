"""Settings that nobody reads because of a slip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import Settings
from lics_actors.services.misspelt import misspelt, names_in, setting_names
from lics_actors.services.preflight import taken_port

HOME = Path(__file__).parents[3]


def test_slips_are_found_and_others_programs_names_are_not() -> None:
    assert misspelt(["LICS_PROT", "DATABSE_URL", "LICS_TIMEZON"]) == {
        "LICS_PROT": "LICS_PORT",
        "DATABSE_URL": "DATABASE_URL",
        "LICS_TIMEZON": "LICS_TIMEZONE",
    }
    assert misspelt(["PATH", "HOME", "lics_port", "LICS_VENV", "PGHOST", "LICS_TEST_DATABASE_URL", "HOST", "PORT"]) == {}


def test_no_setting_is_a_slip_of_another() -> None:
    assert misspelt(setting_names()) == {}


def test_names_of_a_file() -> None:
    assert names_in("# A=1\nLICS_PROT=8000\n export B = 2\n\nnonsense\n") == ["LICS_PROT", "B"]


def test_every_setting_stands_in_the_example_and_nothing_else() -> None:
    text = (HOME / ".env.example").read_text()
    said = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text.partition("# --- docker compose only")[0], re.MULTILINE))
    compose = set(re.findall(r"\$\{([A-Z_]+)", (HOME / "docker-compose.yml").read_text()))
    assert said - setting_names() == set()
    assert setting_names() - set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)) == set()
    assert set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)) <= setting_names() | compose


@pytest.mark.parametrize("url", ["http://x", "localhost:6379", "", "redis://"])
def test_what_is_no_redis_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValidationError, match="REDIS_URL is no Redis URL"):
        Settings(redis_url=url)


def test_one_port_for_two_is_told_before_anything_starts(tmp_path: Path) -> None:
    obstacle = taken_port(Settings(data_dir=tmp_path, port=8001, prometheus_port=8001))
    assert obstacle is not None and obstacle.sentence == "LICS_PORT and PROMETHEUS_PORT are both 8001"
