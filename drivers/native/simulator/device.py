"""One simulated device: an instrument with a switch, a voice, hands and a memory."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

import aiomqtt

from drivers.errors import DecodeError
from drivers.native import device_side
from drivers.native.codec import COMMANDS, DESCRIBE, EVENTS, LEASE, STATUS, TELEMETRY, device_base
from drivers.native.device_side import Lease
from drivers.native.simulator.connection import BrokerLike, Connection
from drivers.native.simulator.dispensers import Feeder, Pump
from drivers.native.simulator.environment import Environment
from drivers.native.simulator.executor import Body, Executor, Watcher
from drivers.native.simulator.faults import Faults, happens
from drivers.native.simulator.ledger import Ledger
from drivers.native.simulator.lickometer import Lickometer
from drivers.native.simulator.model import Happening, Model
from drivers.native.simulator.reader import Reader
from drivers.native.simulator.recent import Key, Recent
from drivers.native.simulator.rules import Entry
from drivers.native.simulator.switch import Switch
from drivers.native.simulator.voice import Voice, now_utc
from drivers.native.spec import DEVICE_TYPES
from drivers.protocol import JsonObject, PresenceState, Sample

log = logging.getLogger(__name__)

FROZEN_S: Final = 30.0  # how long the fault `freeze` lasts


@dataclass(frozen=True, slots=True)
class SimulatedDeviceSpec:
    """A device to simulate. `rate_hz`: telemetry messages a second (0: none), each of `samples` samples.

    `remember`: keep (epoch, seq) of each telemetry message and event the broker acknowledged, for audits.
    """

    device_id: UUID
    type: str
    name: str = ""
    rate_hz: float = 1.0
    samples: int = 1
    faults: Faults = field(default_factory=Faults)
    keepalive_s: int = 30
    remember: bool = False


def new_model(kind: str) -> Model:
    """Return a fresh instrument of that type.

    Raises:
        ValueError: there is no such type.
    """
    match kind:
        case "pump":
            return Pump()
        case "feeder":
            return Feeder()
        case "lickometer":
            return Lickometer()
        case "environment":
            return Environment()
        case "actuator":
            return Switch()
        case "rfid":
            return Reader()
        case _:
            raise ValueError(f"no simulated type {kind!r}; there are: {', '.join(DEVICE_TYPES)}")


@dataclass(slots=True)
class _Boot:
    """What a device has from power-on to power-off."""

    voice: Voice
    executor: Executor
    inbox: asyncio.Queue[tuple[str, bytes]]
    life: asyncio.Task[None] | None = None


class SimulatedDevice:
    """A device on a desk: it can be switched on and off, hang, and be asked what it really did."""

    def __init__(
        self, spec: SimulatedDeviceSpec, broker: BrokerLike, ledger: Ledger, gate: asyncio.Semaphore, dice: Random
    ) -> None:
        self.spec, self.faults, self.rate_hz = spec, spec.faults, spec.rate_hz
        self.body = Body(new_model(spec.type), DEVICE_TYPES[spec.type])
        self.epoch, self.undecodable = 0, 0
        self._confirmed: set[Key] = set()
        self._recent = Recent()
        self._ledger, self._dice = ledger, dice
        self._base = device_base(broker.prefix, spec.device_id)
        self._boot: _Boot | None = None
        self._asides: set[asyncio.Task[None]] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._connection = Connection(
            broker,
            f"{broker.prefix}device-{spec.device_id}",
            will=self._will,
            greet=self._greet,
            receive=self._receive,
            gate=gate,
            dice=dice,
            keepalive_s=spec.keepalive_s,
        )

    @property
    def connected(self) -> bool:
        """Return whether it has said `online` on the present connection."""
        return self._connection.connected.is_set()

    @property
    def powered(self) -> bool:
        """Return whether it is switched on."""
        return self._boot is not None

    @property
    def sent(self) -> int:
        """Return how many telemetry messages it has made since it booted."""
        return 0 if self._boot is None else self._boot.voice.sent

    @property
    def confirmed(self) -> set[tuple[int, int]]:
        """Return (epoch, seq) of the telemetry messages that the broker acknowledged, where they are remembered."""
        return {(epoch, seq) for leaf, epoch, seq in self._confirmed if leaf == TELEMETRY}

    @property
    def confirmed_count(self) -> int:
        """Return how many messages of both kinds those are."""
        return len(self._confirmed)

    @property
    def confirmed_events(self) -> set[tuple[int, int]]:
        """Return (epoch, seq) of the events that the broker acknowledged, where they are remembered."""
        return {(epoch, seq) for leaf, epoch, seq in self._confirmed if leaf == EVENTS}

    @property
    def lease(self) -> Lease | None:
        """Return the lease it holds."""
        return None if self._boot is None else self._boot.executor.lease

    async def online(self) -> None:
        """Wait until connected."""
        await self._connection.connected.wait()

    async def power_on(self) -> None:
        """Boot: a new epoch; what was executing when the power went has failed as `interrupted`."""
        if self._boot is not None:
            return
        self.epoch = self._ledger.boot(self.spec.device_id)
        self._thawed.set()  # switching off and on again helps
        self.body.model = self.body.model.made_safe().model  # what is held falls with the power
        voice = Voice(
            self._connection,
            self._base,
            self.epoch,
            faults=self.faults,
            dice=self._dice,
            thawed=self._thawed,
            recent=self._recent,
            confirmed=self._confirmed if self.spec.remember else None,
        )
        executor = Executor(self.spec.device_id, self.body, self._ledger, voice, faults=self.faults, thawed=self._thawed)
        self._boot = _Boot(voice, executor, asyncio.Queue())
        self._boot.life = asyncio.create_task(self._live(self._boot), name=f"device {self.spec.name}")
        self._boot.life.add_done_callback(self._bury)

    async def power_off(self) -> None:
        """Cut the power: the TCP connection breaks without a DISCONNECT, so the broker publishes the last will."""
        await self._connection.cut()
        await self._end_life()

    async def reboot(self) -> None:
        """Cut the power and give it back."""
        await self.power_off()
        await self.power_on()

    async def shut_down(self) -> None:
        """Say `offline` and disconnect in an orderly way."""
        payload = device_side.status_payload(PresenceState.OFFLINE, self.epoch, now_utc(), "stopped")
        await self._connection.farewell(self._base + STATUS, payload)
        await self._end_life()

    def inhabit(self, watcher: Watcher) -> None:
        """Let a subject live here: it hears what the device does, and all touches and licks are its own from now on."""
        self.body.watchers.append(watcher)
        self.body.model = self.body.model.inhabited()

    def feel(self, kind: str, data: JsonObject) -> bool:
        """Be touched: count it and report the event, where the device has such a one, runs and does not hang; return whether."""
        if self._boot is None or not self._thawed.is_set() or kind not in self.body.description.events:
            return False
        self.body.model = self.body.model.felt(kind, data)
        self._boot.voice.tell(now_utc(), (Happening(0.0, kind, data),))
        return True

    def freeze(self) -> None:
        """Hang: nothing is said, nothing is obeyed; the connection stays."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Go on where it hung."""
        self._thawed.set()

    def set_rate(self, rate_hz: float) -> None:
        """Change the telemetry rate, messages a second."""
        self.rate_hz = rate_hz
        self.body.changed.set()

    def executions(self, command_id: UUID) -> int:
        """Return how often a command was really executed, over all boots."""
        return self._ledger.executions(self.spec.device_id, command_id)

    def entry(self, command_id: UUID) -> Entry | None:
        """Return what its ledger says of a command."""
        return self._ledger.entry(self.spec.device_id, command_id)

    async def publish_raw(self, leaf: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send any bytes on one of its topics; return whether the broker acknowledged them."""
        return await self._connection.publish(self._base + leaf, payload, retain=retain)

    async def _live(self, boot: _Boot) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._connection.run())
            tasks.create_task(boot.voice.run())
            tasks.create_task(boot.executor.run())
            tasks.create_task(self._obey(boot))
            tasks.create_task(self._measure(boot.voice))

    async def _end_life(self) -> None:
        boot, self._boot = self._boot, None
        if boot is not None and boot.life is not None:
            boot.life.cancel()
            await asyncio.wait([boot.life])

    def _bury(self, life: asyncio.Task[None]) -> None:
        if not life.cancelled() and life.exception() is not None:
            log.error("a simulated device broke", exc_info=life.exception(), extra={"device": self.spec.name})

    def _will(self) -> aiomqtt.Will:
        payload = device_side.status_payload(PresenceState.OFFLINE, self.epoch, now_utc(), "connection lost")
        return aiomqtt.Will(self._base + STATUS, payload, qos=1, retain=True)

    async def _greet(self, client: aiomqtt.Client) -> None:
        """Say who it is, listen, and only then say that it is there."""
        description = device_side.describe_payload(self.body.description)
        await client.publish(self._base + DESCRIBE, description, qos=1, retain=True)
        await client.subscribe([(self._base + COMMANDS, 1), (self._base + LEASE, 1)])
        online = device_side.status_payload(PresenceState.ONLINE, self.epoch, now_utc())
        await client.publish(self._base + STATUS, online, qos=1, retain=True)
        if self._boot is not None:
            self._boot.voice.repeat()

    def _receive(self, topic: str, payload: bytes) -> None:
        if self._boot is not None:
            self._boot.inbox.put_nowait((topic, payload))

    async def _obey(self, boot: _Boot) -> None:
        while True:
            topic, payload = await boot.inbox.get()
            await self._thawed.wait()
            try:
                if topic == self._base + LEASE:
                    boot.executor.hold(device_side.read_lease(topic, payload))
                else:
                    boot.executor.take(device_side.read_command(topic, payload))
            except DecodeError as error:
                self.undecodable += 1
                log.warning("a simulated device does not understand", extra={"device": self.spec.name, "reason": error.reason})

    async def _measure(self, voice: Voice) -> None:
        """Read the sensors at the present rate until cancelled; devices do not tick in step."""
        await self.online()  # what is read later without a connection is lost, and visible as a gap
        loop = asyncio.get_running_loop()
        last, period_s = now_utc(), self._period_s()
        due = loop.time() + self._dice.random() * (period_s or 0.0)
        while True:
            if await self._changed(None if period_s is None else max(0.0, due - loop.time())):
                if period_s != self._period_s():
                    period_s = self._period_s()
                    due = loop.time() + (period_s or 0.0)
                continue
            await self._thawed.wait()
            now, step_s = now_utc(), period_s or 0.0
            self._read(voice, last, min((now - last).total_seconds(), 5 * step_s))
            last, due = now, max(due + step_s, loop.time())

    async def _changed(self, timeout_s: float | None) -> bool:
        """Return whether somebody changed the instrument or its rate before the time was over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.body.changed.wait(), timeout_s)
            self.body.changed.clear()
            return True
        return False

    def _period_s(self) -> float | None:
        if self.body.model.report_interval_s is not None:
            return self.body.model.report_interval_s
        return 1 / self.rate_hz if self.rate_hz > 0 else None

    def _read(self, voice: Voice, start: datetime, elapsed_s: float) -> None:
        """Let time pass and report it: the events of that time, then its samples as one message."""
        part = timedelta(seconds=max(elapsed_s, 1e-3) / self.spec.samples)
        samples = []
        for n in range(self.spec.samples):
            at = start + n * part
            self.body.model, happenings = self.body.model.step(at, part.total_seconds(), self._dice)
            voice.tell(at, happenings)
            samples.append(Sample(at + part, self.body.model.metrics(self._dice)))
        voice.report(samples)
        if happens(self.faults.freeze, self._dice):
            self.freeze()
            asyncio.get_running_loop().call_later(FROZEN_S, self.thaw)
        if happens(self.faults.reboot, self._dice):
            aside = asyncio.create_task(self.reboot())
            self._asides.add(aside)
            aside.add_done_callback(self._asides.discard)
