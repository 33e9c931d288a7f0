"""LicsActor, the shell every actor is built on.

Thespian runs a handler that raises a second time, forgets what it watches when a handler raises, and says `ChildActorExited`
once or twice; here everything passes one choke point that makes none of this visible.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from thespian.actors import (
    Actor,
    ActorAddress,
    ActorExitRequest,
    ChildActorExited,
    DeadEnvelope,
    PoisonMessage,
    ThespianWatch,
    WakeupMessage,
    WatchMessage,
)

from lics_actors.errors import LicsError
from lics_actors.runtime import lastwords, logroute, process, pulse, transport
from lics_actors.runtime.messages import (
    ActorBegun,
    ActorPong,
    ActorStopped,
    AskDoor,
    BeginActor,
    BeginFailed,
    DoorAt,
    PeerReply,
    PeerRequest,
    PingActor,
    StopActor,
)

REMEMBERED_REQUESTS = 1024  # a peer repeats a request once, within seconds; this is minutes of them
UNASKED = 0  # the serial of a pong that answers no ping
WORD_EVERY_S = 0.2  # a state that flickers is told this often at most

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _WordDue:
    """Wakeup: a state's word that came too soon after another may be told now."""


@dataclass(frozen=True, slots=True)
class _BeatDue:
    """Wakeup: say that this thread is alive."""


class LicsActor(Actor):  # type: ignore[misc]
    """An actor without a loop. It is told who it is by `BeginActor`, whose sender is its supervisor.

    Everything runs in the actor's one thread. An exception in any handler is logged and counted, and the actor lives on; only
    one in `begin` ends it. Sending to `self.send` is asynchronous; keep at most a few unanswered messages per target.
    """

    def __init__(self) -> None:
        super().__init__()
        logroute.restore()
        self.name = type(self).__name__
        self.incarnation = 0
        self.counters: Counter[str] = Counter()
        self._pulse = pulse.own_slot()
        self._supervisor: ActorAddress | None = None
        self._stopping = False
        self._children: list[ActorAddress] = []
        self._requests_seen: deque[str] = deque(maxlen=REMEMBERED_REQUESTS)
        self._watch: ThespianWatch | None = None
        self._word_told = ""
        self._word_again_at = 0.0
        self._word_due = False

    # what an actor overrides

    def begin(self, spec: object) -> None:
        """Take up work. Raising ends the actor: its supervisor hears `BeginFailed` and then that it exited."""

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Handle what the base does not know. Call `unrecognised` for what you do not know either."""
        self.unrecognised(message, sender)

    def on_request(self, body: object, reply: Callable[[object], None]) -> None:  # noqa: ARG002 - for those who override it
        """Answer a peer: call `reply` once, now or later, with the outcome or a LicsError. Raising answers with an error."""
        raise LicsError(f"{self.name} answers no {type(body).__name__}", request=type(body).__name__)

    def door_port(self) -> int | None:
        """Return where peers reach the actor past Thespian, None where they do not."""
        return None

    def on_child_exited(self, address: ActorAddress) -> None:
        """Hear that a child's process ended; once per child. (Not heard of a child that died before it was connected.)"""

    def on_wakeup(self, payload: object) -> None:
        """Hear what `wake_after` was asked for."""

    def stop(self, reason: str) -> None:  # noqa: ARG002 - for those who override it
        """Flush and close, then call `stopped`."""
        self.stopped()

    def stats(self) -> Mapping[str, float]:
        """Return counters and gauges for the pong."""
        return {}

    def state_word(self) -> str:
        """Return the actor's state in one word, for the pong."""
        return ""

    # what an actor uses

    @property
    def supervisor(self) -> ActorAddress:
        """Return who sent `BeginActor`. Raises RuntimeError before that."""
        if self._supervisor is None:
            raise RuntimeError("this actor was not told to begin yet")
        return self._supervisor

    def wake_after(self, seconds: float, payload: object) -> None:
        """Have `on_wakeup(payload)` called in `seconds`. It cannot be taken back: check what is still true when it comes."""
        self.wakeupAfter(timedelta(seconds=seconds), payload)

    def stopped(self) -> None:
        """Tell the supervisor that all is flushed and end the process."""
        if self._supervisor is not None:
            self.send(self._supervisor, ActorStopped(self.name, os.getpid()))
        self._exit()

    def unrecognised(self, message: object, sender: ActorAddress) -> None:
        """Log and count a message nobody knows."""
        self.counters["actor_unrecognised"] += 1
        log.warning("message not recognised", extra={"actor": self.name, "kind": type(message).__name__, "sender": str(sender)})

    def createActor(self, *arguments: object, **keywords: object) -> ActorAddress:  # noqa: N802 - Thespian's name
        """Create a child; see Thespian. It is remembered, so that its exit is passed on once."""
        child = super().createActor(*arguments, **keywords)
        self._children.append(child)
        return child

    # the choke point

    def receiveMessage(self, message: object, sender: ActorAddress) -> ThespianWatch | None:  # noqa: N802 - Thespian's name
        """Take every message. Always returns what is watched, since Thespian drops a watch that is not returned."""
        self._pulse.enter()
        try:
            self._receive(message, sender)
            self._tell_new_word()
        except Exception:  # raising would have Thespian deliver the message a second time
            self.counters["actor_faults"] += 1
            log.exception("handler failed", extra={"actor": self.name, "kind": type(message).__name__})
        finally:
            self._pulse.leave()
        return self._watch

    def _receive(self, message: object, sender: ActorAddress) -> None:
        match message:
            case WatchMessage():
                self._on_watch()
            case PeerRequest():
                self._on_peer_request(message, sender)
            case PingActor(serial=serial):
                self._on_ping(serial, sender)
            case WakeupMessage(payload=_WordDue()):
                self._word_due = False  # told by the choke point, if it is still another
            case WakeupMessage(payload=_BeatDue()):
                self._beat()
            case WakeupMessage(payload=payload):
                self._on_wakeup(payload)
            case BeginActor():
                self._on_begin(message, sender)
            case StopActor(reason=reason):
                self._on_stop(reason)
            case ChildActorExited(childAddress=address):
                self._on_child_exited(address)
            case ActorExitRequest():
                self._stopping = True
            case PoisonMessage(poisonMessage=PeerReply(request_id=request_id)):
                self.counters["actor_undelivered"] += 1
                self.send(sender, PeerReply(request_id, LicsError(f"{self.name} has an answer that cannot be sent")))
            case PoisonMessage() | DeadEnvelope():
                self.counters["actor_undelivered"] += 1
                log.warning("message came back", extra={"actor": self.name, "kind": type(message).__name__})
            case _:
                self.on_message(message, sender)

    def _on_ping(self, serial: int, sender: ActorAddress) -> None:
        self._pong(serial, sender, self.state_word(), self._all_stats())

    def _pong(self, serial: int, sender: ActorAddress, word: str, stats: Mapping[str, float]) -> None:
        self._word_told = word
        self.send(sender, ActorPong(serial, os.getpid(), word, stats))

    def _on_begin(self, message: BeginActor, sender: ActorAddress) -> None:
        if self._supervisor is None:
            self._supervisor, self.name, self.incarnation = sender, message.name, message.incarnation
            process.record(self.name)
            if message.last_words is not None:
                lastwords.take_down(Path(message.last_words))
            try:
                self.begin(message.spec)
            except Exception as error:
                log.exception("actor could not begin", extra={"actor": self.name})
                reason = f"{type(error).__name__}: {error}"
                self.send(sender, BeginFailed(message.name, message.incarnation, reason))
                self._exit()
                return
            self._beat()
        self.send(sender, ActorBegun(self.name, self.incarnation, os.getpid()))  # again when asked again: a lost acknowledgement

    def _beat(self) -> None:
        """Say now and again that this thread is alive. What it does in between shows by itself, see `receiveMessage`."""
        self._pulse.beat_thread()
        self.wake_after(pulse.BEAT_S, _BeatDue())

    def _on_stop(self, reason: str) -> None:
        if not self._stopping:
            self._stopping = True
            try:
                self.stop(reason)
            except Exception:
                self._exit()
                raise

    def _exit(self) -> None:
        self._stopping = True
        self.send(self.myAddress, ActorExitRequest())

    def _on_child_exited(self, address: ActorAddress) -> None:
        for index, child in enumerate(self._children):
            if child == address:
                del self._children[index]
                self.on_child_exited(child)
                return

    def _on_wakeup(self, payload: object) -> None:
        self.on_wakeup(payload)

    def _on_watch(self) -> None:
        """Hear that a watched file descriptor is readable."""

    def _tell_new_word(self) -> None:
        """Send a pong nobody asked for when the state's word has changed, so that operators need not wait for the next ping."""
        if self._supervisor is None or self._stopping or (word := self.state_word()) == self._word_told:
            return
        now = time.monotonic()
        if now >= self._word_again_at:
            self._word_told, self._word_again_at = word, now + WORD_EVERY_S
            self.send(self._supervisor, ActorPong(UNASKED, os.getpid(), word, self._all_stats()))
        elif not self._word_due:
            self._word_due = True
            self.wake_after(self._word_again_at - now, _WordDue())

    def _all_stats(self) -> dict[str, float]:
        own: dict[str, float] = {**self.counters, "actor_frames_refused": transport.refused_frames()}
        try:
            own.update(self.stats())
        except Exception:  # an actor that cannot count is not to be killed for want of a pong
            self.counters["actor_faults"] += 1
            log.exception("stats failed", extra={"actor": self.name})
        return own

    # requests

    def _on_peer_request(self, request: PeerRequest, sender: ActorAddress) -> None:
        if time.time() > request.respond_by:
            self.counters["actor_requests_expired"] += 1
            return
        if request.request_id in self._requests_seen:  # sent again because the acknowledgement was lost; the answer is on its way
            self.counters["actor_requests_repeated"] += 1
            return
        self._requests_seen.append(request.request_id)
        self.counters["actor_requests"] += 1
        reply = self._reply_once(request.request_id, sender)
        try:
            if isinstance(request.body, AskDoor):
                reply(DoorAt(self.door_port()))
            else:
                self.on_request(request.body, reply)
        except LicsError as error:
            reply(error)
        except Exception:
            reply(LicsError(f"{self.name} failed to answer; its log says why", actor=self.name))
            raise

    def _reply_once(self, request_id: str, peer: ActorAddress) -> Callable[[object], None]:
        replied = False

        def reply(body: object) -> None:
            nonlocal replied
            if replied:
                self.counters["actor_replies_surplus"] += 1
                return
            replied = True
            self.send(peer, PeerReply(request_id, body))

        return reply
