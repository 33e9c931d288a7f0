"""One client's conversation, from its first word to its last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final
from uuid import UUID

from lics_actors.errors import LicsError, NotFoundError
from web.auth import Principal, TokenKeeper, allowed
from web.errors import AuthenticationError, PermissionDeniedError
from web.live import commands, steering
from web.live.audience import READ, permission_for
from web.live.client import FORBIDDEN, GONE, TOO_SLOW, UNAUTHENTICATED, Client
from web.live.hub import Hub
from web.live.limits import MESSAGE_BYTES, TooFastError, TooManyError
from web.live.pacing import Bucket
from web.live.protocol import (
    VERSION,
    Auth,
    ClientMessage,
    MalformedMessageError,
    Order,
    Ping,
    Pong,
    Ready,
    Steer,
    Subscribe,
    Unsubscribe,
    is_topic,
    read,
)
from web.live.resume import wanted_after

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[Any]]
TOPICS_A_MESSAGE: Final = 50  # so many topics count as one message more


class Session:
    """Reads what the client says and has it done. `client.closing` says when it is over."""

    def __init__(self, hub: Hub, keeper: TokenKeeper, client: Client, receive: Receive) -> None:
        self._hub, self._keeper, self._client, self._receive = hub, keeper, client, receive
        self._orders: set[asyncio.Task[None]] = set()
        limits = hub.limits
        self._rate = Bucket(limits.messages_per_s, limits.messages_burst, client.now())
        self._refused = 0

    async def talk(self, token: str | None, device_id: UUID | None) -> None:
        """Converse until the client leaves or is sent away."""
        try:
            self._hub.admit(self._client)
            asker = await self._greet(token)
            if asker is None:
                return
            if device_id is not None:
                self._subscribe(Subscribe([f"device:{device_id}"]), asker)
            while (said := await self._next()) is not None:
                self._heard(said, self._client.principal or asker)
        except TooManyError as error:
            self._client.tell_error(error)
            self._client.end(TOO_SLOW, "too many connections")
        finally:
            for order in self._orders:
                order.cancel()
            self._hub.leave(self._client)

    async def _greet(self, token: str | None) -> Principal | None:
        """Learn who this is; None: not to be let in, or gone."""
        client, limits = self._client, self._hub.limits
        try:
            asker = await self._known(token if token is not None else await self._first_word())
        except (AuthenticationError, TimeoutError) as error:
            late = AuthenticationError(f"no auth message within {limits.auth_s:g} s")
            if isinstance(error, AuthenticationError):
                self._hub.note_refusal(client, "anonymous", "auth.token", "/ws", error)
            client.tell_error(late if isinstance(error, TimeoutError) else error)
            client.end(UNAUTHENTICATED, "unauthenticated")
            return None
        except LicsError as error:  # a key that this worker does not know, and no table to ask
            client.tell_error(error)
            client.end(TOO_SLOW, "try again")
            return None
        if asker is None:
            return None
        if not allowed(asker, READ):
            refusal = PermissionDeniedError(f"{asker.name} may not {READ}")
            self._hub.note_refusal(client, asker.name, READ, "/ws", refusal)
            client.tell_error(refusal)
            client.end(FORBIDDEN, "forbidden")
            return None
        self._hub.introduce(client, asker)
        client.tell(Ready(asker.name, VERSION, limits.ping_s, limits.topics, MESSAGE_BYTES))
        return asker

    async def _known(self, token: str | None) -> Principal | None:
        if token is None:
            return None
        asker = await self._keeper.principal(token, self._client.remote)
        if asker is None:
            raise AuthenticationError("the token is not valid")
        return asker

    async def _first_word(self) -> str | None:
        async with asyncio.timeout(self._hub.limits.auth_s):
            text = await self._next()
        if text is None:
            return None
        try:
            said = read(text)
        except LicsError:
            said = None
        if not isinstance(said, Auth):
            raise AuthenticationError('the first message is to be {"kind":"auth","token":…}, or come with a bearer header')
        return said.token

    async def _next(self) -> str | bytes | None:
        """Return the next message; None when the client has gone."""
        event = await self._receive()
        if event["type"] != "websocket.receive":
            self._client.end(GONE, "gone")
            return None
        self._client.heard()
        text: str | bytes | None = event.get("text")
        return text if text is not None else b""  # binary messages are none of this language: refused as malformed

    def _heard(self, text: str | bytes, asker: Principal) -> None:
        if not self._rate.take(self._client.now()):
            self._refuse(f"more than {self._hub.limits.messages_per_s:g} messages a second")
            return
        try:
            if len(text) > MESSAGE_BYTES:
                raise MalformedMessageError(f"a message is longer than {MESSAGE_BYTES} bytes")
            said = read(text)
            more = len(said.topics) / TOPICS_A_MESSAGE if isinstance(said, Subscribe | Unsubscribe) else 0.0
            if self._rate.take(self._client.now(), more):
                self._do(said, asker)
            else:
                self._refuse("too many topics a second")
        except LicsError as error:
            self._client.tell_error(error)

    def _refuse(self, reason: str) -> None:
        self._refused += 1
        self._client.tell_error(TooFastError(reason))
        if self._refused > self._hub.limits.refusals:
            self._client.end(TOO_SLOW, "too many messages")

    def _do(self, said: ClientMessage, asker: Principal) -> None:
        match said:
            case Subscribe():
                self._subscribe(said, asker)
            case Unsubscribe(topics=topics):
                for topic in topics:
                    self._hub.unsubscribe(self._client, topic)
            case Order():
                self._order(said, asker)
            case Steer():
                self._steer(said, asker)
            case Ping(ref=ref):
                self._client.tell(Pong(ref))
            case Auth(token=token):
                self._renew(token, asker)

    def _renew(self, token: str, asker: Principal) -> None:
        """Let a client stay with its next token, before the one it came with expires."""
        again = self._keeper.remembered(token)
        if again is None:
            raise AuthenticationError("the token is not valid")
        if again != asker:
            raise MalformedMessageError("you are known already")
        self._client.principal = again
        if again.reach != asker.reach:
            self._hub.judge_again(self._client)

    def _subscribe(self, said: Subscribe, asker: Principal) -> None:
        for topic in dict.fromkeys(said.topics):
            try:
                self._check(topic, asker)
                self._hub.subscribe(self._client, topic, wanted_after(said.after, topic))
            except TooManyError as error:
                self._client.tell_error(error, topic=topic)
                return  # the same of every further one
            except LicsError as error:
                self._client.tell_error(error, topic=topic)

    def _check(self, topic: str, asker: Principal) -> None:
        if not is_topic(topic):
            raise TopicNotFoundError("topics are fleet, alarms, device:{id} and command:{id}")
        permission = permission_for(topic)
        if not allowed(asker, permission):
            refusal = PermissionDeniedError(f"{asker.name} may not {permission}")
            self._hub.note_refusal(self._client, asker.name, permission, topic, refusal)
            raise refusal

    def _order(self, said: Order, asker: Principal) -> None:
        self._follow(said.ref, lambda: commands.give(self._hub, self._client, asker, said))

    def _steer(self, said: Steer, asker: Principal) -> None:
        self._follow(said.ref, lambda: steering.steer(self._hub, self._client, asker, said))

    def _follow(self, ref: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something that takes its time, a bounded number of such at once."""
        if len(self._orders) >= self._hub.limits.commands:
            limit = self._hub.limits.commands
            error = TooManyError(f"{limit} commands of this connection are not settled", limit=limit)
            self._client.tell_error(error, ref=ref)
            return
        task = asyncio.get_running_loop().create_task(work())
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)


class TopicNotFoundError(NotFoundError):
    """No such topic."""

    code = "TOPIC_NOT_FOUND"
