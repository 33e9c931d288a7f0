"""`lics simulate`: virtual devices that speak the native contract over the real broker."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from drivers.native.demo import DemoDevice, cages, counted_devices, demo_devices
from drivers.native.subject import SubjectModel
from lics_actors.cli.output import Exit, console, fail, print_json, run, stderr

if TYPE_CHECKING:
    from uuid import UUID

    from config.settings import Settings
    from drivers.native.simulator import BrokerLike, Faults, Simulator, SubjectSpec
    from lics_actors.device.messages import BrokerSpec

log = logging.getLogger(__name__)
app = typer.Typer(help="Play virtual devices over the real broker.")


@dataclass(frozen=True, slots=True)
class FaultOption:
    """`--fault [DEVICE:]KNOB=VALUE`: without a device it holds for all of them."""

    device: str | None
    knob: str
    value: float


@app.command()
def simulate(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="the 24 devices of the demo laboratory")] = False,
    count: Annotated[int, typer.Option("--count", "-n", min=0, max=5000, help="so many devices of all types instead")] = 0,
    claim: Annotated[
        str | None, typer.Option(help="one device that nobody knows yet, by this code of `lics device claim new`")
    ] = None,
    type_: Annotated[str, typer.Option("--type", help="with --claim: what it is")] = "pump",
    rate: Annotated[float, typer.Option(min=0, max=1000, help="telemetry messages a second and device; 0: none")] = 1.0,
    samples: Annotated[int, typer.Option(min=1, max=500, help="samples in each of them")] = 1,
    seed: Annotated[int, typer.Option(help="chance, the same in every run")] = 0,
    subject_model: Annotated[SubjectModel | None, typer.Option(help="let such a subject live in each cage")] = None,
    subject_speed: Annotated[
        float, typer.Option(min=0.1, max=1000, envvar="LICS_SUBJECT_SPEED", help="so many times faster than a rodent")
    ] = 1.0,
    fault: Annotated[
        list[str] | None, typer.Option(help="[DEVICE:]KNOB=VALUE, for example drop_acks=0.1 or cage-1-pump:delay=2; repeatable")
    ] = None,
    register: Annotated[bool, typer.Option("--register", help="first create the devices in LICS where they are missing")] = False,
    listed: Annotated[bool, typer.Option("--list", help="print the devices and end")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the devices as one JSON document")] = False,
) -> None:
    """Play virtual devices until SIGTERM or Ctrl-C. They come back by themselves when the broker does.

    Their ledgers and boot counts are kept in the data directory, so a command is executed once however often this restarts.
    """
    if (demo, count > 0, claim is not None).count(True) != 1:
        fail("either --demo or --count N, or --claim CODE", "`lics simulate --demo` plays the demo laboratory", Exit.USAGE)
    if claim is not None:
        run(lambda: work_claimed(claim, type_, Options("claimed", rate, samples, seed, False, False, as_json)))
        return
    devices = demo_devices() if demo else counted_devices(count)
    faults = [parse_fault(text, devices) for text in fault or []]
    if as_json or listed:
        show(devices, as_json)
    if listed and not register:
        return
    name = "demo" if demo else "count"
    options = Options(name, rate, samples, seed, register, listed, as_json, subject_model, subject_speed)
    run(lambda: work(devices, faults, options))


@dataclass(frozen=True, slots=True)
class Options:
    """How to play. `name`: of the folder in which the ledgers are kept."""

    name: str
    rate_hz: float
    samples: int
    seed: int
    register: bool
    only_list: bool
    quiet: bool
    subject_model: SubjectModel | None = None
    subject_speed: float = 1.0


def parse_fault(text: str, devices: Sequence[DemoDevice]) -> FaultOption:
    """Return what `--fault` says; a mistake ends with a sentence."""
    from drivers.native.simulator import knobs  # noqa: PLC0415 - slow, and only when it is played

    place, equals, number = text.partition("=")
    device, _, knob = place.rpartition(":")
    if knob not in knobs() or not equals:
        fail(f"--fault {text}: [DEVICE:]KNOB=VALUE", f"the knobs are {', '.join(knobs())}", Exit.USAGE)
    if device and device not in {each.name for each in devices}:
        fail(f"--fault {text}: no simulated device is called {device}", "`lics simulate … --list` names them", Exit.USAGE)
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value < 86_400:
        fail(f"--fault {text}: the value is a probability from 0 to 1, or seconds", None, Exit.USAGE)
    return FaultOption(device or None, knob, value)


def show(devices: Sequence[DemoDevice], as_json: bool) -> None:
    """Print the devices."""
    if as_json:
        rows = [{"id": str(each.id), "name": each.name, "type": each.type, "location": each.location} for each in devices]
        print_json({"devices": rows})
        return
    for each in devices:
        console.print(f"{each.id}  {each.name:<22} {each.type:<12} {each.location}", highlight=False, soft_wrap=True)


async def work(devices: Sequence[DemoDevice], faults: Sequence[FaultOption], options: Options) -> None:
    """Register the devices if that is wanted, then play them until told to stop."""
    from config.settings import load_settings  # noqa: PLC0415 - slow, and only when it is played
    from lics_actors.broker import broker_spec  # noqa: PLC0415
    from lics_actors.logs import configure  # noqa: PLC0415

    settings = load_settings()
    configure(settings, "simulate")
    if options.register:
        known = await register_devices(settings, devices)
        stderr.print(f"{known} of {len(devices)} devices are registered and in use", highlight=False)
    if options.only_list:
        return
    state_dir = settings.data_dir / "simulator" / options.name
    with alone(state_dir):
        broker = broker_spec(settings)
        ways_in = await own_ways_in(settings, broker, devices, state_dir)
        await play(broker, devices, faults, options, state_dir, ways_in=ways_in)


async def own_ways_in(
    settings: Settings, broker: BrokerSpec, devices: Sequence[DemoDevice], state_dir: Path
) -> Mapping[UUID, BrokerLike]:
    """Return the devices' own ways in at the broker. Those that have none come in as LICS does."""
    from lics_actors.admission.simulated import ways_in  # noqa: PLC0415
    from lics_actors.cli.laboratory import asker  # noqa: PLC0415
    from lics_actors.errors import LicsError  # noqa: PLC0415

    try:
        return await ways_in(settings, broker, [each.id for each in devices], state_dir, asker())
    except LicsError as error:
        log.warning("simulated devices have no credentials of their own", extra={"reason": error.message})
        return {}


async def work_claimed(code: str, kind: str, options: Options) -> None:
    """Show a claim code, then play the device that it makes."""
    from config.settings import load_settings  # noqa: PLC0415 - slow, and only when it is played
    from drivers.native.simulator import ClaimRefusedError, present  # noqa: PLC0415
    from drivers.native.spec import DEVICE_TYPES  # noqa: PLC0415
    from lics_actors.broker import broker_spec  # noqa: PLC0415
    from lics_actors.logs import configure  # noqa: PLC0415

    if kind not in DEVICE_TYPES:
        fail(f"--type {kind}: there is none", f"one of {', '.join(DEVICE_TYPES)}", Exit.USAGE)
    settings = load_settings()
    configure(settings, "simulate")
    try:
        way_in = await present(broker_spec(settings), code)
    except ClaimRefusedError as error:
        fail(f"the claim code was not taken: {error}", "make another with `lics device claim new`; does `lics fleet run` run?")
    device = DemoDevice(way_in.device_id, kind, kind, "")
    state_dir = settings.data_dir / "simulator" / str(way_in.device_id)
    with alone(state_dir):
        await play(way_in, [device], [], options, state_dir, ways_in={})


@contextlib.contextmanager
def alone(state_dir: Path) -> Iterator[TextIO]:
    """Keep a second simulator of the same devices away: on the broker the two would throw each other out for ever."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("these devices are being simulated already", "stop the other `lics simulate` (or `lics up --demo`) first")
        yield lock


async def play(
    broker: BrokerLike,
    devices: Sequence[DemoDevice],
    faults: Sequence[FaultOption],
    options: Options,
    state_dir: Path,
    *,
    ways_in: Mapping[UUID, BrokerLike],
) -> None:
    """Play the devices until SIGTERM or SIGINT, then let them say goodbye."""
    from drivers.native.simulator import SimulatedDeviceSpec, Simulator  # noqa: PLC0415 - slow, and only when it is played

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    specs = [
        SimulatedDeviceSpec(each.id, each.type, each.name, options.rate_hz, options.samples, _faults_of(each, faults))
        for each in devices
    ]
    subjects = _subjects(devices, options)
    async with Simulator(broker, specs, state_dir, seed=options.seed, subjects=subjects, ways_in=ways_in) as simulator:
        telling = asyncio.create_task(_tell_when_online(simulator, broker, options.quiet))
        await stop.wait()
        telling.cancel()


def _subjects(devices: Sequence[DemoDevice], options: Options) -> tuple[SubjectSpec, ...]:
    from drivers.native.simulator import SubjectSpec  # noqa: PLC0415

    if options.subject_model is None:
        return ()
    return tuple(
        SubjectSpec(place, tuple(each.id for each in those), options.subject_model, options.subject_speed)
        for place, those in cages(devices).items()
    )


def _faults_of(device: DemoDevice, options: Sequence[FaultOption]) -> Faults:
    from drivers.native.simulator import Faults  # noqa: PLC0415

    faults = Faults()
    for each in options:
        if each.device in (None, device.name):
            faults.turn(each.knob, each.value)
    return faults


async def _tell_when_online(simulator: Simulator, broker: BrokerLike, quiet: bool) -> None:
    place = f"mqtt://{broker.host}:{broker.port}"
    try:
        await simulator.online(10.0)
    except TimeoutError:
        log.warning("the broker does not let the simulated devices in yet; they keep trying", extra={"broker": place})
        await simulator.online(float("inf"))
    count = len(simulator.devices)
    log.info("simulated devices are online", extra={"devices": count, "broker": place, "prefix": broker.prefix})
    if not quiet:
        stderr.print(f"{count} simulated devices are online at {place}; Ctrl-C ends them", highlight=False, soft_wrap=True)


async def register_devices(settings: Settings, devices: Sequence[DemoDevice]) -> int:
    """Create the devices that LICS does not know yet, and tell a running fleet; return how many are in use.

    Raises:
        SettingsError: no database is named.
        ConflictError: another device has the name of one of them.
        DatabaseUnavailableError: it does not answer.
    """
    from config.settings import SettingsError  # noqa: PLC0415
    from lics_actors.client import FleetClient  # noqa: PLC0415
    from lics_actors.errors import FleetUnavailableError  # noqa: PLC0415
    from lics_actors.store.seed import seed_devices  # noqa: PLC0415

    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set and no embedded database runs; set it, or start `lics up`")
    specs = await seed_devices(settings.database_url, devices)
    client = await FleetClient.open(settings)
    try:
        for spec in specs:
            await client.register(spec)
    except FleetUnavailableError:
        log.info("no fleet runs; it finds the devices in the database when it starts")
    finally:
        await client.close()
    return len(specs)
