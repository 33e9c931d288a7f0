"""Whether a laboratory that was started is at work, asked the way its users ask: over REST."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from config.settings import Settings
from drivers.native.demo import demo_devices
from lics_actors.fleet.recorders import recorder_number

TIMEOUT_S = 3.0
DEAF = frozenset({"", "starting", "waiting (broker away)"})  # the recorder's words before it has subscribed
WRITING_S = 60.0  # a rehearsal takes a while
ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - a server bound to any address is asked on loopback


def web_address(settings: Settings) -> str:
    """Return where this host reaches the web."""
    host = ANY.get(settings.host, settings.host)
    return f"{settings.web_scheme}://{host if ':' not in host or host.startswith('[') else f'[{host}]'}:{settings.port}"


def fetch(
    settings: Settings,
    path: str,
    *,
    sign_in: bool = True,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """GET a JSON document, or POST `body`, as administrator unless told otherwise; return the answer's status and body.

    Raises:
        OSError: nobody answers there.
        ValueError: the answer is not JSON.
    """
    data = None if body is None else json.dumps(body).encode()
    known = {**(headers or {}), **({} if data is None else {"Content-Type": "application/json"})}
    request = urllib.request.Request(web_address(settings) + path, data, known)  # noqa: S310 - http of our own making
    if sign_in:
        request.add_header("Authorization", f"Bearer {settings.admin_token_value()}")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]  # a proxy has no business on loopback
    if settings.web_cert_file is not None:
        handlers.append(urllib.request.HTTPSHandler(context=_own_certificate(settings.web_cert_file)))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=TIMEOUT_S if data is None else WRITING_S) as answer:
            return int(answer.status), json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _own_certificate(cert_file: Path) -> ssl.SSLContext:
    """Return how to know our own web again on loopback, for which no certificate is made: by its very certificate.

    Raises:
        OSError: it cannot be read (ssl.SSLError is one).
    """
    context = ssl.create_default_context(cafile=str(cert_file))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


class Readiness:
    """Asks until the web is ready and, in the demo, its devices are online and recorded. `note` says how far it is."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._expected = {f"device:{device.id}": device for device in demo_devices()} if demo else {}
        self._since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.note = ""

    async def reached(self) -> bool:
        """Return whether everything is at work now."""
        try:
            status, health = await self._get("/health")
            away = [name for name, service in health["services"].items() if service["state"] != "up"]
            if status != HTTPStatus.OK or away:
                self.note = f"waiting for {', '.join(map(self._named, away)) or 'the web'}"
                return False
            status, tree = await self._get("/api/v1/fleet")
            if status != HTTPStatus.OK:
                self.note = "waiting for the fleet"
                return False
            nodes = list(_nodes(tree))
            return self._listening(nodes) and (not self._expected or (self._devices_online(nodes) and await self._recorded()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.note = "waiting for the web" if isinstance(error, OSError) else f"unexpected answer: {error!r}"
            return False

    def _named(self, service: str) -> str:
        """Return a service, with the setting that says where it is, where a person set that."""
        given = {
            "database": ("DATABASE_URL", self._settings.database_url),
            "redis": ("REDIS_URL", self._settings.redis_url),
            "mqtt": ("MQTT_BROKER_URL", self._settings.mqtt_broker_url),
        }
        name, url = given.get(service, ("", None))
        return f"{service} (of {name})" if url else service

    async def _get(self, path: str) -> tuple[int, Any]:
        return await asyncio.to_thread(fetch, self._settings, path)

    def _listening(self, nodes: Iterable[Any]) -> bool:
        """Whether the recorders have subscribed: what a device says before their very first time, nobody keeps for them."""
        waiting = sum(1 for node in nodes if recorder_number(node["name"]) is not None and node["word"] in DEAF)
        if waiting:
            self.note = "waiting for the recorder"
        return not waiting

    def _devices_online(self, tree: Iterable[Any]) -> bool:
        """Ask the supervision tree: what stands in the database may be of an earlier run."""
        nodes = [node for node in tree if node["name"] in self._expected]
        online = sum(1 for node in nodes if node["word"] == "online")
        # Devices that people retired or took out of service in an earlier run are not waited for.
        due = sum(1 for node in nodes if node["word"] not in {"maintenance", "quarantined", "retired"})
        self.note = f"{online} of {due} devices online"
        return online >= due > 0

    async def _recorded(self) -> bool:
        """Whether telemetry of one device that came after our start is in the table."""
        device = next(iter(self._expected.values()))
        query = urllib.parse.urlencode({"from": self._since, "limit": 1})
        status, page = await self._get(f"/api/v1/devices/{device.id}/telemetry?{query}")
        return status == HTTPStatus.OK and bool(page["items"])


def _nodes(tree: Any) -> Iterator[Any]:
    yield tree
    for child in tree["children"]:
        yield from _nodes(child)
