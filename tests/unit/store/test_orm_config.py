"""A database URL, whatever stands in it, becomes what the driver needs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config import orm
from config.orm import MODEL_MODULES, orm_config, parse_database_url
from config.settings import SettingsError


def parsed(url: str) -> dict[str, Any]:
    return {name: value for name, value in parse_database_url(url).items() if value not in (None, "")}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "asyncpg"])
def test_the_usual(scheme: str) -> None:
    found = parsed(f"{scheme}://lics:pw@db.lab:5433/laboratory")
    assert found == {"host": "db.lab", "port": 5433, "user": "lics", "password": "pw", "database": "laboratory"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://", {"port": 5432}),
        ("postgresql://h", {"host": "h", "port": 5432}),
        ("postgresql://h/", {"host": "h", "port": 5432}),
        ("postgresql:///d", {"port": 5432, "database": "d"}),
        ("postgresql://u@h/d", {"host": "h", "port": 5432, "user": "u", "database": "d"}),
        ("postgresql://u:@/d?host=/tmp/pg", {"host": "/tmp/pg", "port": 5432, "user": "u", "database": "d"}),
        ("postgresql:///d?host=/tmp/a%20b&port=5&user=u&password=p%26", {
            "host": "/tmp/a b", "port": 5, "user": "u", "password": "p&", "database": "d"}),
        ("postgresql://%2Ftmp%2Fpg/d", {"host": "/tmp/pg", "port": 5432, "database": "d"}),
        ("postgresql://u:p@[::1]:6/d", {"host": "::1", "port": 6, "user": "u", "password": "p", "database": "d"}),
        ("postgresql://h/d?sslmode=require&application_name=a@b", {
            "host": "h", "port": 5432, "database": "d", "dsn_options": "sslmode=require&application_name=a%40b"}),
        ("postgresql://u:p@ss@h/d", {"host": "h", "port": 5432, "user": "u", "password": "p@ss", "database": "d"}),
        ("postgresql://u:a/b?c#d@h/d", {"host": "h", "port": 5432, "user": "u", "password": "a/b?c#d", "database": "d"}),
        ("postgresql://h/da%2Fta", {"host": "h", "port": 5432, "database": "da/ta"}),
        (" postgresql://h/d\n", {"host": "h", "port": 5432, "database": "d"}),
    ],
)  # fmt: skip
def test_the_unusual(url: str, expected: dict[str, Any]) -> None:
    assert parsed(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "x", "mysql://h/d", "http://h", "postgresql", "postgresql:/h", "postgresql://h:0/d", "postgresql://h:65536/d",
     "postgresql://h:port/d", "postgresql://a,b/d", "postgresql://h:1,i:2/d", "postgresql:///d?port=x", "postgresql://u:p@h/d/e"],
)  # fmt: skip
def test_what_is_none(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_database_url(url)
    assert "DATABASE_URL" in str(caught.value) and "u:p" not in str(caught.value)


WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(user=WORD, password=WORD, database=WORD, port=st.integers(1, 65535))
@example("a b", "p%40@:/?#[]", "d", 1)
def test_every_password_goes_through_percent_encoded(user: str, password: str, database: str, port: int) -> None:
    url = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@host:{port}/{quote(database, safe='')}"
    assert parsed(url) == {"host": "host", "port": port, "user": user, "password": password, "database": database}


@given(password=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="%@"), min_size=1, max_size=20))
def test_most_passwords_may_stand_as_they_are(password: str) -> None:
    assert parsed(f"postgresql://u:{password}@h:1/d")["password"] == password


def test_the_pool_and_its_patience() -> None:
    config = orm_config("postgresql://h/d", 2, 7, connect_s=1.5, command_s=9.0)
    credentials = config["connections"]["default"]["credentials"]
    wanted = {"minsize": 2, "maxsize": 7, "timeout": 1.5, "command_timeout": 9.0}
    assert {name: credentials[name] for name in wanted} == wanted
    assert config["apps"]["models"]["models"] == list(MODEL_MODULES)


def test_aerich_is_told_the_settings_only_when_it_asks(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setenv("LICS_DATA_DIR", str(data_dir))
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone@somewhere/something")
    credentials = orm.TORTOISE_ORM["connections"]["default"]["credentials"]
    assert (credentials["host"], credentials["user"], credentials["database"]) == ("somewhere", "someone", "something")
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.chdir(data_dir)  # no .env there
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        _ = orm.TORTOISE_ORM
    with pytest.raises(AttributeError):
        _ = orm.NOTHING  # type: ignore[attr-defined]
    importlib.reload(orm)


def test_importing_needs_neither_database_nor_driver() -> None:
    check = "import sys, config.orm; sys.exit('asyncpg' in sys.modules or 'tortoise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=Path(orm.__file__).parents[1], env={}, check=False).returncode == 0
