"""How Tortoise and aerich reach the database: a URL becomes their configuration.

`TORTOISE_ORM` is made when somebody asks for it, so importing this module needs no database and no settings.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from config.settings import SettingsError

APP = "models"
MODEL_MODULES = (
    "lics_actors.store.models",
    "lics_actors.store.laboratory_models",
    "lics_actors.store.study_models",
    "lics_actors.store.credential_models",
    "lics_actors.store.run_models",
    "lics_actors.store.export_models",
    "lics_actors.store.welfare_models",
    "lics_actors.store.schedule_models",
    "aerich.models",
)
ENGINE = "lics_actors.store.engine"
CONNECT_S = 3.0  # a reachable PostgreSQL on the same network answers in milliseconds; longer means it is not there
COMMAND_S = 60.0  # no single statement of LICS takes longer; a frozen server must not hold a connection for ever

_URL = re.compile(
    r"^(?P<scheme>postgres|postgresql|postgresql\+asyncpg|asyncpg)://"
    r"(?:(?P<user>[^:@/]*)(?::(?P<password>.*?))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^/?#@:]*)(?::(?P<port>\d+))?"
    r"(?:/(?P<database>[^?#/@]*))?(?:\?(?P<query>[^?#]*))?$",
    re.DOTALL,
)
_FROM_QUERY = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "database"}


def orm_config(
    database_url: str,
    min_size: int = 1,
    max_size: int = 10,
    *,
    connect_s: float = CONNECT_S,
    command_s: float = COMMAND_S,
) -> dict[str, Any]:
    """Return Tortoise's configuration for `database_url`, a pool of `min_size` to `max_size` connections.

    The URL is libpq's: percent-encoded where it must be (a password may also stand there as it is), `?host=/folder` for a
    Unix socket; what else stands in the query (`sslmode`, `application_name` …) goes to the driver.

    Raises:
        SettingsError: this is no PostgreSQL URL.
    """
    credentials = parse_database_url(database_url)
    credentials |= {"minsize": min_size, "maxsize": max_size, "timeout": connect_s, "command_timeout": command_s}
    return {
        "connections": {"default": {"engine": ENGINE, "credentials": credentials}},
        "apps": {APP: {"models": list(MODEL_MODULES), "default_connection": "default"}},
        "use_tz": True,
        "timezone": "UTC",
    }


def parse_database_url(database_url: str) -> dict[str, Any]:
    """Return host, port, user, password, database and the driver's further options (as a query string) of a URL.

    Raises:
        SettingsError: this is no PostgreSQL URL; the message never repeats the password.
    """
    match = _URL.match(database_url.strip())
    if match is None:
        raise SettingsError(
            "DATABASE_URL is no PostgreSQL URL; it looks like postgresql://user:password@host:5432/database"
            " or postgresql:///database?host=/folder/of/the/socket&user=name"
        )
    found = {key: unquote(value) for key, value in match.groupdict().items() if value and key not in ("scheme", "query")}
    options: dict[str, str] = {}
    for key, value in parse_qsl(match["query"] or "", keep_blank_values=True):
        if key in _FROM_QUERY:
            found.setdefault(_FROM_QUERY[key], value)
        else:
            options[key] = value
    if "," in found.get("host", ""):
        raise SettingsError("DATABASE_URL names several hosts; LICS writes to one: name the primary, or a proxy before it")
    return {
        "host": found.get("host", "").strip("[]") or None,
        "port": _port(found.get("port", "5432")),
        "user": found.get("user"),
        "password": found.get("password"),
        "database": found.get("database"),
        "dsn_options": urlencode(options),
    }


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise SettingsError(f"DATABASE_URL: {text} is no port")
    return port


def __getattr__(name: str) -> dict[str, Any]:
    """Return `TORTOISE_ORM`, which aerich asks for by name."""
    if name != "TORTOISE_ORM":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from config.settings import load_settings  # noqa: PLC0415 - settings are read when somebody asks, not on import

    url = load_settings().database_url
    if url is None:
        raise SettingsError("DATABASE_URL is not set and no embedded database runs; set it, or start `lics up`")
    return orm_config(url)
