"""How LICS is, as the API says it. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from web.schemas.base import Answer


class ServiceState(StrEnum):
    """Whether a service answers."""

    UP = "up"
    DOWN = "down"
    UNCONFIGURED = "unconfigured"


class Wellness(StrEnum):
    """LICS in one word."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class ServiceHealth(Answer):
    """One service."""

    state: ServiceState
    cost: str | None = Field(None, description="what its absence costs the laboratory")
    latency_ms: float | None = Field(None, description="of its answer")


class Services(Answer):
    """What LICS stands on."""

    database: ServiceHealth
    redis: ServiceHealth
    mqtt: ServiceHealth
    fleet: ServiceHealth


class HealthView(Answer):
    """How LICS is: unhealthy if devices cannot be steered, degraded if something else is missing."""

    status: Wellness
    timestamp: datetime
    services: Services


class LiveView(Answer):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ReadyView(Answer):
    """Whether requests make sense now: some of what they need is there."""

    status: Literal["ready", "not_ready"]
