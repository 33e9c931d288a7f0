"""Settings: what is refused and how, and where the embedded servers' addresses come from."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from config.endpoints import FILE, Endpoints, read_endpoints, remove_endpoints, write_endpoints
from config.settings import EMBEDDED_MAX_QUEUED, SettingsError, load_settings

HERE = Endpoints(
    os.getpid(), "postgres://lics:hidden@127.0.0.1:5/lics", "redis://:hidden@127.0.0.1:6/0", "127.0.0.1", 1884, "mosquitto"
)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "MQTT_BROKER_URL", "MQTT_BROKER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LICS_PORT", "99999", "LICS_PORT"),
        ("LICS_PORT", "eight", "LICS_PORT"),
        ("LICS_RECORDERS", "0", "LICS_RECORDERS"),
        ("LICS_RECORDERS", "17", "LICS_RECORDERS"),
        ("LICS_LAG_ALARM_S", "0", "LICS_LAG_ALARM_S"),
        ("DATABASE_POOL_SIZE", "0", "DATABASE_POOL_SIZE"),
        ("JWT_SECRET", "changeme", "JWT_SECRET is a sample"),
        ("JWT_SECRET", "short", "JWT_SECRET is shorter than 32 bytes"),
        ("LICS_ADMIN_TOKEN", "your-secret-key-of-more-than-32-bytes", "LICS_ADMIN_TOKEN is a sample"),
        ("LICS_ACTOR_KEY", "change-me-please-change-me-please-now", "LICS_ACTOR_KEY is a sample"),
        ("LICS_ACTOR_KEY", "short", "LICS_ACTOR_KEY is shorter than 32 bytes"),
        ("LICS_NODE", "Rack 1", "LICS_NODE is a host's name"),
        ("LICS_NODE", "", "LICS_NODE is a host's name"),
        ("MQTT_TOPIC_PREFIX", "labs/#", "MQTT_TOPIC_PREFIX"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL"),
    ],
)
def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str, tmp_path: Path) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        load_settings(data_dir=tmp_path)


def test_unset_urls_come_from_the_embedded_servers_and_set_ones_do_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_endpoints(tmp_path / "run", HERE)
    settings = load_settings(data_dir=tmp_path)
    assert (settings.database_url, settings.redis_url) == (HERE.database_url, HERE.redis_url)
    assert (settings.mqtt_broker_url, settings.mqtt_broker_port) == ("127.0.0.1", 1884)
    assert settings.mqtt_max_queued == EMBEDDED_MAX_QUEUED
    monkeypatch.setenv("DATABASE_URL", "postgres://own/db")
    monkeypatch.setenv("MQTT_BROKER_URL", "broker.lab")
    settings = load_settings(data_dir=tmp_path)
    assert settings.database_url == "postgres://own/db"
    assert (settings.mqtt_broker_url, settings.mqtt_broker_port) == ("broker.lab", None)
    assert settings.mqtt_max_queued is None, "nobody knows another's limits"
    assert settings.redis_url == HERE.redis_url


def test_the_file_is_private_and_its_repr_tells_no_password(tmp_path: Path) -> None:
    write_endpoints(tmp_path, HERE)
    write_endpoints(tmp_path, HERE)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert read_endpoints(tmp_path) == HERE
    assert "hidden" not in repr(HERE)
    remove_endpoints(tmp_path)
    remove_endpoints(tmp_path)
    assert read_endpoints(tmp_path) is None


def test_addresses_left_by_a_killed_up_count_for_nothing(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_endpoints(tmp_path / "run", Endpoints(ended.pid, "postgres://gone"))
    assert load_settings(data_dir=tmp_path).database_url is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"up_pid": 1, "new": 2}', "null"])
def test_a_file_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_endpoints(tmp_path) is None


def test_a_host_among_several(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alone = load_settings(data_dir=tmp_path)
    assert (alone.node, alone.sites) == (None, ())
    key = "k" * 40
    for name, value in {"LICS_NODE": "rack-1", "LICS_NODE_SITES": "east, west/2 ,*,", "LICS_ACTOR_KEY": key}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(data_dir=tmp_path)
    assert (settings.node, settings.sites) == ("rack-1", ("east", "west/2", "*"))
    assert settings.transport_key() == key.encode() != alone.transport_key()
    assert key not in repr(settings)


def test_lics_comes_in_at_the_embedded_broker_by_accounts_of_its_own(tmp_path: Path) -> None:
    write_endpoints(tmp_path / "run", replace(HERE, accounts=True))
    settings = load_settings(data_dir=tmp_path)
    assert (settings.mqtt_username, settings.mqtt_control_username) == ("lics", "lics-control")
    assert settings.mqtt_password is not None and settings.mqtt_control_password is not None
    words = {settings.mqtt_password.get_secret_value(), settings.mqtt_control_password.get_secret_value()}
    assert len(words) == 2 and all(len(each) >= 32 for each in words)
    assert load_settings(data_dir=tmp_path).mqtt_password == settings.mqtt_password
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "secrets").iterdir())
    write_endpoints(tmp_path / "run", HERE)
    assert load_settings(data_dir=tmp_path).mqtt_username is None
