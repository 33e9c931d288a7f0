"""What can go wrong in a driver; facts as attributes."""

from __future__ import annotations


class DriverError(Exception):
    """Root of the drivers' errors."""


class DecodeError(DriverError):
    """A payload does not follow the driver's wire format."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"{topic}: {reason}")
        self.topic, self.reason = topic, reason

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str]]:
        return type(self), (self.topic, self.reason)


class EncodeError(DriverError):
    """A command cannot be said in the driver's wire format."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command}: {reason}")
        self.command, self.reason = command, reason

    def __reduce__(self) -> tuple[type[EncodeError], tuple[str, str]]:
        return type(self), (self.command, self.reason)


class UnknownDriverError(DriverError):
    """No driver of that name is registered."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no driver {name!r}; there are: {', '.join(known)}")
        self.name, self.known = name, known

    def __reduce__(self) -> tuple[type[UnknownDriverError], tuple[str, tuple[str, ...]]]:
        return type(self), (self.name, self.known)
