"""What LICS's own role may do where another owns the tables: all that it needs, and to the audit nothing but add and read."""

from __future__ import annotations

from typing import Any

from config.settings import SettingsError

_ROLE = "SELECT rolsuper FROM pg_roles WHERE rolname = $1"
_TIMESCALE = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"


async def grant_application(connection: Any, role: str) -> None:
    """Give `role` what LICS needs. Repeating it changes nothing.

    Raises:
        SettingsError: there is no such role, or it could not keep the rollups of TimescaleDB.
    """
    if await connection.fetchval(_ROLE, role) is None:
        raise SettingsError(f"DATABASE_URL names the role {role}, which the database does not have; make it first")
    if await connection.fetchval(_TIMESCALE):
        raise SettingsError(
            "with TimescaleDB only the owner of the tables may refresh and drop what LICS refreshes and drops; unset "
            "DATABASE_OWNER_URL. `lics audit verify` then says that the audit is held by a trigger and its chain alone"
        )
    name = await connection.fetchval("SELECT quote_ident($1)", role)
    async with connection.transaction():
        for statement in (
            f"GRANT USAGE ON SCHEMA public TO {name}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
            f"REVOKE ALL ON audit FROM PUBLIC, {name}",
            f"GRANT SELECT, INSERT ON audit TO {name}",
            f"REVOKE INSERT, UPDATE, DELETE ON aerich FROM {name}",
        ):
            await connection.execute(statement)
