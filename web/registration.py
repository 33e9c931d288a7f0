"""Whether a device makes sense to its driver. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from drivers.errors import UnknownDriverError
from drivers.registry import driver
from lics_actors.errors import InvalidError
from web.errors import invalid


def check_settings(driver_name: str, settings: Mapping[str, Any]) -> None:
    """Check a device's settings against its driver's schema.

    Raises:
        InvalidError: there is no such driver, or it cannot use these settings; `fields` says where.
    """
    try:
        model = driver(driver_name).settings_model
    except UnknownDriverError as error:
        known = ", ".join(error.known)
        raise InvalidError(f"no driver {driver_name!r}", ({"field": "driver", "message": f"one of: {known}"},)) from None
    try:
        model.model_validate(dict(settings))
    except ValidationError as error:
        raise invalid(error, "settings") from None
