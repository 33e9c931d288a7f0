"""Whether a laboratory that was started is at work, asked the way its users ask: over REST."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

from config.settings import Settings
from drivers.native.demo import demo_devices

TIMEOUT_S = 3.0
ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - a server bound to any address is asked on loopback


def web_address(settings: Settings) -> str:
    """Return where this host reaches the web."""
    host = ANY.get(settings.host, settings.host)
    return f"http://{host if ':' not in host or host.startswith('[') else f'[{host}]'}:{settings.port}"


def fetch(settings: Settings, path: str) -> tuple[int, Any]:
    """GET a JSON document as administrator; return its status and body.

    Raises:
        OSError: nobody answers there.
        ValueError: the answer is not JSON.
    """
    request = urllib.request.Request(web_address(settings) + path)  # noqa: S310 - http of our own making
    request.add_header("Authorization", f"Bearer {settings.admin_token_value()}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy has no business on loopback
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return int(answer.status), json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


class Readiness:
    """Asks until the web is ready and, in the demo, all of its devices are online. `note` says how far it is."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._expected = {str(device.id) for device in demo_devices()} if demo else set()
        self.note = ""

    async def reached(self) -> bool:
        """Return whether everything is at work now."""
        try:
            status, _ = await asyncio.to_thread(fetch, self._settings, "/health/ready")
            if status != 200:
                self.note = "web is up, waiting for the fleet"
                return False
            return not self._expected or await self._devices_online()
        except (OSError, ValueError, KeyError) as error:
            self.note = "waiting for the web" if isinstance(error, OSError) else f"unexpected answer: {error}"
            return False

    async def _devices_online(self) -> bool:
        status, page = await asyncio.to_thread(fetch, self._settings, "/api/v1/devices?limit=500")
        if status != 200:
            self.note = f"web answers {status}"
            return False
        devices = [device for device in page["items"] if device["id"] in self._expected]
        online = sum(1 for device in devices if device["link"] == "online")
        # Devices that people retired or disabled in an earlier run are not waited for.
        due = sum(1 for device in devices if device["admin"] == "enabled")
        self.note = f"{online} of {due} devices online"
        return online >= due > 0
