"""A fleet in memory with the interface of FleetClient: for tests of the web alone; the real one is in tests/system."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from lics_actors.device.messages import (
    Admin,
    CancelCommand,
    CommandState,
    DeviceSpec,
    DeviceTwin,
    Health,
    InterlocksReset,
    Link,
    MetricReading,
    RequestCommand,
    ResetInterlocks,
    RigSpec,
    Safety,
    TrippedInterlock,
)
from lics_actors.errors import (
    CommandNotFoundError,
    ConflictError,
    DeviceNotFoundError,
    FleetUnavailableError,
    IdempotencyKeyReusedError,
    LicsError,
    NodeNotFoundError,
    RunNotFoundError,
)
from lics_actors.fleet.messages import NodeState, NodeView, RollView
from lics_actors.run.messages import RunView, RunWish
from lics_actors.run.orders import RunOrder
from lics_actors.store.records import Command, CommandStep, CrashReport
from lics_actors.supervision.specs import Verb

EPOCH = datetime(2026, 1, 31, 12, tzinfo=UTC)
RESULT = {"volume_ul": 20.0}


class FleetStub:
    """Devices that do what they are told, unless a test says otherwise."""

    def __init__(self) -> None:
        self.down = False
        self.slow = False
        self.outcome = CommandState.SUCCEEDED
        self.refusal: LicsError | None = None
        self.devices: dict[UUID, DeviceSpec] = {}
        self.commands: dict[UUID, Command] = {}
        self.executed: list[UUID] = []
        self.restarted: list[tuple[str, str, str | None]] = []
        self.steered: list[tuple[str, str, str, str | None]] = []
        self.rolled = RollView("done", 3, 3, (), (), {}, "user:admin", None, EPOCH, EPOCH)
        self.counted = 0.0
        self.rigs: dict[UUID, RigSpec | None] = {}
        self.tripped: dict[UUID, tuple[TrippedInterlock, ...]] = {}
        self.resets: list[ResetInterlocks] = []

        self.orders: dict[UUID, RunOrder] = {}
        self.wishes: list[RunWish] = []
        self.known_runs: set[UUID] = set()  # begun by nobody's order

    async def start_run(self, order: RunOrder) -> None:
        """Take the order."""
        await self._answering()
        if self.refusal is not None:
            raise self.refusal
        if self.orders.setdefault(order.run_id, order) != order:
            raise ConflictError("another order has this id")

    async def run(self, run_id: UUID) -> RunView:
        """It runs since it was ordered."""
        await self._answering()
        if run_id not in self.orders and run_id not in self.known_runs:
            raise RunNotFoundError(f"no run {run_id}")
        parameters = dict(self.orders[run_id].parameters) if run_id in self.orders else {}
        return RunView(run_id, "running", "", 4, 1.5, 0, False, 0, 0.0, {}, 0, parameters, {})

    async def steer_run(self, wish: RunWish) -> RunView:
        """Remember the wish."""
        view = await self.run(wish.run_id)
        self.wishes.append(wish)
        return view

    def has_one(self) -> UUID:
        """Have one device that no table knows, and return its id."""
        spec = DeviceSpec(uuid4(), "pump-1", "pump", "native", {})
        self.devices[spec.device_id] = spec
        return spec.device_id

    async def _answering(self) -> None:
        if self.slow:
            await asyncio.sleep(60)
        if self.down:
            raise FleetUnavailableError("the fleet does not answer")

    def _device(self, device_id: UUID) -> DeviceSpec:
        if device_id not in self.devices:
            raise DeviceNotFoundError(f"no device {device_id}")
        return self.devices[device_id]

    async def tree(self) -> NodeView:
        """The tree: a root with one rack of all devices."""
        await self._answering()
        stats = {"commands_succeeded": self.counted, "commands_waiting": 1.0}
        devices = tuple(
            NodeView(f"device:{spec.device_id}", "device", NodeState.RUNNING, 7, 1, 0, EPOCH, spec.name, "online", None, stats)
            for spec in self.devices.values()
        )
        rack = NodeView("rack:1", "rack", NodeState.RUNNING, 6, 1, 2, EPOCH, children=devices)
        return NodeView("fleet", "fleet", NodeState.RUNNING, 5, 1, 0, EPOCH, children=(rack,))

    async def register_rig(self, rig_id: UUID, rig: RigSpec | None) -> None:
        """Remember it."""
        await self._answering()
        self.rigs[rig_id] = rig

    async def reset(self, request: ResetInterlocks) -> InterlocksReset:
        """Reset what is meant."""
        await self._answering()
        if self.refusal is not None:
            raise self.refusal
        self.resets.append(request)
        meant = [each for each in self.tripped.get(request.device_id, ()) if request.interlock in {None, each.interlock}]
        self.tripped[request.device_id] = tuple(each for each in self.tripped.get(request.device_id, ()) if each not in meant)
        return InterlocksReset(request.device_id, tuple(each.interlock for each in meant))

    async def twin(self, device_id: UUID) -> DeviceTwin:
        """An online twin with one metric."""
        await self._answering()
        self._device(device_id)
        metrics, tripped = {"temperature_c": MetricReading(21.5, EPOCH)}, self.tripped.get(device_id, ())
        return DeviceTwin(
            device_id, Link.ONLINE, Health.OK, Safety.SAFE, Admin.ENABLED, 3, 1, EPOCH, EPOCH, None, None, metrics, 0, 0, tripped
        )

    async def command(self, request: RequestCommand) -> Command:
        """Answer a repeat as it stands, else execute."""
        await self._answering()
        self._device(request.device_id)
        if self.refusal is not None:
            raise self.refusal
        known = self.commands.get(request.command_id)
        if known is not None:
            if (known.name, known.args) != (request.name, dict(request.args)):
                raise IdempotencyKeyReusedError("the id belongs to another request")
            return known
        self.executed.append(request.command_id)
        settled = self.outcome is not CommandState.DELIVERED and request.wait_s > 0
        states = [CommandState.ACCEPTED, CommandState.DISPATCHED, CommandState.DELIVERED, *([self.outcome] if settled else [])]
        steps = tuple(
            CommandStep(state, EPOCH + timedelta(milliseconds=n), RESULT if state is CommandState.SUCCEEDED else None)
            for n, state in enumerate(states)
        )
        self.commands[request.command_id] = command = Command(
            command_id=request.command_id,
            device_id=request.device_id,
            name=request.name,
            args=dict(request.args),
            principal=request.principal,
            idempotent=False,
            actuates=True,
            deadline=EPOCH + timedelta(seconds=request.timeout_s),
            steps=steps,
            epoch=3,
            reason=request.reason,
        )
        return command

    async def command_status(self, device_id: UUID, command_id: UUID) -> Command:
        """What the journal would say."""
        await self._answering()
        command = self.commands.get(command_id)
        if command is None or command.device_id != device_id:
            raise CommandNotFoundError(f"no command {command_id}")
        return command

    async def cancel(self, request: CancelCommand) -> Command:
        """A command that is not settled is called off."""
        return await self.command_status(request.device_id, request.command_id)

    async def register(self, spec: DeviceSpec) -> None:
        """Take over a device; a retired one goes."""
        await self._answering()
        self.devices.pop(spec.device_id, None)
        if spec.admin is not Admin.RETIRED:
            self.devices[spec.device_id] = spec

    async def roll(self, at_once: int, principal: str, reason: str | None) -> RollView:
        """One that is done at once."""
        await self._answering()
        self.steered.append(("roll", str(at_once), principal, reason))
        self.rolled = RollView("done", 3, 3, (), (), {}, principal, reason, EPOCH, EPOCH)
        return self.rolled

    async def rolling(self) -> RollView:
        """The last one."""
        await self._answering()
        return self.rolled

    async def relaunch(self, principal: str, reason: str | None) -> None:
        """Note it."""
        await self._answering()
        self.steered.append(("relaunch", "fleet", principal, reason))

    async def crashes(self, node: str) -> tuple[CrashReport, ...]:
        """One crash each."""
        await self._answering()
        return (CrashReport(node, EPOCH, 1, "it was killed", signal="SIGKILL", lines=("a last word",)),)

    async def steer(self, node: str, verb: Verb, principal: str, reason: str | None) -> None:
        """Note it."""
        if verb is Verb.RESTART:
            await self.restart(node, principal, reason)
        else:
            await self._answering()
            if node == "nowhere":
                raise NodeNotFoundError(f"no node {node}")
            self.steered.append((verb.value, node, principal, reason))

    async def restart(self, node: str, principal: str, reason: str | None = None) -> None:
        """Note it."""
        await self._answering()
        if node not in {"fleet", "rack:1", "recorder", *(f"device:{device_id}" for device_id in self.devices)}:
            raise NodeNotFoundError(f"no node {node}")
        self.restarted.append((node, principal, reason))

    async def alive(self) -> float:
        """Whether it answers."""
        await self._answering()
        return 0.001
