"""Sending: what happened at once, telemetry in rounds that leave the worker most of its time, nothing for long at a stretch."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from lics_actors.live.messages import TelemetryLive
from web.live.client import Client
from web.live.feed import Feed
from web.live.pacing import next_round
from web.live.posts import Post, post
from web.live.views import telemetry_told

SLICE_S: Final = 0.004  # so long at a time may sending keep the worker from everything else

Value = tuple[str, int, TelemetryLive, Post]


class Delivery:
    """Of one worker. `run` sends telemetry; everything else leaves with the loop's next turn, so that a burst is one write."""

    def __init__(self) -> None:
        self._touched: deque[Client] = deque()
        self._flushing = False
        self._measured: dict[Feed, None] = {}
        self._wake = asyncio.Event()

    def touch(self, clients: Iterable[Client]) -> None:
        """Have what these clients were given sent."""
        for client in clients:
            if not client.touched:
                client.touched = True
                self._touched.append(client)
        if self._touched and not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def measured(self, feed: Feed) -> None:
        """Have a feed's values sent with the next round."""
        self._measured[feed] = None
        self._wake.set()

    def _flush(self) -> None:
        until = time.perf_counter() + SLICE_S
        while self._touched:
            self._touched.popleft().flush()
            if time.perf_counter() > until:
                break
        self._flushing = bool(self._touched)
        if self._flushing:
            asyncio.get_running_loop().call_soon(self._flush)

    async def run(self) -> None:
        """Send telemetry for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            began = loop.time()
            feeds, self._measured = self._measured, {}
            spent = await self._round(feeds)
            await asyncio.sleep(next_round(began, spent) - loop.time())

    async def _round(self, feeds: Iterable[Feed]) -> float:
        """Send each feed's values to all who want them, one write a client; return the seconds of work it took."""
        pause = _Pause()
        gathered: dict[Client, list[Value]] = {}
        for feed in feeds:
            _gather(feed, gathered)
            await pause.now_and_then()
        for client, values in gathered.items():
            client.tell_values(values)
            await pause.now_and_then()
        return pause.worked()


class _Pause:
    """Lets others work after every slice, and knows how much of the time was ours."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._since = time.perf_counter()

    async def now_and_then(self) -> None:
        worked = time.perf_counter() - self._since
        if worked > SLICE_S:
            self._spent += worked
            await asyncio.sleep(0)
            self._since = time.perf_counter()

    def worked(self) -> float:
        return self._spent + time.perf_counter() - self._since


def _gather(feed: Feed, gathered: dict[Client, list[Value]]) -> None:
    if feed.values is None:
        return
    (n, heard), feed.values = feed.values, None
    value: Value = (feed.topic, n, heard, post(telemetry_told(feed.topic, n, heard)))
    for client, subscription in feed.subscriptions.items():
        if subscription.joining:
            subscription.hold(n, heard)
        else:
            gathered.setdefault(client, []).append(value)
