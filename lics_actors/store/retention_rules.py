"""Which rule says how long the values of a series are kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lics_actors.errors import InvalidError

MIN_DAYS: Final = 1.0
MAX_DAYS: Final = 36_500.0
MAX_METRIC: Final = 100


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How many days the values of the metrics that match `metric` are kept (None: for ever): single ones, and rollups.

    `metric` is a pattern: `*` is anything, `?` one character. `device_type` empty: of every device.
    """

    metric: str
    device_type: str
    raw_days: float | None
    rollup_days: float | None
    updated_by: str = ""
    updated_at: datetime | None = None

    def matches(self, metric: str, device_type: str) -> bool:
        """Return whether this rule is about a metric of a device of this type."""
        if self.device_type not in {"", device_type}:
            return False
        pattern = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in self.metric)
        return re.fullmatch(pattern, metric, re.DOTALL) is not None

    @property
    def weight(self) -> tuple[int, int, int, str, str]:
        """Return how much it says about what it matches: exact names before patterns, long before short, then device types."""
        said = sum(sign not in "*?" for sign in self.metric)
        return (said == len(self.metric), said, self.device_type != "", self.metric, self.device_type)


def rule_for(rules: Iterable[RetentionRule], metric: str, device_type: str) -> RetentionRule | None:
    """Return the rule that holds for a series: of those that match the one that says most. None: all is kept."""
    return max((rule for rule in rules if rule.matches(metric, device_type)), key=lambda rule: rule.weight, default=None)


def checked_rule(rule: RetentionRule) -> RetentionRule:
    """Return `rule`.

    Raises:
        InvalidError: it makes no sense; `fields` says why.
    """
    faults = [
        {"field": name, "message": f"between {MIN_DAYS:g} and {MAX_DAYS:g} days"}
        for name, days in (("raw_days", rule.raw_days), ("rollup_days", rule.rollup_days))
        if days is not None and not MIN_DAYS <= days <= MAX_DAYS
    ]
    if not 0 < len(rule.metric) <= MAX_METRIC or "\0" in rule.metric:
        faults.append({"field": "metric", "message": f"1 to {MAX_METRIC} characters"})
    if rule.rollup_days is not None and (rule.raw_days is None or rule.rollup_days < rule.raw_days):
        faults.append({"field": "rollup_days", "message": "rollups are kept at least as long as what they are made of"})
    if faults:
        raise InvalidError("the rule makes no sense", tuple(faults))
    return rule
