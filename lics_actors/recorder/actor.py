"""The Recorder as an actor: it is told which devices there are, and says how it is doing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from thespian.actors import ActorAddress

from drivers.registry import driver, driver_names
from lics_actors.fleet.messages import DevicesKnown, PartTaken, RecorderSpec
from lics_actors.hosts.messages import Listen, ListeningEnded
from lics_actors.recorder.core import RecorderCore
from lics_actors.runtime.actor import LeafActor

LOOK_S = 0.5
STOP_S = 3.6  # the core gives up by itself before that


@dataclass(frozen=True, slots=True)
class _Retired:
    """Loop → actor: no longer configured, and nothing is left."""


class Recorder(LeafActor):
    """Records the data of all devices, or of its share of them.

    Begins with a `RecorderSpec`; hears `DevicesKnown` whenever the laboratory changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._core: RecorderCore | None = None

    def begin(self, spec: object) -> None:
        """Start recording; what covers whole conventions is subscribed to before any device is known."""
        if not isinstance(spec, RecorderSpec):
            raise TypeError(f"a Recorder begins with a RecorderSpec, not {type(spec).__name__}")
        self._core = RecorderCore(spec, {name: driver(name) for name in driver_names()})
        self._core.listening_ended = lambda: self.post(ListeningEnded(spec.name))
        self._core.part_taken = lambda serial: self.post(PartTaken(spec.name, serial))
        self.start_loop()

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take over the devices there are."""
        match message:
            case DevicesKnown(devices=devices, serial=serial, settled=settled) if self._core:
                self.in_loop(self._core.devices_known, devices, serial, settled)
            case Listen(listen=listen) if self._core:
                self.in_loop(self._core.listen, listen)
            case _:
                self.unrecognised(message, sender)

    def on_events(self, events: list[object]) -> None:
        """Tell the fleet what the core has come to; a changed word needs no more than that the actor wakes."""
        for event in events:
            match event:
                case PartTaken() | ListeningEnded():
                    self.send(self.supervisor, event)
                case _Retired():
                    self.stopped()

    async def run(self) -> None:
        """Record until stopped."""
        assert self._core is not None
        told = asyncio.create_task(self._tell_changes())
        try:
            await self._core.run()
        finally:
            told.cancel()
        if self._core.retired:
            self.post(_Retired())

    async def _tell_changes(self) -> None:
        """Wake the actor when its state's word changes, so that operators see it at once: all else happens in the loop."""
        word = ""
        while True:
            if (now := self.state_word()) != word:
                word = now
                self.post(word)
            await asyncio.sleep(LOOK_S)

    def stop(self, reason: str) -> None:  # noqa: ARG002 - the base's word
        """Stop reading, commit, acknowledge, ship what can be shipped within seconds."""
        self.stop_loop(self.stopped, STOP_S)

    def stats(self) -> Mapping[str, float]:
        """Return what the core counts."""
        return self._core.stats() if self._core else {}

    def state_word(self) -> str:
        """Return how recording goes."""
        return self._core.state_word() if self._core else ""
