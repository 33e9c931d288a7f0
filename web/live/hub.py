"""The hub: who is connected to this worker, what they want, and what the bus says of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from lics_actors.access.laboratories import NOWHERE, Laboratories
from lics_actors.audit import Asker
from lics_actors.errors import LicsError
from lics_actors.live.messages import AlarmLive, CommandLive, LiveMessage, TelemetryLive
from lics_actors.store.records import Command
from web.auth import Principal, Refusals
from web.backing import Backing
from web.errors import AuthenticationError
from web.live.alarm_words import AlarmWords
from web.live.audience import audience_of, hears, outside, permission_for
from web.live.bus import Bus, understood
from web.live.client import GOING_AWAY, UNAUTHENTICATED, Client, Subscription
from web.live.delivery import Delivery
from web.live.feed import Feed
from web.live.limits import Limits, LiveUnavailableError, TooManyError
from web.live.metrics import LiveMetrics
from web.live.posts import post
from web.live.protocol import CommandTold
from web.live.resume import Meanwhile
from web.live.snapshots import Snapshots
from web.live.views import command_raw, told
from web.live.welcome import BUILDS, Welcome

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0  # between two looks at who is slow, silent or gone


class Hub:
    """The clients of one worker and the topics they want. `run` while the application serves."""

    def __init__(
        self, house: Backing, bus: Bus, metrics: LiveMetrics, limits: Limits, stands: Callable[[Principal], bool]
    ) -> None:
        self.house, self.limits, self.metrics, self.stands = house, limits, metrics, stands
        self._refusals = Refusals(house.audit)
        self._bus = bus
        self._clients: dict[Client, None] = {}
        self._feeds: dict[str, dict[Laboratories, Feed]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivery = Delivery()
        self._welcome = Welcome(
            bus,
            Snapshots(house, bus),
            self._delivery,
            house.homes,
            lambda subscription: self.unsubscribe(subscription.client, subscription.topic),
            self._refused,
            limits.retry_s,
            asyncio.Semaphore(BUILDS),
            self._tasks,
        )
        self._alarm_words = AlarmWords()
        self._heard = False
        self._stopping = False

    @property
    def hears(self) -> bool:
        """Return whether what happens now is heard."""
        return self._bus.connected

    # who is there

    def admit(self, client: Client) -> None:
        """Let a connection in that has not said yet who it is.

        Raises:
            TooManyError: the worker is full, or stops.
        """
        strangers = sum(1 for each in self._clients if each.principal is None)
        if self._stopping or len(self._clients) >= self.limits.connections or strangers >= self.limits.strangers:
            raise TooManyError("this worker takes no more connections now; try again", limit=self.limits.connections)
        self._clients[client] = None
        self.metrics.clients.set(len(self._clients))

    def introduce(self, client: Client, principal: Principal) -> None:
        """Know a connection by its principal.

        Raises:
            TooManyError: the principal has too many connections.
        """
        own = sum(1 for each in self._clients if each.principal == principal)
        if own >= self.limits.per_principal:
            raise TooManyError(f"{principal.name} has {own} connections already", limit=self.limits.per_principal)
        client.principal = principal

    def note_refusal(self, client: Client, name: str, action: str, target: str, error: LicsError) -> None:
        """Have the audit told what a client was refused."""
        asker = Asker(name, "ws", client.remote, client.request_id)
        task = asyncio.get_running_loop().create_task(self._refusals.note(asker, action, target, error))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def leave(self, client: Client) -> None:
        """Forget a connection and all it wanted."""
        for topic in list(client.subscriptions):
            self.unsubscribe(client, topic)
        self._clients.pop(client, None)
        self.metrics.clients.set(len(self._clients))

    def stop(self) -> None:
        """Have every connection closed with 1001, and let no more in."""
        self._stopping = True
        for client in self._clients:
            client.end(GOING_AWAY, "the server stops")

    # who wants what

    def subscribe(self, client: Client, topic: str, after: int | None = None) -> None:
        """Have a client told of a topic: what it missed after `after`, how things are, and what follows. Again: all that anew.

        Raises:
            TooManyError: it has too many subscriptions.
        """
        subscription = self._subscription(client, topic)
        subscription.after, subscription.joining, subscription.ref = after, True, None
        subscription.since = asyncio.get_running_loop().time()
        self._heard = self._heard or self._bus.connected
        if not self._bus.connected:
            client.tell_error(_unheard(), topic=topic)
        self._welcome.join(self._feed(subscription), (subscription,))

    def follow(self, client: Client, topic: str, ref: str) -> None:
        """Have the client that gives a command told of its states, without a snapshot. Raises: as `subscribe`."""
        if topic in client.subscriptions:
            return
        subscription = self._subscription(client, topic)
        subscription.ref, subscription.joining = ref, False
        self._do(self._bus.subscribe(topic))

    def unfollow(self, client: Client, topic: str, ref: str) -> None:
        """End what `follow` began, and nothing else."""
        subscription = client.subscriptions.get(topic)
        if subscription is not None and subscription.ref == ref:
            self.unsubscribe(client, topic)

    def unsubscribe(self, client: Client, topic: str) -> None:
        """Tell a client of a topic no more; one that it does not have is no error."""
        subscription = client.subscriptions.pop(topic, None)
        if subscription is None:
            return
        self.metrics.subscriptions.dec()
        client.forget(topic)
        feeds, feed = self._feeds[topic], self._feed(subscription)
        del feed.subscriptions[client]
        if not feed.subscriptions:
            del feeds[feed.audience]
        if not feeds:
            del self._feeds[topic]
            self._do(self._let_go(topic))

    def _feed(self, subscription: Subscription) -> Feed:
        return self._feeds[subscription.topic][subscription.audience]

    def _subscription(self, client: Client, topic: str) -> Subscription:
        found = client.subscriptions.get(topic)
        if found is not None:
            return found
        if len(client.subscriptions) >= self.limits.topics:
            raise TooManyError(f"no more than {self.limits.topics} topics a connection", limit=self.limits.topics)
        audience = None if client.principal is None else audience_of(topic, client.principal.reach)
        feed = self._feeds.setdefault(topic, {}).setdefault(audience, Feed(topic, audience))
        made = Subscription(client, topic, None, Meanwhile(self.limits.meanwhile), audience=audience)
        feed.subscriptions[client] = client.subscriptions[topic] = made
        self.metrics.subscriptions.inc()
        return made

    async def _let_go(self, topic: str) -> None:
        if topic not in self._feeds:
            await self._bus.unsubscribe(topic)

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # what is heard

    async def run(self) -> None:
        """Hear and tell, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear())
                group.create_task(self._delivery.run())
                group.create_task(self._look_after())
        finally:
            for task in self._tasks:
                task.cancel()

    async def _hear(self) -> None:
        async for topic, n, body in self._bus:
            if not topic:
                self._start_anew()
            elif topic in self._feeds and (message := understood(topic, body)) is not None:
                self.metrics.heard.inc()
                if isinstance(message, AlarmLive) and not self._alarm_words.news(n, message):
                    continue
                for feed in list(self._feeds[topic].values()):
                    feed.n = max(feed.n, n)
                    if feed.audience is None or await hears(self.house.homes, feed.audience, message):
                        self._take_in(feed, n, message)

    def _take_in(self, feed: Feed, n: int, message: LiveMessage) -> None:
        if isinstance(message, TelemetryLive):
            feed.measured(n, message)
            self._delivery.measured(feed)
            return
        self._delivery.touch(feed.happened(post(told(feed.topic, n, message))))
        if isinstance(message, CommandLive):
            for subscription in list(feed.subscriptions.values()):
                self._tell_sender(subscription, message.command, n)

    def tell_command(self, client: Client, topic: str, ref: str, command: Command) -> None:
        """Tell the client that gave a command what the fleet says of it, unless it knows."""
        subscription = client.subscriptions.get(topic)
        if subscription is not None and subscription.ref == ref:
            self._tell_sender(subscription, command, self._feed(subscription).n)
        else:
            client.tell(CommandTold(topic, 0, command_raw(command), ref))

    def _tell_sender(self, subscription: Subscription, command: Command, n: int) -> None:
        if subscription.ref is None or len(command.steps) <= subscription.steps:
            return
        subscription.steps = len(command.steps)
        subscription.client.add((post(CommandTold(subscription.topic, n, command_raw(command), subscription.ref)),))
        self._delivery.touch((subscription.client,))

    # what is looked after

    def _keep_out(self, client: Client) -> None:
        if client.principal is not None and not self.stands(client.principal):
            client.tell_error(AuthenticationError("the token has expired, or was ended"))
            client.end(UNAUTHENTICATED, "unauthenticated")

    def looked(self, *, moved: bool) -> None:
        """What is ended was looked at: send those away who are over, and where devices have `moved`, tell of them no more."""
        for client in list(self._clients):
            self._keep_out(client)
            if moved:
                self.judge_again(client)
        if moved:
            for feed in [each for feeds in self._feeds.values() for each in feeds.values() if each.audience is not None]:
                self._welcome.join(feed, feed.anew())

    def judge_again(self, client: Client) -> None:
        """End what a client may not be told any more: devices of laboratories that are not his, and their commands."""
        reach = NOWHERE if client.principal is None else client.principal.reach
        for topic, subscription in list(client.subscriptions.items()):
            if audience_of(topic, reach) != subscription.audience:
                self.unsubscribe(client, topic)
                self.subscribe(client, topic, subscription.n or None)
            home = None if subscription.owner is None else self.house.homes.known(subscription.owner)
            if home is not None and not reach.may(permission_for(topic), home):
                self.unsubscribe(client, topic)
                client.tell_error(outside(topic), topic=topic)

    def _refused(self, subscription: Subscription, error: LicsError) -> None:
        client = subscription.client
        self.note_refusal(
            client,
            client.principal.name if client.principal else "anonymous",
            permission_for(subscription.topic),
            subscription.topic,
            error,
        )

    def _start_anew(self) -> None:
        """The bus was away: whatever it said meanwhile was not heard."""
        for feed in [each for feeds in self._feeds.values() for each in feeds.values()]:
            self._welcome.join(feed, feed.anew())

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if self._heard and not self._bus.connected:
                for client in list(self._clients):
                    if client.subscriptions:
                        client.tell_error(_unheard())
            self._heard = self._bus.connected
            for client in list(self._clients):
                client.look_after(self.limits.ping_s, self.limits.silent_s)
                self._keep_out(client)
                self.metrics.gaps.inc(client.new_gaps())


def _unheard() -> LiveUnavailableError:
    return LiveUnavailableError("live changes are not heard now; what was missed follows when the bus is back")
