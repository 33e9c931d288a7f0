"""What the simulated device types can do: their `describe`. Pure; a model for the firmware of real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.protocol import CommandSpec, Description, EventSpec, MetricSpec

FIRMWARE: Final = "lics-simulator 1.0"
RESERVOIR_UL: Final = 20_000.0  # a 20 ml syringe
MAX_DOSE_UL: Final = 1_000.0  # a mouse drinks some millilitres a day; a larger single dose is a typing error
HOPPER_PELLETS: Final = 500
SCREEN_PX: Final = (800, 480)  # a 7-inch panel

JsonSchema = dict[str, Any]


def _object(required: tuple[str, ...] = (), **properties: JsonSchema) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _number(**bounds: float) -> JsonSchema:
    return {"type": "number", **bounds}


_NOTHING: Final = _object()
_IDENTIFY: Final = CommandSpec(_object(seconds=_number(exclusiveMinimum=0, maximum=60)), idempotent=True, actuates=False)
_STOP: Final = CommandSpec(_NOTHING, idempotent=True, actuates=True, releases=True)
_LEASE_EXPIRED: Final = EventSpec(_object(("holder",), holder={"type": "string"}))

PUMP: Final = Description(
    type="pump",
    firmware=FIRMWARE,
    metrics={
        "reservoir_ul": MetricSpec("µl", 0, RESERVOIR_UL),
        "dispensed_total_ul": MetricSpec("µl", 0),
        "flow_rate_ul_s": MetricSpec("µl/s", 1, 1_000),
    },
    commands={
        "dispense": CommandSpec(
            _object(("volume_ul",), volume_ul=_number(exclusiveMinimum=0, maximum=MAX_DOSE_UL)), idempotent=False, actuates=True
        ),
        "prime": CommandSpec(_NOTHING, idempotent=False, actuates=True),
        "set_flow_rate": CommandSpec(
            _object(("rate_ul_s",), rate_ul_s=_number(minimum=1, maximum=1_000)), idempotent=True, actuates=False
        ),
        "identify": _IDENTIFY,
        "stop": _STOP,
    },
    events={
        "dispensed": EventSpec(_object(("volume_ul",), volume_ul=_number(minimum=0))),
        "reservoir_low": EventSpec(_object(("reservoir_ul",), reservoir_ul=_number(minimum=0))),
        "lease_expired": _LEASE_EXPIRED,
    },
)

FEEDER: Final = Description(
    type="feeder",
    firmware=FIRMWARE,
    metrics={"pellets_left": MetricSpec("pellets", 0, HOPPER_PELLETS), "pellets_total": MetricSpec("pellets", 0)},
    commands={
        "feed": CommandSpec(
            _object(("pellets",), pellets={"type": "integer", "minimum": 1, "maximum": 20}), idempotent=False, actuates=True
        ),
        "identify": _IDENTIFY,
        "stop": _STOP,
    },
    events={
        "pellets_dropped": EventSpec(_object(("pellets",), pellets={"type": "integer", "minimum": 0})),
        "lease_expired": _LEASE_EXPIRED,
    },
)

LICKOMETER: Final = Description(
    type="lickometer",
    firmware=FIRMWARE,
    metrics={
        "licks_total": MetricSpec("licks", 0),
        "lick_rate_hz": MetricSpec("Hz", 0, 12),
        "capacitance_pf": MetricSpec("pF", 0, 100),
        "threshold_pf": MetricSpec("pF", 1, 100),
    },
    commands={
        "show_image": CommandSpec(
            _object(("image",), image={"type": "string", "minLength": 1, "maxLength": 200}), idempotent=True, actuates=False
        ),
        "clear_screen": CommandSpec(_NOTHING, idempotent=True, actuates=False),
        "set_threshold": CommandSpec(
            _object(("threshold_pf",), threshold_pf=_number(minimum=1, maximum=100)), idempotent=True, actuates=False
        ),
        "identify": _IDENTIFY,
    },
    events={
        "lick": EventSpec(
            _object(("duration_ms", "bout"), duration_ms=_number(minimum=0), bout={"type": "integer"}, peak_pf=_number(minimum=0))
        ),
        "touch": EventSpec(
            _object(
                ("x", "y"),
                x={"type": "integer", "minimum": 0, "maximum": SCREEN_PX[0] - 1},
                y={"type": "integer", "minimum": 0, "maximum": SCREEN_PX[1] - 1},
                image={"type": ["string", "null"]},
            )
        ),
    },
)

ENVIRONMENT: Final = Description(
    type="environment",
    firmware=FIRMWARE,
    metrics={
        "temperature_c": MetricSpec("°C", -20, 60),
        "humidity_pct": MetricSpec("%", 0, 100),
        "light_lux": MetricSpec("lx", 0, 2_000),
        "co2_ppm": MetricSpec("ppm", 300, 10_000),
    },
    commands={
        "set_report_interval": CommandSpec(
            _object(("seconds",), seconds=_number(minimum=0.1, maximum=3_600)), idempotent=True, actuates=False
        ),
        "identify": _IDENTIFY,
    },
)

# A valve, a light, a shock grid: what stays on until it is switched off, and so the reason why there are leases.
ACTUATOR: Final = Description(
    type="actuator",
    firmware=FIRMWARE,
    metrics={"on": MetricSpec("", 0, 1), "switched_on_total": MetricSpec("times", 0)},
    commands={
        "switch_on": CommandSpec(
            _object(hold_s=_number(exclusiveMinimum=0, maximum=86_400)), idempotent=True, actuates=True, holds=True
        ),
        "switch_off": CommandSpec(_NOTHING, idempotent=True, actuates=True, releases=True),
        "identify": _IDENTIFY,
        "stop": _STOP,
    },
    events={
        "switched": EventSpec(_object(("on",), on={"type": "boolean"})),
        "lease_expired": _LEASE_EXPIRED,
    },
)

RFID: Final = Description(
    type="rfid",
    firmware=FIRMWARE,
    metrics={"reads_total": MetricSpec("reads", 0)},
    commands={"identify": _IDENTIFY},
    events={"tag": EventSpec(_object(("tag",), tag={"type": "string", "minLength": 1, "maxLength": 100}))},
)

DEVICE_TYPES: Final[Mapping[str, Description]] = {
    each.type: each for each in (PUMP, FEEDER, LICKOMETER, ENVIRONMENT, ACTUATOR, RFID)
}
