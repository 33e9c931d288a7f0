"""`lics db retention`: how long values are kept."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from lics_actors.cli.laboratory import act, principal, tables
from lics_actors.cli.output import Exit, console, fail, print_json, run
from lics_actors.store.retention_rules import RetentionRule

app = typer.Typer(no_args_is_help=True, help="How long values are kept: without a rule for ever.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
Metric = Annotated[str, typer.Argument(metavar="METRIC", help="a metric, or a pattern: * is anything, ? one character")]
DeviceType = Annotated[str, typer.Option("--type", metavar="TYPE", help="only of devices of this type")]


@app.command("list")
def list_rules(as_json: AsJson = False) -> None:
    """List the rules. Of those that match a metric the one that says most about it holds."""

    async def work() -> None:
        async with tables() as repository:
            rules = await repository.retention_rules()
        if as_json:
            print_json([_document(rule) for rule in rules])
        else:
            console.print(_table(rules) if rules else "no rules: everything is kept")

    run(work)


@app.command("set")
def set_rule(
    metric: Metric,
    *,
    device_type: DeviceType = "",
    raw_days: Annotated[float | None, typer.Option(help="delete single values that are older; default: keep them")] = None,
    rollup_days: Annotated[
        float | None, typer.Option(help="delete their minutes and hours when older; default: keep them")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="why, for the record; needed where anything is deleted")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask, though values will be deleted")] = False,
    as_json: AsJson = False,
) -> None:
    """Make or change a rule. Deleting begins within minutes, of nothing that is not rolled up, and cannot be undone."""
    rule = RetentionRule(metric, device_type, raw_days, rollup_days)
    deletes = raw_days is not None or rollup_days is not None
    if deletes and not reason.strip():
        fail("a rule that deletes what was recorded needs a reason", "say --reason, for the record", Exit.USAGE)
    if raw_days is not None and not yes:
        fail(
            f"this deletes single values of {metric!r} that are older than {raw_days:g} days",
            "say --yes if that is meant",
            Exit.USAGE,
        )

    async def work() -> None:
        async with tables() as repository, act("retention.set", f"retention:{metric}/{device_type}", reason or None) as found:
            await repository.set_retention(rule, principal=principal())
            found.after = {"raw_days": raw_days, "rollup_days": rollup_days}
            rules = await repository.retention_rules()
        if as_json:
            print_json([_document(each) for each in rules])
        else:
            console.print(_table(rules))

    run(work)


@app.command("remove")
def remove_rule(metric: Metric, device_type: DeviceType = "", as_json: AsJson = False) -> None:
    """Remove a rule. What it had deleted stays deleted."""

    async def work() -> bool:
        async with tables() as repository, act("retention.remove", f"retention:{metric}/{device_type}") as found:
            removed = await repository.remove_retention(metric, device_type, principal=principal())
            found.after = {"removed": removed}
        if as_json:
            print_json({"removed": removed})
        return removed

    if not run(work) and not as_json:
        fail("there is no such rule", "`lics db retention list` shows those there are")


def _document(rule: RetentionRule) -> dict[str, object]:
    names = ("metric", "device_type", "raw_days", "rollup_days", "updated_by", "updated_at")
    return {name: getattr(rule, name) for name in names}


def _table(rules: list[RetentionRule]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("METRIC", "DEVICE TYPE", "SINGLE VALUES", "ROLLUPS", "BY", "SINCE"):
        table.add_column(title)
    for rule in rules:
        kept = ["for ever" if days is None else f"{days:g} days" for days in (rule.raw_days, rule.rollup_days)]
        since = "" if rule.updated_at is None else f"{rule.updated_at:%Y-%m-%d %H:%M}"
        table.add_row(rule.metric, rule.device_type or "any", *kept, rule.updated_by, since)
    return table
