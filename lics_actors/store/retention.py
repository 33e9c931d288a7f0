"""The rules of retention: which there are, and who changed them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.retention_rules import RetentionRule, checked_rule

_RULES: Final = """SELECT metric, device_type, raw_days, rollup_days, updated_by, updated_at FROM retention_rule
    ORDER BY metric, device_type"""
_SET: Final = """INSERT INTO retention_rule (metric, device_type, raw_days, rollup_days, updated_by, updated_at)
    VALUES ($1, $2, $3, $4, $5, now())
    ON CONFLICT (metric, device_type) DO UPDATE SET raw_days = excluded.raw_days, rollup_days = excluded.rollup_days,
        updated_by = excluded.updated_by, updated_at = excluded.updated_at"""
_REMOVE: Final = "DELETE FROM retention_rule WHERE metric = $1 AND device_type = $2 RETURNING raw_days, rollup_days"
_RECORD: Final = "INSERT INTO fleet_event (time, node, kind, principal, detail) VALUES (now(), 'retention', $1, $2, $3)"


class Retention(Connected):
    """The retention's part of the repository."""

    async def retention_rules(self) -> list[RetentionRule]:
        """Return all rules; none: everything is kept.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return await read_rules(connection)

    async def set_retention(self, rule: RetentionRule, *, principal: str) -> None:
        """Make a rule, or change the one of the same metric and device type; the fleet's events say who did.

        Raises:
            InvalidError: it makes no sense.
            DatabaseUnavailableError
        """
        checked_rule(rule)
        async with self.transaction(ANSWER_S) as connection:
            said = rule.metric, rule.device_type, rule.raw_days, rule.rollup_days
            await connection.execute(_SET, *said, principal)
            await connection.execute(_RECORD, "retention_set", principal, _detail(*said))

    async def remove_retention(self, metric: str, device_type: str, *, principal: str) -> bool:
        """Remove a rule; return whether there was one. What it had deleted is gone.

        Raises:
            DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            row = await connection.fetchrow(_REMOVE, metric, device_type)
            if row is not None:
                detail = _detail(metric, device_type, row["raw_days"], row["rollup_days"])
                await connection.execute(_RECORD, "retention_removed", principal, detail)
        return row is not None


async def read_rules(connection: Any) -> list[RetentionRule]:
    """Return all rules."""
    return [_rule(row) for row in await connection.fetch(_RULES)]


def _rule(row: Mapping[str, Any]) -> RetentionRule:
    updated_at: datetime = row["updated_at"]
    return RetentionRule(row["metric"], row["device_type"], row["raw_days"], row["rollup_days"], row["updated_by"], updated_at)


def _detail(metric: str, device_type: str, raw_days: float | None, rollup_days: float | None) -> str:
    return json.dumps({"metric": metric, "device_type": device_type, "raw_days": raw_days, "rollup_days": rollup_days})
