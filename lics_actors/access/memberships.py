"""What people do with laboratories and who is in them: over REST and the command line, under audit, at once for every token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lics_actors.access.ending import Endings
from lics_actors.access.errors import MemberNotFoundError, RoleTooHighError
from lics_actors.access.laboratories import Reach, grants
from lics_actors.access.people import Account, Laboratory
from lics_actors.access.roles import Role
from lics_actors.audit import Asker, AuditLog
from lics_actors.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Memberships:
    """Every act is by somebody with a reach. Who asks sees the laboratory: that was judged before."""

    repository: Repository
    audit: AuditLog
    endings: Endings

    async def add(self, asker: Asker, name: str) -> Laboratory:
        """Make a laboratory.

        Raises:
            LaboratoryExistsError, TooManyLaboratoriesError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "laboratory.add", f"laboratory:{name}", None) as found:
            made = await self.repository.add_laboratory(name, asker.principal)
            found.after = {"laboratory": str(made.id), "name": made.name}
        return made

    async def rename(self, asker: Asker, laboratory_id: UUID, name: str) -> Laboratory:
        """Give a laboratory another name.

        Raises:
            LaboratoryNotFoundError, LaboratoryExistsError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "laboratory.rename", f"laboratory:{laboratory_id}", None) as found:
            before, after = await self.repository.rename_laboratory(laboratory_id, name)
            found.before, found.after = {"name": before.name}, {"name": after.name}
        return after

    async def put(self, asker: Asker, by: Reach, laboratory_id: UUID, account: Account, role: Role) -> Account:
        """Give somebody a role in a laboratory, in the place of the one he has there; return the account as it is then.

        Raises:
            RoleTooHighError: whoever asks may not give this role there, or not take the present one.
            LaboratoryNotFoundError, AccountNotFoundError, TooManyLaboratoriesError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "member.put", f"laboratory:{laboratory_id}", None) as found:
            _check(by, laboratory_id, role, account.memberships.get(laboratory_id))
            before, after = await self.repository.put_member(laboratory_id, account.id, role, asker.principal)
            found.before, found.after = facts(before, laboratory_id), facts(after, laboratory_id)
        await self.endings.told()
        return after

    async def remove(self, asker: Asker, by: Reach, laboratory_id: UUID, account: Account, reason: str | None) -> Account:
        """Take somebody out of a laboratory; return the account as it is then.

        Raises:
            MemberNotFoundError, RoleTooHighError, DatabaseUnavailableError
        """
        async with self.audit.act(asker, "member.remove", f"laboratory:{laboratory_id}", reason) as found:
            present = account.memberships.get(laboratory_id)
            if present is None:
                raise MemberNotFoundError(f"{account.id} is no member", user=str(account.id))
            _check(by, laboratory_id, present)
            before, after = await self.repository.remove_member(laboratory_id, account.id)
            found.before, found.after = facts(before, laboratory_id), facts(after, laboratory_id)
        await self.endings.told()
        return after


def _check(by: Reach, laboratory_id: UUID, *roles: Role | None) -> None:
    for role in roles:
        if role is not None and not grants(by, laboratory_id, role):
            raise RoleTooHighError(f"you do not manage {role} here")


def facts(account: Account, laboratory_id: UUID) -> dict[str, Any]:
    """Return what the audit keeps of somebody in a laboratory."""
    role = account.memberships.get(laboratory_id)
    return {"user": str(account.id), "email": account.email, "role": None if role is None else role.value}
