"""What the store tells its callers; no driver's own exception leaves it."""

from __future__ import annotations

from lics_actors.errors import ConflictError, LicsError


class RowRefusedError(LicsError):
    """The database refuses a row of a batch, and would refuse it again: the batch has to be divided."""

    code = "ROW_REFUSED"
    type = "validation_error"


class SchemaTooNewError(ConflictError):
    """The database was migrated by a newer LICS than this one; `versions` are those unknown here."""

    code = "SCHEMA_TOO_NEW"


class SchemaBusyError(ConflictError):
    """Another process is migrating the database and did not end in time."""

    code = "SCHEMA_BUSY"


class MigrationMissingError(ConflictError):
    """There is nothing to go back to, or forward from."""

    code = "MIGRATION_MISSING"
