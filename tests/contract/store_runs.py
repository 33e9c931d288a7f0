"""A run in the tables, as its journal and its devices' journals bring it there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from drivers.description import description_json
from drivers.native.spec import DEVICE_TYPES
from lics_actors.device.messages import CommandState
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.library import protocol_of
from lics_actors.experiment.messages import DeviceSaid, SendCommand
from lics_actors.experiment.rehearsal import Rehearsal, Session, rehearse
from lics_actors.store.records import Command, CommandAccepted, CommandStep, DeviceDescribed, Record
from lics_actors.store.repository import Repository
from lics_actors.store.rows import NewDevice
from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped
from lics_actors.store.shipping import ship_journal

LABORATORY = UUID(int=1)
STARTED = datetime(2026, 11, 1, 8, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return STARTED + timedelta(seconds=seconds)


def a_session(protocol: str = "two_choice", trials: int = 5) -> tuple[Rehearsal, Session]:
    task = Rehearsal(prepared(protocol_of(protocol), DEVICE_TYPES)[0], DEVICE_TYPES, trials, "ideal", 9)
    return task, rehearse(task).first


class KeptRun:
    """What journals hold of a rehearsed session, as if it had been one in a cage."""

    def __init__(self, protocol: str = "two_choice", trials: int = 5) -> None:
        self.task, self.session = a_session(protocol, trials)
        self.run_id, self.rig_id, self.version_id = self.session.begun.run_id, uuid4(), uuid4()
        document = self.task.plan.document
        self.devices = {role: uuid4() for role in document.roles}
        self.types = {role: each.type for role, each in document.roles.items()}
        described = {kind: description_json(DEVICE_TYPES[kind]) for kind in self.types.values()}
        self.opened = RunOpened(
            self.run_id,
            STARTED,
            LABORATORY,
            self.rig_id,
            self.version_id,
            document.model_dump(mode="json", exclude_unset=True),
            self.session.begun.seed,
            "user:eve@example.org",
            {},
            self.devices,
            described,
        )

    def steps(self) -> list[RunStepped]:
        return [
            RunStepped(self.run_id, n, at(event.at), event, tuple(effects))
            for n, (event, effects) in enumerate(self.session.recorded)
        ]

    def reactions(self) -> list[RunReacted]:
        return [
            RunReacted(self.run_id, n, effect.id, at(event.at), at(event.at + 0.001), at(event.at + 0.004))
            for n, (event, effects) in enumerate(self.session.recorded)
            if isinstance(event, DeviceSaid)
            for effect in effects
            if isinstance(effect, SendCommand)
        ]

    def commands(self, role: str) -> list[Record]:
        found: list[Record] = [DeviceDescribed(self.devices[role], at(0), self.opened.described[self.types[role]])]
        for event, effects in self.session.recorded:
            for effect in effects:
                if isinstance(effect, SendCommand) and effect.role == role:
                    steps = [CommandStep(state, at(event.at + n / 1000)) for n, state in enumerate((S.ACCEPTED, S.SUCCEEDED))]
                    principal = f"run:{self.run_id}"
                    found.append(CommandAccepted(_command(self.devices[role], effect, principal, steps, self.run_id)))
        return found

    async def keep(self, repository: Repository, *, steps: int | None = None) -> None:
        """Ship it all; `steps`: only so many."""
        for role, device_id in self.devices.items():
            await repository.create_device(
                NewDevice(f"{role} of the cage", self.types[role], "native", "user:eve", device_id=device_id)
            )
            await ship_journal(repository, uuid4(), list(enumerate(self.commands(role), 1)))
        records: list[Record] = [self.opened, *self.steps()[:steps], *(self.reactions() if steps is None else [])]
        await ship_journal(repository, uuid4(), list(enumerate(records, 1)))


S = CommandState


def _command(device: UUID, effect: SendCommand, principal: str, steps: list[CommandStep], run_id: UUID) -> Command:
    return Command(
        command_id=effect.id,
        device_id=device,
        name=effect.name,
        args=effect.args,
        principal=principal,
        idempotent=False,
        actuates=True,
        deadline=steps[0].time + timedelta(seconds=5),
        steps=tuple(steps),
        epoch=1,
        reason=None,
        run_id=run_id,
        trial_id=None,
    )
