"""What a person does next after an error, by the error's stable code. Pure."""

from __future__ import annotations

from typing import Final

from lics_actors.errors import LicsError

NEXT_STEPS: Final = {
    "ALARM_NOT_FOUND": "`lics alarm list --all` shows them",
    "CALIBRATION_EXPIRED": "measure the pump again: `lics calibration add --help`",
    "CLAIM_NOT_FOUND": "`lics device claim list` shows them",
    "DEVICE_NOT_ENABLED": "`lics device show DEVICE` says how it is; `lics fleet clear DEVICE` ends a quarantine",
    "DEVICE_NOT_FOUND": "`lics device list` shows them",
    "DEVICE_OFFLINE": "is it powered, and on the broker? `lics device show DEVICE` says since when it is away",
    "DEVICE_RESERVED": "wait until the run is over, or steer it: `lics run show RUN`, `lics run --help`",
    "DEVICE_TIMEOUT": "`lics fleet tree` says how its actor is, `lics fleet logs DEVICE` what it met",
    "EXPERIMENT_NOT_FOUND": "`GET /api/v1/experiments` lists them",
    "GUARANTEE_TOO_WEAK": "docs/contracts.md, section 1, says what a device must promise for this",
    "HOST_NOT_FOUND": "`lics fleet hosts` shows them",
    "INTERLOCK_TRIPPED": "`lics rig show RIG` says what tripped it; when that is mended: `lics rig reset RIG`",
    "LABORATORY_NOT_FOUND": "`lics lab list` shows them",
    "NODE_NOT_FOUND": "`lics fleet tree` names them",
    "NOT_REHEARSED": "`lics protocol rehearse PROTOCOL`; or, with a reason, `--force`",
    "PROTOCOL_NOT_FOUND": "`lics protocol list` shows the laboratory's, `lics run classics` those that are shipped",
    "RIG_NOT_FOUND": "`lics rig list` shows them",
    "RUN_NOT_FOUND": "`lics run list --all` shows them",
    "RUN_UNDER_WAY": "`lics run list` shows it; `lics run stop` ends it after its trial",
    "SCHEMA_TOO_NEW": "start the newer LICS, or go back with it: `lics db downgrade`",
    "STORAGE_FULL": "make room on the disk of the data directory; `lics doctor` says how much is left",
    "SUBJECT_LIMIT": "`lics welfare show SUBJECT` shows what was given; `lics welfare override` needs a reason",
    "SUBJECT_NOT_FOUND": "`lics subject list` shows them",
    "USER_NOT_FOUND": "`lics user list` shows them",
}


def next_step(error: LicsError) -> str | None:
    """Return what to do next; None where the message says it, or nothing can be said."""
    return None if "`lics " in error.message else NEXT_STEPS.get(error.code)
