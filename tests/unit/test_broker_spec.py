"""Which broker the settings mean."""

from __future__ import annotations

from typing import Any

import pytest

from config.settings import Settings, SettingsError
from lics_actors.broker import broker_spec


def settings(url: str | None, **more: Any) -> Settings:
    return Settings(_env_file=None, mqtt_broker_url=url, **more)


@pytest.mark.parametrize(
    ("url", "port", "expected"),
    [
        ("broker", None, ("broker", 1883, False)),
        ("broker", 1999, ("broker", 1999, False)),
        ("broker:2000", 1999, ("broker", 2000, False)),
        ("mqtt://broker", None, ("broker", 1883, False)),
        ("mqtts://broker", None, ("broker", 8883, True)),
        ("mqtts://broker:1", 2, ("broker", 1, True)),
        ("tcp://[::1]:1885", None, ("::1", 1885, False)),
    ],
)
def test_host_port_and_encryption(url: str, port: int | None, expected: tuple[str, int, bool]) -> None:
    spec = broker_spec(settings(url, mqtt_broker_port=port))
    assert (spec.host, spec.port, spec.tls) == expected


def test_who_we_are_comes_from_the_settings_and_else_from_the_url() -> None:
    spec = broker_spec(settings("mqtt://ada:one@broker", mqtt_topic_prefix="labs/a"))
    assert (spec.username, spec.password, spec.prefix) == ("ada", "one", "labs/a/")
    spec = broker_spec(settings("mqtt://ada:one@broker", mqtt_username="bob", mqtt_password="two"))
    assert (spec.username, spec.password) == ("bob", "two")
    assert "two" not in repr(spec)


@pytest.mark.parametrize("url", [None, "http://broker", "mqtt://", "mqtt://broker:x", "mqtt://broker:99999", "ws://x"])
def test_what_names_no_broker_is_said_in_a_sentence(url: str | None) -> None:
    with pytest.raises(SettingsError, match="MQTT_BROKER_URL"):
        broker_spec(settings(url))
