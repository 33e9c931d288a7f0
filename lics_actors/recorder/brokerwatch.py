"""Listens to what the broker says of itself, on a connection of its own: the record's is not read under back-pressure."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
from pathlib import Path

import aiomqtt

from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec
from lics_actors.recorder.batch import retry_in
from lics_actors.recorder.brokerfacts import DROPPED, STORED, BrokerFacts
from lics_actors.recorder.tally import Tally

log = logging.getLogger(__name__)

FILE = "broker.json"  # what the broker had dropped when it was last heard: more of it means while nobody listened
TIMEOUT_S = 5.0
QUIET_S = 60.0  # brokers repeat their figures every few seconds


class BrokerWatch:
    """`facts`: what was last heard, with times of the loop."""

    def __init__(self, broker: BrokerSpec, folder: Path, tally: Tally) -> None:
        self._broker, self._file, self._tally = broker, folder / FILE, tally
        self._where = f"{broker.host}:{broker.port}"
        self.facts = BrokerFacts(total=_load(self._file, self._where))

    async def run(self) -> None:
        """Listen for ever. That the broker is away is said by the record's own session; one that says nothing is left alone."""
        failures = 0
        while True:
            try:
                await self._listen()
                failures = 0
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                failures += 1
                log.debug("the broker's statistics are not heard", extra={"reason": str(error)})
            await asyncio.sleep(retry_in(max(1, failures), random.random()))  # noqa: S311 - jitter is no secret

    async def _listen(self) -> None:
        broker = self._broker
        async with aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            tls_context=tls_context(broker),
            timeout=TIMEOUT_S,
        ) as client:
            await client.subscribe([(DROPPED, 0), (STORED, 0)])
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    await self._take(message.topic.value, message.payload)

    async def _take(self, topic: str, payload: bytes) -> None:
        before = self.facts
        self.facts = before.heard(topic, payload, asyncio.get_running_loop().time())
        self._tally.broker_dropped = self.facts.total or 0
        if self.facts.lost_at != before.lost_at:
            log.error("the broker dropped messages", extra={"lost": self.facts.lost, "total": self.facts.total})
        if self.facts.total is not None and self.facts.total != before.total:
            await asyncio.to_thread(self._keep, self.facts.total)

    def _keep(self, total: int) -> None:
        fresh = self._file.with_name(f"{FILE}.{os.getpid()}")
        try:
            fresh.write_text(json.dumps({"broker": self._where, "dropped": total}))
            fresh.replace(self._file)
        except OSError as error:
            log.warning("what the broker dropped cannot be kept", extra={"reason": str(error)})


def _load(path: Path, where: str) -> int | None:
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    dropped = kept.get("dropped") if isinstance(kept, dict) and kept.get("broker") == where else None
    return dropped if isinstance(dropped, int) else None
