"""`lics calibration`: what pumps dispense, and what they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from lics_actors.cli.laboratory import asker, tables
from lics_actors.cli.output import console, print_json, run
from lics_actors.cli.welfare import welfare_desk
from lics_actors.welfare.calibration import WATER_MG_UL, Calibration, Point, standing, weighed

app = typer.Typer(no_args_is_help=True, help="What pumps dispense, and what they are told.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
DeviceName = Annotated[str, typer.Argument(metavar="DEVICE", help="its id or name")]


@app.command("list")
def list_calibrations(device: DeviceName, as_json: AsJson = False) -> None:
    """List a device's calibrations, newest first."""

    async def work() -> None:
        async with tables() as repository:
            found = await repository.find_device(device)
            rows = await repository.calibrations(found.id)
        if as_json:
            print_json({"items": [_calibration(row) for row in rows]})
            return
        table = Table("version", "slope", "offset", "r²", "valid until", "", "by", box=None, header_style="bold")
        for row in rows:
            curve = row.fit.curve
            figures = (f"{curve.slope:.4g}", f"{curve.offset:+.3g} µl", f"{row.fit.r2:.5f}", f"{row.valid_until:%Y-%m-%d %H:%M}")
            table.add_row(str(row.version), *figures, standing(row, datetime.now(UTC)).value, row.by)
        console.print(table if rows else "no calibration; `lics calibration add` makes one")

    run(work)


@app.command("add")
def add_calibration(
    device: DeviceName,
    point: Annotated[list[str], typer.Argument(metavar="COMMANDED=MEASURED", help="µl told, and µl that came out: 10=9.8")],
    *,
    days: Annotated[float, typer.Option(min=0.01, max=366, help="good for so long")] = 30.0,
    weighed_after: Annotated[int, typer.Option(min=0, help="so many dispensings were weighed: MEASURED is mg together")] = 0,
    density: Annotated[float, typer.Option(help="mg in a µl of the fluid")] = WATER_MG_UL,
    note: Annotated[str, typer.Option(help="kept with it")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep a device's next calibration."""
    points = [_point(each, weighed_after, density) for each in point]

    async def work() -> None:
        async with welfare_desk() as (desk, repository):
            found = await repository.find_device(device)
            made = await desk.calibrate(asker(), found.id, points, timedelta(days=days), note=note)
        if as_json:
            print_json(_calibration(made))
            return
        curve = made.fit.curve
        line = f"measured = {curve.slope:.4g} x commanded {curve.offset:+.3g} µl"
        console.print(f"{found.name}: version {made.version}, {line}, until {made.valid_until:%Y-%m-%d}", highlight=False)

    run(work)


def _point(said: str, dispensings: int, density: float) -> Point:
    told, equals, came = said.partition("=")
    try:
        commanded, measured = float(told), float(came)
    except ValueError:
        raise typer.BadParameter(f"{said} is no point; write it as 10=9.8") from None
    if not equals:
        raise typer.BadParameter(f"{said} is no point; write it as 10=9.8")
    return weighed(commanded, measured, dispensings, density) if dispensings else Point(commanded, measured)


def _calibration(row: Calibration) -> dict[str, object]:
    curve = row.fit.curve
    line = {"slope": curve.slope, "offset": curve.offset, "r2": row.fit.r2}
    points = [{"commanded": each.commanded, "measured": each.measured} for each in row.points]
    said = {"standing": standing(row, datetime.now(UTC)).value, "made_at": row.made_at, "valid_until": row.valid_until}
    return {"id": row.id, "device_id": row.device, "version": row.version, **line, "points": points, **said, "by": row.by}
