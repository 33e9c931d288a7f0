"""Where somebody may do what is being asked: objects, lists and new things by laboratory.

What is outside the asker's laboratories does not exist for him: it is answered exactly as what does not exist at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from quart import Quart, current_app, g, request

from lics_actors.access.errors import LaboratoryNeededError, LaboratoryNotFoundError
from lics_actors.access.laboratories import Laboratories, Sight, Unplaced, placed
from lics_actors.admission.errors import ClaimNotFoundError
from lics_actors.audit import Asker
from lics_actors.errors import (
    DatabaseUnavailableError,
    DeviceNotFoundError,
    ExperimentNotFoundError,
    LicsError,
    NodeNotFoundError,
    NotFoundError,
    ProtocolNotFoundError,
    RigNotFoundError,
    RunNotFoundError,
    SubjectNotFoundError,
)
from lics_actors.operators import Wish
from lics_actors.operators import permission as permission_for
from lics_actors.store.slots import SlotNotFoundError
from web.auth import PUBLIC, Principal, Refusals, permission_of, principal
from web.backing import Backing, backing
from web.errors import PermissionDeniedError, request_id

View = TypeVar("View", bound=Callable[..., Any])

KINDS: Final[Mapping[str, type[NotFoundError]]] = {
    "device": DeviceNotFoundError,
    "rig": RigNotFoundError,
    "subject": SubjectNotFoundError,
    "protocol": ProtocolNotFoundError,
    "experiment": ExperimentNotFoundError,
    "run": RunNotFoundError,
    "laboratory": LaboratoryNotFoundError,
    "claim": ClaimNotFoundError,
    "slot": SlotNotFoundError,
}
"""Noun → how it is told that there is none. `<uuid:noun_id>` in a path is judged before the handler (store/belonging.py)."""

PARTS: Final = frozenset({"number", "export_id", "override_id"})
"""Names of parts of an object that stands before them in the path."""

JUDGED: Final = "_lics_judged"
_NAMED: Final = re.compile(r"\b([a-z]+):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def judged(how: str) -> Callable[[View], View]:
    """Declare that a route judges itself what the names in its path belong to, and `how`."""

    def declare(view: View) -> View:
        setattr(view, JUDGED, how)
        return view

    return declare


def judged_how(view: Callable[..., Any]) -> str | None:
    """Return what `judged` declared of a view."""
    return cast("str | None", getattr(view, JUDGED, None))


def noun_of(parameter: str) -> str | None:
    """Return the noun of a path's parameter that is judged by itself, None where there is none."""
    noun = parameter.removesuffix("_id")
    return noun if parameter.endswith("_id") and noun in KINDS else None


def where() -> Laboratories:
    """Return the laboratories in which who asks has the permission of the route being answered; None: all."""
    return principal().reach.where(g.permission)


def place(named: UUID | None, permission: str | None = None) -> UUID:
    """Return the laboratory of something new: the one `named`, or the only one in which who asks may make it.

    Raises:
        LaboratoryNeededError: it must be named. LaboratoryNotFoundError: there is none such for the asker.
    """
    return place_of(principal(), permission or g.permission, named)


async def place_there(named: UUID | None) -> UUID:
    """As `place`, and the laboratory that is named is there: who may everywhere may name what nobody made.

    Raises:
        LaboratoryNeededError, LaboratoryNotFoundError, DatabaseUnavailableError
    """
    found = place(named)
    if named is not None:
        await backing().repository.laboratory(found)
    return found


def place_of(asker: Principal, permission: str, named: UUID | None) -> UUID:
    """As `place`, for whoever asks."""
    found = placed(asker.reach, permission, named)
    if found is Unplaced.NOT_YOURS:
        raise LaboratoryNotFoundError(f"no laboratory {named}", laboratory=str(named))
    if isinstance(found, Unplaced):
        raise LaboratoryNeededError(found.value, ({"field": "laboratory_id", "message": found.value},))
    return found


async def within(noun: str, key: UUID, permission: str | None = None) -> None:
    """Let pass an object that is named in a query or a body, where the asker has the route's permission, or this one.

    Raises:
        NotFoundError: there is none for him. PermissionDeniedError: he may not do this in its laboratory.
    """
    await judge(backing(), principal(), noun, key, permission or g.permission)


async def judge(house: Backing, asker: Principal, noun: str, key: UUID, permission: str) -> None:
    """As `within`, for whoever asks. Where somebody may everywhere, nothing is looked up."""
    if asker.reach.where(permission) is None:
        return
    home = await (house.homes.of(noun, key) if noun == "device" else house.repository.laboratory_of(noun, key))
    tell(asker, noun, key, permission, asker.reach.judge(permission, home))


def tell(asker: Principal, noun: str, key: UUID, permission: str, sight: Sight) -> None:
    """Raise what a judgement comes to."""
    if sight is Sight.UNKNOWN:
        raise KINDS[noun](f"no {noun} {key}", outside=True, **{f"{noun}_id": str(key)})
    if sight is Sight.FORBIDDEN:
        raise PermissionDeniedError(f"{asker.name} may not {permission} in this laboratory")


def named_in(text: str) -> tuple[str, UUID] | None:
    """Return the object of a laboratory that the name of a node, or an alarm's source, means; None: it is everybody's."""
    found = _NAMED.search(text)
    return (found[1], UUID(found[2])) if found is not None and found[1] in KINDS else None


async def judge_name(house: Backing, asker: Principal, name: str, needed: str, *, act: bool, missing: LicsError) -> None:
    """Let pass what a name means. What is everybody's may be seen by all, and acted on by who may so in every laboratory.

    Raises:
        LicsError: `missing`, where it is outside. PermissionDeniedError: he may not do this to it.
    """
    if asker.reach.where(needed) is None:
        return
    found = named_in(name)
    if found is not None:
        try:
            await judge(house, asker, *found, needed)
        except NotFoundError:
            raise missing from None
    elif act:
        every = frozenset(each.id for each in await house.repository.laboratories())
        if not asker.reach.may_all(needed, every):
            raise PermissionDeniedError(f"{name} serves all laboratories; {asker.name} may not {needed} in each of them")


async def may_steer(house: Backing, asker: Principal, who: Asker, wish: Wish) -> None:
    """Let pass what somebody wants of a node: of a device in its laboratory, of what serves all in each of them. Audited.

    Raises:
        NodeNotFoundError, PermissionDeniedError
    """
    missing = NodeNotFoundError(f"there is no {wish.node} in the supervision tree", node=wish.node)
    try:
        await judge_name(house, asker, wish.node, permission_for(wish), act=True, missing=missing)
    except (NodeNotFoundError, PermissionDeniedError) as refusal:
        await house.audit.refused(who, f"fleet.{wish.verb.value}", wish.node, wish.reason, refusal)
        raise


async def hidden(house: Backing, asker: Principal, names: Iterable[str], permission: str) -> frozenset[str]:
    """Return those names of nodes that are of laboratories where the asker does not have the permission, or of unknown ones."""
    if asker.reach.where(permission) is None:
        return frozenset()
    found = {name: one for name in names if (one := named_in(name)) is not None}
    await house.homes.learn([key for noun, key in found.values() if noun == "device"])
    return frozenset([name for name, one in found.items() if not await _seen(house, asker, *one, permission)])


async def _seen(house: Backing, asker: Principal, noun: str, key: UUID, permission: str) -> bool:
    try:
        home = house.homes.known(key) if noun == "device" else await house.repository.laboratory_of(noun, key)
    except DatabaseUnavailableError:
        return False
    return home is not None and asker.reach.may(permission, home)


def install(app: Quart, house: Backing, refusals: Refusals) -> None:
    """Judge the objects in a path before the handler, after the permission."""

    async def guard() -> None:
        if request.url_rule is None:
            return
        view = current_app.view_functions[request.url_rule.endpoint]
        permission = permission_of(view)
        if permission in {PUBLIC, None} or not request.view_args:
            return
        asker = principal()
        try:
            await _judge_path(house, asker, view, request.view_args)
        except (NotFoundError, PermissionDeniedError) as error:
            who = Asker(asker.name, "rest", request.remote_addr, request_id())
            await refusals.note(who, str(permission), request.path[:200], error)
            raise

    app.before_request(guard)


async def _judge_path(house: Backing, asker: Principal, view: Callable[..., Any], named: Mapping[str, Any]) -> None:
    itself = judged_how(view)
    parts = PARTS if any(noun_of(each) for each in named) else frozenset()
    for parameter, value in named.items():
        noun = noun_of(parameter)
        if noun is not None:
            try:
                await judge(house, asker, noun, value, g.permission)
            except DatabaseUnavailableError:
                if itself is None:
                    raise
        elif itself is None and parameter not in parts:
            raise PermissionDeniedError("a route with an undeclared name in its path was reached")
