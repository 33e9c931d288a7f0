"""The Recorder's session with the broker: connect, subscribe to what is wanted now, and again whenever it is lost."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from lics_actors.device.messages import BrokerSpec
from lics_actors.hosts.lease import leased, until_leased
from lics_actors.recorder.batch import retry_in
from lics_actors.recorder.errors import BrokerAwayError
from lics_actors.recorder.reader import Delivery, MqttReader, OpenReader
from lics_actors.recorder.tally import Tally

log = logging.getLogger(__name__)

STEADY_S = 5.0  # a connection that lasted so long was a good one: the next failure counts as the first
SESSION_FILE = "session.json"  # what the broker's session subscribes to, as far as we know
NOWHERE = "lics/nowhere"  # nobody ever subscribes to it: the answer to its unsubscribing is a sign of life


def client_id(name: str, prefix: str) -> str:
    """Return the id of the persistent session: the same after every restart, another for another laboratory on the broker."""
    return f"lics-{name}-{hashlib.sha256(prefix.encode()).hexdigest()[:8]}"


class Session:
    """Keeps the subscriptions as wanted.

    `away_since` (loop time) and `reason`: since when and why nothing is listened to. `refused`: filters the broker does
    not grant. `lost_at`: when the broker last turned out to have forgotten the session, and with it what it had queued.
    `agreed` hears the serial of each wish once the broker has granted all of it.
    """

    def __init__(self, broker: BrokerSpec, name: str, folder: Path, open_reader: OpenReader, tally: Tally) -> None:
        self._broker, self._client_id, self._open, self._tally = broker, client_id(name, broker.prefix), open_reader, tally
        self._file = folder / SESSION_FILE
        self._known = _load(self._file)
        self._wanted: dict[str, int] = {}
        self._complete = False
        self._serial = 0
        self.agreed: Callable[[int], None] = lambda _serial: None
        self._changed = asyncio.Event()
        self._lease = broker.lease
        self.listening = asyncio.Event()  # cleared where another host records
        self.listening.set()
        self._reader: MqttReader | None = None
        self.away_since: float | None = asyncio.get_running_loop().time()
        self.reason = "not connected yet"
        self.refused: frozenset[str] = frozenset()
        self.lost_at: float | None = None

    def want(self, filters: Mapping[str, int], complete: bool, serial: int = 0) -> None:
        """Subscribe to `filters`. `complete`: they are all; what the session has beyond them is given up, else it is kept."""
        self._wanted, self._complete, self._serial = dict(filters), complete, serial
        self._changed.set()

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Be connected, for ever."""
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            await self.listening.wait()
            await until_leased(self._lease)
            began = loop.time()
            try:
                await self._connected(deliver)
            except BrokerAwayError as error:
                failures = 1 if loop.time() - began > STEADY_S else failures + 1
                self._note_away(error)
            await asyncio.sleep(retry_in(failures, random.random()))  # noqa: S311 - jitter is no secret

    def pause(self) -> None:
        """Read no further."""
        if self._reader:
            self._reader.pause()

    async def listen(self, listen: bool) -> None:
        """Be connected, or leave the session to another host: it goes on with what the broker keeps for it."""
        if listen:
            self.listening.set()
            return
        self.listening.clear()
        self.away_since = None
        if self._reader:
            await self._reader.close()

    async def close(self) -> None:
        """Say goodbye to the broker."""
        if self._reader:
            await self._reader.close()

    async def _connected(self, deliver: Callable[[Delivery], None]) -> None:
        reader = await self._open(self._broker, self._client_id, deliver)
        self._reader = reader
        if not (leased(self._lease) and self.listening.is_set()):  # connecting took so long that another host may record by now
            await reader.close()
        lost = asyncio.ensure_future(reader.lost())
        try:
            self._note_connected(reader)
            have: dict[str, int] = {}
            while not lost.done():
                self._changed.clear()
                have = await self._agree(reader, have)
                self.away_since, self._tally.connected = None, True  # only who has subscribed hears everything
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait([lost, changed], return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
            raise lost.result()
        finally:
            lost.cancel()

    async def round_trip(self) -> bool:
        """Return whether the broker answers on this connection: it has then taken in all that was sent to it before."""
        if self._reader is None:
            return False
        try:
            await self._reader.unsubscribe([NOWHERE])
        except BrokerAwayError:
            return False
        return True

    @property
    def empty(self) -> bool:
        """Return whether the session is connected and subscribes to nothing any more."""
        return self._reader is not None and not self._known

    async def _agree(self, reader: MqttReader, have: dict[str, int]) -> dict[str, int]:
        wanted, asked, serial = self._wanted_now(), len(self._wanted), self._serial
        new = {name: qos for name, qos in wanted.items() if have.get(name) != qos}
        gone = (self._known | have.keys()) - wanted.keys() if self._complete else set()
        if new or gone:
            await self._remember(self._known | wanted.keys())
            self.refused = (self.refused - new.keys() - gone) | await reader.subscribe(new)
            await reader.unsubscribe(gone)
            if self._complete:
                await self._remember(frozenset(wanted))
            log.info("subscriptions changed", extra={"new": len(new), "gone": len(gone), "refused": sorted(self.refused)})
        self._tally.subscriptions = asked
        if not self.refused & wanted.keys():
            self.agreed(serial)
        return wanted

    def _wanted_now(self) -> dict[str, int]:
        """Return the wish; as long as it is not complete also what the session had, should the broker have forgotten it."""
        if self._complete:
            return dict(self._wanted)
        return {name: 1 for name in self._known if not name.startswith("$SYS/")} | self._wanted

    async def _remember(self, filters: frozenset[str]) -> None:
        if filters == self._known:
            return
        self._known = filters
        try:
            await asyncio.to_thread(_keep, self._file, filters)
        except OSError as error:  # recording goes on; what the next life does not know it cannot give up
            log.error("subscriptions cannot be kept", extra={"reason": str(error)})

    def _note_connected(self, reader: MqttReader) -> None:
        self._tally.connections += 1
        log.info("connected to the broker", extra={"session_present": reader.session_present, "client_id": self._client_id})
        if self._known and not reader.session_present:
            self._tally.sessions_lost += 1
            self.lost_at = asyncio.get_running_loop().time()
            log.error("the broker has forgotten the session; what it had queued is lost")

    def _note_away(self, error: BrokerAwayError) -> None:
        self._reader, self._tally.connected, self.reason = None, False, str(error)
        self._tally.subscriptions = 0
        if self.away_since is None and self.listening.is_set():
            self.away_since = asyncio.get_running_loop().time()
            log.warning("broker away", extra={"reason": self.reason})


def _keep(path: Path, filters: frozenset[str]) -> None:
    """Write durably: subscriptions that nobody remembers are never given up."""
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(sorted(filters), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _load(path: Path) -> frozenset[str]:
    try:
        names = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return frozenset()
    return frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()
