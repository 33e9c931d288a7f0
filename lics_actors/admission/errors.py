"""What goes wrong with accounts at the broker."""

from __future__ import annotations

from lics_actors.errors import ConflictError, LicsError, NotFoundError


class BrokerAccountsError(LicsError):
    """The broker does not change accounts now: it is away, or refuses. Facts: `reason`."""

    code, type = "BROKER_ACCOUNTS_UNAVAILABLE", "device_unavailable"


class BrokerNotKeptError(ConflictError):
    """LICS has no account at the broker that may change accounts."""

    code = "BROKER_NOT_KEPT"


class CredentialNotFoundError(NotFoundError):
    """There is no such credential of this device. Facts: `credential`."""

    code = "CREDENTIAL_NOT_FOUND"


class ClaimNotFoundError(NotFoundError):
    """There is no such claim code. Facts: `claim`."""

    code = "CLAIM_NOT_FOUND"


class TooManyCredentialsError(ConflictError):
    """A device has as many credentials as it may have. Facts: `limit`."""

    code = "TOO_MANY_CREDENTIALS"


class SharedTopicsError(ConflictError):
    """A device's topics are another's, too. Facts: `topic`, `other`."""

    code = "TOPICS_SHARED"
