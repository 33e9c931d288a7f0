"""Many simulated devices in one process."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self
from uuid import UUID

from drivers.native.simulator.connection import BrokerLike
from drivers.native.simulator.device import SimulatedDevice, SimulatedDeviceSpec
from drivers.native.simulator.ledger import Ledger
from drivers.native.simulator.residence import Resident, SubjectSpec

CONNECTING_AT_ONCE = 50  # keeps a broker's listen queue short when hundreds of devices start together


class Simulator:
    """`async with Simulator(broker, [SimulatedDeviceSpec(...)], state_dir) as simulator:` switches the devices on.

    `state_dir` holds the ledgers and boot counts; without it they live as long as the simulator. `seed` makes chance the
    same in every run (the network's timing stays its own). `subjects` live at devices as long as the simulator runs.
    """

    def __init__(
        self,
        broker: BrokerLike,
        devices: Sequence[SimulatedDeviceSpec],
        state_dir: Path | None = None,
        *,
        seed: int = 0,
        subjects: Sequence[SubjectSpec] = (),
        ways_in: Mapping[UUID, BrokerLike] = MappingProxyType({}),
    ) -> None:
        """`ways_in`: of devices that have credentials of their own."""
        self._ways_in = ways_in
        self._broker, self._specs, self._state_dir, self._seed = broker, tuple(devices), state_dir, seed
        self._subjects = tuple(subjects)
        self._lives: list[asyncio.Task[None]] = []
        self.residents: tuple[Resident, ...] = ()
        self._stack = AsyncExitStack()
        self._devices: dict[UUID, SimulatedDevice] = {}

    async def __aenter__(self) -> Self:
        state_dir = self._state_dir or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="lics-simulator-")))
        ledger = Ledger(state_dir / "ledger.sqlite")
        self._stack.callback(ledger.close)
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
        for spec in self._specs:
            way_in = self._ways_in.get(spec.device_id, self._broker)
            dice = random.Random(f"{self._seed}:{spec.device_id}")  # noqa: S311 - weather, not secrets
            self._devices[spec.device_id] = SimulatedDevice(spec, way_in, ledger, gate, dice)
        for device in self._devices.values():
            await device.power_on()
        self.residents = tuple(self._resident(spec) for spec in self._subjects)
        self._lives = [asyncio.create_task(each.live(), name=f"subject {each.spec.name}") for each in self.residents]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.send_to_sleep()
        try:
            await asyncio.gather(*(device.shut_down() for device in self._devices.values()))
        finally:
            await self._stack.aclose()

    def send_to_sleep(self) -> None:
        """Have the subjects touch nothing any more, for good; devices go on."""
        for life in self._lives:
            life.cancel()

    def _resident(self, spec: SubjectSpec) -> Resident:
        dice = random.Random(f"{self._seed}:{spec.name}:{spec.model}")  # noqa: S311 - an animal's whims, not secrets
        return Resident(spec, [self._devices[device_id] for device_id in spec.devices], dice)

    @property
    def devices(self) -> tuple[SimulatedDevice, ...]:
        """Return all of them, in the order they were given."""
        return tuple(self._devices.values())

    def device(self, device_id: UUID) -> SimulatedDevice:
        """Return one of them.

        Raises:
            KeyError: it is not simulated here.
        """
        return self._devices[device_id]

    async def online(self, timeout_s: float = 15.0) -> None:
        """Wait until every device that is switched on is connected.

        Raises:
            TimeoutError: some are not.
        """
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(device.online() for device in self._devices.values() if device.powered))
