"""Which servers a laboratory must bring itself: those whose URL is not set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from config.endpoints import Endpoints
from config.settings import EMBEDDED_ACCOUNT, EMBEDDED_CONTROL, Settings
from lics_actors.services.broker import Broker, OwnAccounts, embedded_broker
from lics_actors.services.ports import LOOPBACK, PortMemory
from lics_actors.services.postgres import Postgres
from lics_actors.services.server import Server
from lics_actors.services.valkey import Valkey

MQTT_PORT = 1883  # the registered one: a device on this host finds the broker without being told


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embedded servers of one laboratory; None where it has its own."""

    postgres: Postgres | None = None
    valkey: Valkey | None = None
    broker: Broker | None = None

    @property
    def servers(self) -> list[Server]:
        """Return those that there are."""
        return [server for server in (self.postgres, self.valkey, self.broker) if server is not None]

    def endpoints(self) -> Endpoints:
        """Return where they can be reached."""
        return Endpoints(
            up_pid=os.getpid(),
            database_url=self.postgres.url if self.postgres else None,
            database_owner_url=self.postgres.owner_url if self.postgres else None,
            redis_url=self.valkey.url if self.valkey else None,
            mqtt_host=LOOPBACK if self.broker else None,
            mqtt_port=self.broker.port if self.broker else None,
            broker=self.broker.product if self.broker else None,
            accounts=self.broker is not None and self.broker.accounts is not None,
        )


def embedded_servers(settings: Settings) -> Embedded:
    """Return the servers to start for these settings (without the overlay of `endpoints.json`)."""
    ports = PortMemory(settings.data_dir / "ports.json")
    postgres = valkey = broker = None
    if settings.database_url is None:
        superuser, owner = settings.secret("postgres_superuser"), settings.secret("postgres_password")
        postgres = Postgres(*_places(settings, "postgres"), ports.pick("postgres"), superuser, owner)
    if settings.redis_url is None:
        valkey = Valkey(*_places(settings, "valkey"), ports.pick("valkey"), settings.secret("valkey_password"))
    if settings.mqtt_broker_url is None:
        passwords = {name: settings.broker_password(name) for name in (EMBEDDED_ACCOUNT, EMBEDDED_CONTROL)}
        accounts = OwnAccounts(passwords, settings.mqtt_topic_prefix)
        broker = embedded_broker(*_places(settings, "broker"), ports.pick("broker", MQTT_PORT), accounts)
    return Embedded(postgres, valkey, broker)


def _places(settings: Settings, name: str) -> tuple[Path, Path]:
    return settings.data_dir / name, settings.log_dir / f"{name}.log"
