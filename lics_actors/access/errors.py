"""Why somebody is not let in, as it is told: never whether an account exists."""

from __future__ import annotations

from lics_actors.errors import ConflictError, InvalidError, LicsError, NotFoundError


class SignInRefusedError(LicsError):
    """No such account, another password, a code that is over: which of them is nobody's business."""

    code = "SIGN_IN_REFUSED"
    type = "authentication_error"


class SessionOverError(LicsError):
    """The refresh token is not valid; sign in again."""

    code = "SESSION_OVER"
    type = "authentication_error"


class CrossSiteError(LicsError):
    """A cookie came with a request that our own page did not make."""

    code = "CROSS_SITE"
    type = "permission_error"


class RoleTooHighError(LicsError):
    """An account with this role is managed by somebody higher."""

    code = "ROLE_TOO_HIGH"
    type = "permission_error"


class ThrottledError(LicsError):
    """Too many attempts; fact `retry_after_s`."""

    code = "TOO_MANY_ATTEMPTS"
    type = "rate_limited"


class PasswordRefusedError(InvalidError):
    """The password breaks a rule."""

    code = "PASSWORD_REFUSED"


class AccountNotFoundError(NotFoundError):
    """No such account."""

    code = "USER_NOT_FOUND"


class SessionNotFoundError(NotFoundError):
    """No such session of yours."""

    code = "SESSION_NOT_FOUND"


class KeyNotFoundError(NotFoundError):
    """No such key of yours."""

    code = "API_KEY_NOT_FOUND"


class AccountExistsError(ConflictError):
    """The e-mail address has an account."""

    code = "USER_EXISTS"


class LastAdminError(ConflictError):
    """Without this account nobody could manage the others."""

    code = "LAST_ADMIN"


class TooManyKeysError(ConflictError):
    """The account has as many keys as it may have."""

    code = "TOO_MANY_API_KEYS"


class NoAccountError(ConflictError):
    """The bootstrap token has no account, so no password, no sessions and no keys."""

    code = "NO_ACCOUNT"


class LaboratoryNotFoundError(NotFoundError):
    """No such laboratory, or not for the caller."""

    code = "LABORATORY_NOT_FOUND"


class LaboratoryExistsError(ConflictError):
    """Another laboratory has this name."""

    code = "LABORATORY_EXISTS"


class TooManyLaboratoriesError(ConflictError):
    """There are as many laboratories, or memberships of an account, as there may be."""

    code = "TOO_MANY_LABORATORIES"


class MemberNotFoundError(NotFoundError):
    """The account is no member of the laboratory."""

    code = "MEMBER_NOT_FOUND"


class LaboratoryNeededError(InvalidError):
    """There is more than one laboratory that this could mean, or none."""

    code = "LABORATORY_NEEDED"
