"""Every refusal and fault LICS tells its users about: one root, facts as attributes, one `type` each.

The web layer turns `type` into a status and `code` into the body; see web/errors.py.
"""

from __future__ import annotations

from typing import ClassVar


class LicsError(Exception):
    """Root. `code` is stable and meant for programs, the message is meant for people. `told`: the facts that callers are told."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    type: ClassVar[str] = "internal_error"
    told: ClassVar[tuple[str, ...]] = ()

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.facts)


def _rebuild(kind: type[LicsError], message: str, facts: dict[str, object]) -> LicsError:
    error = kind.__new__(kind)
    LicsError.__init__(error, message, **facts)
    return error


class NotFoundError(LicsError):
    """Something named does not exist."""

    code = "NOT_FOUND"
    type = "not_found"


class DeviceNotFoundError(NotFoundError):
    """No such device."""

    code = "DEVICE_NOT_FOUND"


class RigNotFoundError(NotFoundError):
    """No such rig."""

    code = "RIG_NOT_FOUND"


class RunNotFoundError(NotFoundError):
    """No such run, or it is over."""

    code = "RUN_NOT_FOUND"


class SubjectNotFoundError(NotFoundError):
    """No such subject."""

    code = "SUBJECT_NOT_FOUND"


class ProtocolNotFoundError(NotFoundError):
    """No such protocol, or no such version of it."""

    code = "PROTOCOL_NOT_FOUND"


class ExperimentNotFoundError(NotFoundError):
    """No such experiment."""

    code = "EXPERIMENT_NOT_FOUND"


class CommandNotFoundError(NotFoundError):
    """No such command."""

    code = "COMMAND_NOT_FOUND"


class NodeNotFoundError(NotFoundError):
    """No such node in the supervision tree."""

    code = "NODE_NOT_FOUND"


class HostNotFoundError(NotFoundError):
    """No such host."""

    code = "HOST_NOT_FOUND"


class InvalidError(LicsError):
    """What was sent breaks a rule; `fields` lists where: `[{"field": "args.volume_ul", "message": "…"}]`."""

    code = "VALIDATION_ERROR"
    type = "validation_error"

    def __init__(self, message: str, fields: tuple[dict[str, str], ...] = (), **facts: object) -> None:
        super().__init__(message, fields=fields, **facts)

    @property
    def fields(self) -> tuple[dict[str, str], ...]:
        """Return where the rule is broken, one entry a field."""
        fields = self.facts.get("fields", ())
        return fields if isinstance(fields, tuple) else ()


class UnknownCommandError(InvalidError):
    """The device has no such command."""

    code = "UNKNOWN_COMMAND"


class ConflictError(LicsError):
    """The state of things forbids it now."""

    code = "CONFLICT"
    type = "conflict"


class DeviceNotEnabledError(ConflictError):
    """The device is in maintenance, quarantined or retired."""

    code = "DEVICE_NOT_ENABLED"


class RunUnderWayError(ConflictError):
    """The subject or the rig is in another run that is not over."""

    code = "RUN_UNDER_WAY"
    told = ("holder", "run_id")


class NotRehearsedError(ConflictError):
    """The version of the protocol was not rehearsed soundly, so it is not armed on a rig."""

    code = "NOT_REHEARSED"


class OutsideScheduleError(ConflictError):
    """The experiment's plan has no session of this subject now; `rule`: window or a_day."""

    code = "OUTSIDE_SCHEDULE"


class RollNotFoundError(NotFoundError):
    """No rolling restart was asked for since the fleet began."""

    code = "ROLL_NOT_FOUND"


class RollUnderWayError(ConflictError):
    """A rolling restart is under way already."""

    code = "ROLL_UNDER_WAY"


class ProgramUnsoundError(ConflictError):
    """The program on disk would not start, so the running one goes on."""

    code = "PROGRAM_UNSOUND"


class GuaranteeTooWeakError(ConflictError):
    """The device's convention cannot promise that an actuating, non-idempotent command runs at most once, or that what a
    command holds ends with its lease."""

    code = "GUARANTEE_TOO_WEAK"


class InterlockTrippedError(ConflictError):
    """An interlock has tripped the device: nothing is moved until a person has reset it."""

    code = "INTERLOCK_TRIPPED"


class DeviceReservedError(ConflictError):
    """A run has the device; facts: `holder`, `run_id`, and of its actor `until`."""

    code = "DEVICE_RESERVED"
    told = ("holder", "run_id")


class RunRefusedError(ConflictError):
    """The state of a run forbids what was asked of it."""

    code = "RUN_REFUSED"


class IdempotencyKeyReusedError(ConflictError):
    """An idempotency key came back with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class PreconditionFailedError(LicsError):
    """Somebody else changed it in between (If-Match)."""

    code = "PRECONDITION_FAILED"
    type = "precondition_failed"


class DeviceUnavailableError(LicsError):
    """The device is offline."""

    code = "DEVICE_OFFLINE"
    type = "device_unavailable"


class QueueFullError(DeviceUnavailableError):
    """Too many commands wait for this device."""

    code = "COMMAND_QUEUE_FULL"


class FleetUnavailableError(DeviceUnavailableError):
    """The fleet, or the actor of this device, does not answer."""

    code = "FLEET_UNAVAILABLE"


class DatabaseUnavailableError(DeviceUnavailableError):
    """The database does not answer."""

    code = "DATABASE_UNAVAILABLE"


class StorageFullError(DeviceUnavailableError):
    """The local disk takes no more; nothing can be made durable, so nothing is accepted."""

    code = "STORAGE_FULL"


class DeviceTimeoutError(LicsError):
    """The actor did not answer in time."""

    code = "DEVICE_TIMEOUT"
    type = "device_timeout"
