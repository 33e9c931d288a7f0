"""What a new subscriber is told first: one snapshot of a topic at a time, for all who wait for it then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lics_actors.access.laboratories import Sight
from lics_actors.errors import LicsError
from web.homes import Homes
from web.live.audience import SHARED, hears, outside, owner_of, permission_for
from web.live.bus import Bus, happened, understood
from web.live.client import Subscription
from web.live.delivery import Delivery
from web.live.feed import Feed, Reach
from web.live.pacing import next_snapshot
from web.live.posts import post
from web.live.protocol import Snapshot, topic_command
from web.live.snapshots import Snapshots

log = logging.getLogger(__name__)

BUILDS: Final = 8  # snapshots taken at a time: the database and the fleet have others to answer
YOUNG_S: Final = 3.0  # a command that another worker placed is in the tables after a second


@dataclass(frozen=True, slots=True)
class Welcome:
    """Takes snapshots, and judges who is told. `forget`: what to do with a subscription to what does not exist for its client;
    `refused`: before that, where it does exist, in another laboratory.
    """

    bus: Bus
    snapshots: Snapshots
    delivery: Delivery
    homes: Homes
    forget: Callable[[Subscription], None]
    refused: Callable[[Subscription, LicsError], None]
    retry_s: float
    builds: asyncio.Semaphore
    tasks: set[asyncio.Task[None]]

    def join(self, feed: Feed, joining: Sequence[Subscription]) -> None:
        """Have these told of a topic from its beginning."""
        feed.joining += [each for each in joining if each not in feed.joining]
        if feed.joining and not feed.building:
            feed.building = True
            task = asyncio.get_running_loop().create_task(self._build(feed))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _build(self, feed: Feed) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self.bus.subscribe(feed.topic)
            while feed.joining and feed.subscriptions:
                await asyncio.sleep(max(0.0, feed.next_at - loop.time()))
                async with self.builds:
                    joining, feed.joining, began = feed.joining, [], loop.time()
                    await self._welcome(feed, joining)
                feed.next_at = next_snapshot(began, loop.time())
                if feed.stale:
                    feed.joining += [each for each in feed.anew() if each not in feed.joining]
                    feed.stale = False
        finally:
            feed.building = False

    async def _welcome(self, feed: Feed, joining: Sequence[Subscription]) -> None:
        n = await self.bus.current(feed.topic)
        reach = await self._reach(feed, [each.after for each in joining if each.after is not None])
        snapshot = await self._snapshot(feed, n)
        told = None if isinstance(snapshot, LicsError) else post(snapshot)
        for subscription in joining:
            if feed.subscriptions.get(subscription.client) is not subscription:
                continue
            refusal = snapshot if isinstance(snapshot, LicsError) else await self._refusal(feed, subscription, snapshot)
            if feed.subscriptions.get(subscription.client) is not subscription:
                continue  # it changed its mind while it was judged
            if refusal is not None or told is None:
                self._without(feed, subscription, refusal or LicsError("a snapshot failed"))
            else:
                feed.welcome(subscription, n, reach, told)
                self.delivery.touch((subscription.client,))

    async def _refusal(self, feed: Feed, subscription: Subscription, snapshot: Snapshot) -> LicsError | None:
        """Return why somebody is not told of a device, or of its command: it is in no laboratory of his. None: he is."""
        asker = subscription.client.principal
        permission = permission_for(feed.topic)
        if asker is None or asker.reach.where(permission) is None or feed.topic in SHARED:
            return None
        owner = owner_of(feed.topic, snapshot)
        subscription.owner = None if owner is None else owner[1]
        try:
            home = None if owner is None else await self.homes.of(*owner)
        except LicsError as error:
            return error
        if asker.reach.judge(permission, home) is Sight.GRANTED:
            return None
        refusal = outside(feed.topic)
        self.refused(subscription, refusal)
        return refusal

    async def _snapshot(self, feed: Feed, n: int) -> Snapshot | LicsError:
        try:
            return await self.snapshots.take(feed.topic, n, feed.audience)
        except LicsError as error:
            return error
        except Exception as error:
            log.exception("a snapshot failed", extra={"topic": feed.topic})
            return LicsError(str(error))

    def _without(self, feed: Feed, subscription: Subscription, error: LicsError) -> None:
        """Say why there is no snapshot; what does not exist is not subscribed to, what does not answer is asked again."""
        loop = asyncio.get_running_loop()
        gone = error.type == "not_found"
        if gone and topic_command(feed.topic) is not None and loop.time() - subscription.since < YOUNG_S:
            loop.call_later(YOUNG_S / 4, self._again, feed, subscription)
            return
        subscription.client.tell_error(error, topic=feed.topic)
        if gone:
            self.forget(subscription)
        else:
            loop.call_later(self.retry_s, self._again, feed, subscription)

    def _again(self, feed: Feed, subscription: Subscription) -> None:
        if feed.subscriptions.get(subscription.client) is subscription:
            self.join(feed, (subscription,))

    async def _reach(self, feed: Feed, afters: list[int]) -> Reach | None:
        """Return from where on the bus has everything, of the numbers asked for, and what; None: from none of them."""
        wanted = sorted(set(afters))
        while wanted:
            kept = await self.bus.replay(feed.topic, wanted[0])
            if kept is not None:
                heard = [(n, message) for n, body in kept if (message := understood(feed.topic, body)) is not None]
                posts = [happened(feed.topic, n, each) for n, each in heard if await hears(self.homes, feed.audience, each)]
                return wanted[0], [each for each in posts if each is not None]
            del wanted[: (len(wanted) + 1) // 2]
        return None
