"""`lics alarm`: what needs a person, and saying that one has seen it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from config.settings import load_settings
from lics_actors.cli.laboratory import asker, principal, tables
from lics_actors.cli.output import console, print_json, run
from lics_actors.cli.words import age, span
from lics_actors.store.alarm_states import Acknowledged, Act, Alarm, AlarmState, Shelved, Unshelved

if TYPE_CHECKING:
    from lics_actors.alarm_desk import AlarmDesk

app = typer.Typer(no_args_is_help=True, help="What needs a person: look, acknowledge, shelve.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
Number = Annotated[int, typer.Argument(metavar="ALARM", help="its number in `lics alarm list`", min=1)]
STYLES = {
    AlarmState.UNACKNOWLEDGED: "bold red",
    AlarmState.ACKNOWLEDGED: "yellow",
    AlarmState.RETURNED: "cyan",
    AlarmState.SHELVED: "dim",
    AlarmState.CLEARED: "dim",
}
TOLD_S = 1.0  # for the screens to be told, if Redis is there


@app.command("list")
def list_alarms(
    shelved: Annotated[bool, typer.Option("--shelved", help="also those that are shelved")] = False,
    every: Annotated[bool, typer.Option("--all", help="also those that are over")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="at most so many, the newest")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the open alarms: those whose condition stands, or that nobody has acknowledged."""

    async def work() -> None:
        async with tables() as repository:
            page = await repository.alarms(not every, limit, shelved=None if shelved or every else False)
        if as_json:
            print_json({"items": [alarm_document(alarm) for alarm in page.items]})
        elif page.items:
            console.print(alarm_table(page.items, datetime.now(UTC)))
        else:
            console.print("no open alarms")

    run(work)


@app.command()
def ack(
    alarm: Number,
    comment: Annotated[str | None, typer.Option(help="for the record")] = None,
    as_json: AsJson = False,
) -> None:
    """Acknowledge an alarm: you have seen it. One whose condition is gone is over then."""
    _act(alarm, Acknowledged(datetime.now(UTC), principal(), comment), comment, as_json)


@app.command()
def shelve(
    alarm: Number,
    for_: Annotated[str, typer.Option("--for", help="for how long, like 30m or 8h; at most 7d")],
    reason: Annotated[str, typer.Option(help="why, for the record")],
    as_json: AsJson = False,
) -> None:
    """Put an alarm out of sight for a while."""
    now = datetime.now(UTC)
    _act(alarm, Shelved(now, now + span(for_), principal(), reason), reason, as_json)


@app.command()
def unshelve(
    alarm: Number,
    reason: Annotated[str | None, typer.Option(help="why, for the record")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a shelved alarm back before its time."""
    _act(alarm, Unshelved(datetime.now(UTC)), reason, as_json)


def _act(number: int, act: Act, reason: str | None, as_json: bool) -> None:
    async def work() -> None:
        async with _desk() as desk:
            alarm = await desk.act(asker(), number, act, reason)
        if as_json:
            print_json(alarm_document(alarm))
        else:
            console.print(Text.assemble(f"alarm {number} ({alarm.source}, {alarm.kind}) is ", (alarm.state.value, "bold")))

    run(work)


@asynccontextmanager
async def _desk() -> AsyncIterator[AlarmDesk]:
    import asyncio  # noqa: PLC0415 - slow, and only when a command runs

    from lics_actors.alarm_desk import AlarmDesk  # noqa: PLC0415
    from lics_actors.audit import AuditLog  # noqa: PLC0415
    from lics_actors.live.bus import LivePublisher  # noqa: PLC0415

    settings = load_settings()
    publisher = LivePublisher(settings.redis_url, settings.mqtt_topic_prefix) if settings.redis_url else None
    sending = asyncio.create_task(publisher.run()) if publisher else None
    async with tables() as repository:
        try:
            yield AlarmDesk(repository, AuditLog(settings), publisher.publish if publisher else None)
            if publisher is not None:
                await publisher.drained(TOLD_S)
        finally:
            if sending is not None:
                sending.cancel()


def alarm_document(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as JSON, in the words of REST."""
    fields = {name: getattr(alarm, name) for name in Alarm.__dataclass_fields__}
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}
    return {**told, "state": alarm.state.value, "active": alarm.active}


def alarm_table(alarms: list[Alarm], now: datetime) -> Table:
    """Return alarms as a table, a line each."""
    table = Table(box=None, pad_edge=False)
    for heading, justify in (("alarm", "right"), ("priority", "left"), ("state", "left"), ("source", "left"), ("kind", "left")):
        table.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=True)
    table.add_column("since", justify="right", no_wrap=True)
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for alarm in alarms:
        more = _more(alarm, now)
        table.add_row(
            str(alarm.id),
            Text(alarm.severity, "bold red" if alarm.severity == "critical" else ""),
            Text(alarm.state.value, STYLES[alarm.state]),
            Text(alarm.source),
            Text(alarm.kind),
            age((now - alarm.raised_at).total_seconds()),
            str(alarm.count),
            Text.assemble(alarm.message, (f"  {more}" if more else "", "dim")),
        )
    return table


def _more(alarm: Alarm, now: datetime) -> str:
    if alarm.shelved_until is not None:
        return f"shelved by {alarm.shelved_by} for {age((alarm.shelved_until - now).total_seconds())}: {alarm.shelve_reason}"
    if alarm.acknowledged_by is not None:
        return f"acknowledged by {alarm.acknowledged_by}" + (f": {alarm.comment}" if alarm.comment else "")
    return ""
