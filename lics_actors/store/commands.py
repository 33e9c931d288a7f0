"""The commands and their fates, as the journals brought them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from lics_actors.device.messages import CommandState
from lics_actors.errors import CommandNotFoundError
from lics_actors.store.connection import Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.devices import MAX_PAGE
from lics_actors.store.models import CommandRow, CommandStateRow
from lics_actors.store.records import Command, CommandStep
from lics_actors.store.rows import CommandFilter

OVERDUE_KEPT = timedelta(days=1)  # as long as a journal keeps what a ledger may still settle


class Commands(Connected):
    """The commands' part of the repository."""

    async def get_command(self, command_id: UUID) -> Command:
        """Return a command with every step that was shipped.

        Raises:
            CommandNotFoundError: it was not shipped (yet); its device's actor may know it.
            DatabaseUnavailableError
        """
        found = await self._commands(Q(id=command_id), 1)
        if not found:
            raise CommandNotFoundError(f"no command {command_id}", command_id=str(command_id))
        return found[0]

    async def list_commands(
        self, device_id: UUID | None, asked: CommandFilter | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Command]:
        """Return a device's commands (None: everybody's), newest first, `limit` at a time.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        condition = _condition(device_id, asked or CommandFilter())
        if (after := decode_cursor("commands", cursor, tuple[datetime, UUID])) is not None:
            condition &= Q(accepted_at__lt=after[0]) | Q(accepted_at=after[0], id__lt=after[1])
        found = await self._commands(condition, limit + 1)
        return page("commands", found, limit, lambda command: (command.accepted_at, command.command_id), lambda command: command)

    async def overdue_commands(self, devices: Collection[UUID], limit: int = 200) -> list[Command]:
        """Return these devices' commands of the last day that nobody has settled though their deadline is over, newest first.

        Raises:
            DatabaseUnavailableError
        """
        now = datetime.now(UTC)
        unsettled = [state.value for state in CommandState if not state.terminal or state is CommandState.INDETERMINATE]
        young = Q(accepted_at__gte=now - OVERDUE_KEPT, deadline__lt=now)
        return await self._commands(Q(device_id__in=list(devices), state__in=unsettled) & young, limit) if devices else []

    async def _commands(self, condition: Q, limit: int) -> list[Command]:
        async with self.orm():
            query = CommandRow.filter(condition).order_by("-accepted_at", "-id").limit(limit)
            rows = await query.values()
            wanted = [row["id"] for row in rows]
            steps = CommandStateRow.filter(command_id__in=wanted).order_by("n")
            by_command = _grouped(await steps.values() if wanted else [])
        return [_command(row, by_command[row["id"]]) for row in rows]


def _condition(device_id: UUID | None, asked: CommandFilter) -> Q:
    wanted: dict[str, Any] = {
        "device_id": device_id,
        "state": asked.state.value if asked.state else None,
        "name": asked.name,
        "principal": asked.principal,
        "accepted_at__gte": asked.since,
        "accepted_at__lt": asked.until,
    }
    return Q(**{name: value for name, value in wanted.items() if value is not None})


def _grouped(steps: Iterable[Mapping[str, Any]]) -> dict[UUID, list[CommandStep]]:
    grouped: dict[UUID, list[CommandStep]] = defaultdict(list)
    for step in steps:
        grouped[step["command_id"]].append(
            CommandStep(
                state=CommandState(step["state"]),
                time=step["time"],
                result=step["result"],
                error=step["error"],
                ledger_seq=step["ledger_seq"],
            )
        )
    return grouped


def _command(row: Mapping[str, Any], steps: list[CommandStep]) -> Command:
    return Command(
        command_id=row["id"],
        device_id=row["device_id"],
        name=row["name"],
        args=row["args"],
        principal=row["principal"],
        idempotent=row["idempotent"],
        actuates=row["actuates"],
        deadline=row["deadline"],
        steps=tuple(steps),
        epoch=row["epoch"],
        reason=row["reason"],
        run_id=row["run_id"],
        trial_id=row["trial_id"],
    )
