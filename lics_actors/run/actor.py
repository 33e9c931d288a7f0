"""ExperimentActor: one run in one process; operators, MQTT session, devices' actors, rules and journal in its loop's thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from thespian.actors import ActorAddress

from lics_actors.client import FleetClient
from lics_actors.errors import FleetUnavailableError, LicsError, RunNotFoundError
from lics_actors.journal import Journal, journal_path
from lics_actors.live.bus import LivePublisher
from lics_actors.run.conduct import Conduct
from lics_actors.run.limits import superseded
from lics_actors.run.messages import AskRun, RenewAllowance, RunActorSpec, RunOver, RunWish
from lics_actors.run.orderbook import OrderBook
from lics_actors.run.orders import run_node
from lics_actors.run.telling import QUEUE_BYTES
from lics_actors.runtime.actor import LeafActor
from lics_actors.runtime.door import Reply

LAST_WORDS_S = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answered:
    """Loop → actor: this peer did not come by the door, so only the actor's thread can answer it."""

    reply: Reply
    body: object


@dataclass(frozen=True, slots=True)
class _WordChanged:
    """Loop → actor: the supervisor may be told a new state."""


class ExperimentActor(LeafActor):
    """Begins with a `RunActorSpec`; answers what `run.messages` says a run can be asked, and ends when the run is over.

    Thespian's thread hears the supervisor; everything else is the loop's, as in a DeviceActor: so what a device says crosses no
    thread on its way to the command that answers it.
    """

    def begin(self, spec: object) -> None:
        """Take up the run where its journal leaves it.

        Raises:
            StorageFullError: the journal cannot be opened for want of space.
        """
        if not isinstance(spec, RunActorSpec):
            raise TypeError(f"an ExperimentActor begins with a RunActorSpec, not {type(spec).__name__}")
        self._spec = spec
        self._journal = Journal(journal_path(Path(spec.journal_dir), run_node(spec.order.run_id).replace(":", "-")))
        self._conduct: Conduct | None = None  # the loop thread's, as is what follows
        self._word = "starting"
        self.open_door()
        self.start_loop()

    # the actor's thread

    def on_events(self, events: list[object]) -> None:
        """Send the answers to those who did not come by the door; end when the run is over."""
        for event in events:
            if isinstance(event, _Answered):
                event.reply(event.body)
            elif isinstance(event, RunOver):
                self.send(self.supervisor, event)
                self.stop_loop(self._close)

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Know nothing but what every actor knows."""
        self.unrecognised(message, sender)

    def on_request(self, body: object, reply: Reply) -> None:
        """Answer a peer who did not come by the door."""
        self.in_loop(self.on_visit, body, lambda answer: self.post(_Answered(reply, answer)))

    def stop(self, reason: str) -> None:
        """Leave the run as it is: the next incarnation goes on with it."""
        log.info("experiment actor stops", extra={"actor": self.name, "reason": reason})
        self.stop_loop(self._close)

    def stats(self) -> Mapping[str, float]:
        """Return the run's counters and gauges."""
        return {} if self._conduct is None else self._conduct.stats()

    def state_word(self) -> str:
        """Return the run's phase."""
        return self._word

    def _close(self) -> None:
        try:
            self._journal.close()
        finally:
            self.stopped()

    # the loop's thread

    async def run(self) -> None:
        """Live until the run is over."""
        spec = self._spec
        client = await FleetClient.within(Path(spec.run_dir), spec.host)
        publisher = None
        if spec.redis_url is not None:
            publisher = LivePublisher(spec.redis_url, spec.broker.prefix, queue_bytes=QUEUE_BYTES)
        conduct = self._conduct = Conduct(spec, self._journal, client, publisher, self._say)
        work = asyncio.create_task(conduct.run())
        publishing = None if publisher is None else asyncio.create_task(publisher.run())
        try:
            over = await work
            self.post(RunOver(spec.order.run_id, over, datetime.now(UTC)))
            await asyncio.Event().wait()  # until the actor's thread has heard it
        finally:
            work.cancel()
            await asyncio.wait([work])
            if publisher is not None and publishing is not None:
                await publisher.drained(LAST_WORDS_S)
                publishing.cancel()
            await client.close()

    def on_visit(self, body: object, reply: Reply) -> None:
        """Answer a peer at the door."""
        try:
            self._visited(body, reply)
        except LicsError as error:
            reply(error)
        except Exception:
            self.counters["actor_faults"] += 1
            log.exception("handler failed", extra={"actor": self.name})
            reply(LicsError(f"{self.name} failed to answer; its log says why", actor=self.name))

    def _visited(self, body: object, reply: Reply) -> None:
        conduct, run_id = self._conduct, self._spec.order.run_id
        if not isinstance(body, AskRun | RunWish):
            raise LicsError(f"{self.name} answers no {type(body).__name__}", request=type(body).__name__)
        if body.run_id != run_id:
            raise RunNotFoundError("this is another run's actor", run_id=str(body.run_id))
        shell = None if conduct is None else conduct.shell
        if shell is None:
            raise FleetUnavailableError("the run is just being taken up; ask again", run_id=str(run_id), delivered=True)
        if isinstance(body, AskRun):
            reply(shell.view())
            return
        if isinstance(body, RenewAllowance) and not superseded(self._spec.order.allowance, body.allowance):
            order = replace(self._spec.order, allowance=body.allowance)
            self._spec = replace(self._spec, order=order)
            OrderBook(Path(self._spec.orders_dir)).keep(order)
        shell.wished(body, reply)

    def _say(self, word: str) -> None:
        if word != self._word:
            self._word = word
            self.post(_WordChanged())
