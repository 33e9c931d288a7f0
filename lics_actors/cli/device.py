"""`lics device`: what devices there are, what they say, and what they shall do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer

from config.settings import load_settings
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.cli.credential import claims, credentials
from lics_actors.cli.device_views import (
    command_document,
    command_table,
    device_document,
    device_facts,
    devices_table,
    telemetry_table,
)
from lics_actors.cli.lab import InLab, named
from lics_actors.cli.laboratory import act, device_in, fleet, principal, tables
from lics_actors.cli.output import Exit, console, print_json, run, stderr
from lics_actors.cli.words import pairs, span
from lics_actors.device.messages import CommandState, DeviceTwin, RequestCommand
from lics_actors.errors import LicsError
from lics_actors.store.rows import Aggregate, DeviceFilter, DeviceRow, register_facts

app = typer.Typer(no_args_is_help=True, help="What devices there are, what they say, and what they shall do.")

app.add_typer(credentials, name="credential")
app.add_typer(claims, name="claim")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="its id or its name")]
PAGE = 500
SETTLES_S = 1.0  # after its deadline a command is settled at once; so much for the way and a busy machine
WELL = frozenset({CommandState.ACCEPTED, CommandState.DISPATCHED, CommandState.DELIVERED, CommandState.EXECUTING})


@app.command("list")
def list_devices(
    type_: Annotated[str | None, typer.Option("--type", help="only this type")] = None,
    driver: Annotated[str | None, typer.Option(help="only this driver")] = None,
    status: Annotated[str | None, typer.Option(help="only this status: online, offline, stale, fault …")] = None,
    retired: Annotated[bool, typer.Option("--retired", help="retired ones as well")] = False,
    as_json: AsJson = False,
) -> None:
    """List the devices, with their state as last recorded."""

    async def work() -> None:
        asked = DeviceFilter(type=type_, driver=driver, status=status, retired=retired)
        rows: list[DeviceRow] = []
        async with tables() as repository:
            page = await repository.list_devices(asked, PAGE)
            rows += page.items
            while page.next is not None:
                page = await repository.list_devices(asked, PAGE, page.next)
                rows += page.items
        if as_json:
            print_json([device_document(row) for row in rows])
        else:
            console.print(devices_table(rows) if rows else "no devices; `lics device add` makes one")

    run(work)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="a name that no other device has")],
    *,
    type_: Annotated[str, typer.Option("--type", help="feeder, pump, lickometer, environment … other")],
    driver: Annotated[str, typer.Option(help="the convention it speaks")] = "native",
    setting: Annotated[
        list[str] | None, typer.Option("--setting", metavar="KEY=VALUE", help="for its driver; may repeat")
    ] = None,
    location: Annotated[str | None, typer.Option(help="where it stands")] = None,
    device_id: Annotated[UUID | None, typer.Option("--id", help="the id the device itself uses; default: a new one")] = None,
    silent: Annotated[str, typer.Option(help="silent for so long it is stale")] = "30s",
    lab: InLab = str(DEFAULT_LABORATORY),
    as_json: AsJson = False,
) -> None:
    """Register a device. A running fleet starts its actor at once."""
    settings, silent_s = pairs(setting or []), span(silent).total_seconds()

    async def work() -> None:
        from lics_actors.admission.borders import stay_at_home  # noqa: PLC0415 - loads every driver
        from lics_actors.store.registration import validate_new_device  # noqa: PLC0415

        new = validate_new_device(
            name=name,
            type=type_,
            driver=driver,
            principal=principal(),
            settings=settings,
            location=location,
            silent_s=silent_s,
            device_id=device_id,
        )
        async with tables() as repository, act("device.create", f"device:{device_id or name}") as found:
            new = replace(new, laboratory_id=(await named(repository, lab)).id)
            await stay_at_home(repository, new.spec(), load_settings().mqtt_topic_prefix)
            row = await repository.create_device(new)
            found.after = register_facts(row)
        told = await _tell_fleet(row)
        if as_json:
            print_json(device_document(row) | {"fleet_told": told is None})
            return
        console.print(device_facts(row, None))
        if told is not None:
            stderr.print(f"registered; the fleet was not told ({told}) and finds it by itself", style="yellow", soft_wrap=True)

    run(work)


async def _tell_fleet(row: DeviceRow) -> str | None:
    """Return why the fleet could not be told of a device, or None."""
    try:
        async with fleet() as client:
            await client.register(row.spec())
    except LicsError as error:
        return error.message
    return None


@app.command()
def show(device: Device, as_json: AsJson = False) -> None:
    """Show a device: what it is, how it is now, its latest readings."""

    async def work() -> None:
        async with tables() as repository:
            row = await repository.find_device(device)
            latest = await repository.latest(row.id)
        twin, why_not = await _twin(row.id)
        if as_json:
            print_json(device_document(row, twin, latest))
            return
        console.print(device_facts(row, twin, latest))
        if why_not is not None:
            stderr.print(f"state as last recorded: {why_not}", style="yellow", soft_wrap=True)

    run(work)


async def _twin(device_id: UUID) -> tuple[DeviceTwin | None, str | None]:
    try:
        async with fleet() as client:
            return await client.twin(device_id), None
    except LicsError as error:
        return None, error.message


@app.command()
def command(
    device: Device,
    name: Annotated[str, typer.Argument(help="one of the device's commands; see `lics device show`")],
    args: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="values are JSON, or else text")] = None,
    *,
    timeout: Annotated[str, typer.Option(help="the device must be done within")] = "5s",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="wait for the outcome, or only until it is accepted")] = True,
    reason: Annotated[str | None, typer.Option(help="why, for the record")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a device do something, and show every state with its time. Exit code 1 if it did not succeed."""
    said, timeout_s = pairs(args or []), span(timeout).total_seconds()

    async def work() -> bool:
        async with fleet() as client:
            device_id = device_in(await client.tree(), device)
            wait_s = timeout_s + SETTLES_S if wait else 0.0
            request = RequestCommand(uuid4(), device_id, name, said, principal(), wait_s, timeout_s, reason)
            async with act("device.command", f"device:{device_id}", reason) as found:
                done = await client.command(request)
                found.after = {"command": str(done.command_id), "name": name, "state": done.state.value}
        if as_json:
            print_json(command_document(done))
        else:
            console.print(command_table(done))
        return done.state is CommandState.SUCCEEDED or (not wait and done.state in WELL)

    if not run(work):
        raise SystemExit(int(Exit.FAILED))


@app.command()
def telemetry(
    device: Device,
    *,
    metric: Annotated[str | None, typer.Option(help="only this metric")] = None,
    last: Annotated[str, typer.Option(help="how far back")] = "5m",
    bucket: Annotated[str | None, typer.Option(help="one value for each so long")] = None,
    agg: Annotated[Aggregate, typer.Option(help="what becomes of a bucket's values")] = Aggregate.AVG,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="at most so many values, the newest")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what a device has measured, newest first."""
    back, bucket_s = span(last), span(bucket).total_seconds() if bucket else None

    async def work() -> None:
        points: list[Any] = []
        async with tables() as repository:
            row = await repository.find_device(device)
            start, cursor = datetime.now(UTC) - back, None
            while len(points) < limit:
                asked = min(PAGE, limit - len(points))
                page = await repository.telemetry(row.id, metric, start, bucket_s=bucket_s, agg=agg, limit=asked, cursor=cursor)
                points += page.items
                cursor = page.next
                if cursor is None:
                    break
        if as_json:
            items = [{"time": point.time.isoformat(), "metric": point.metric, "value": point.value} for point in points]
            print_json({"device_id": str(row.id), "items": items})
        elif points:
            console.print(telemetry_table(points))
        else:
            console.print(f"{row.name} has no such telemetry of the last {last}", markup=False)

    run(work)
