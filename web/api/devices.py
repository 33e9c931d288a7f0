"""The instruments: registering, reading, changing, retiring them, and restarting their actors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.admission.borders import stay_at_home
from lics_actors.device.messages import Admin, DeviceSpec, DeviceTwin
from lics_actors.errors import (
    ConflictError,
    DeviceNotFoundError,
    IdempotencyKeyReusedError,
    InvalidError,
    LicsError,
    NodeNotFoundError,
    NotFoundError,
)
from lics_actors.operators import wish_of
from lics_actors.store.registration import settings_faults
from lics_actors.store.rows import DeviceFilter, DeviceRow, NewDevice, register_facts
from web.access import access
from web.asking import asker
from web.auth import principal, requires
from web.backing import ASK_S, backing
from web.etags import etag, expected_version, matches
from web.idempotency import id_for
from web.schemas.devices import (
    DeviceBody,
    DevicePage,
    DevicePatch,
    DevicesQuery,
    DeviceView,
    NewDeviceBody,
    RestartBody,
    RestartView,
    device_view,
)
from web.schemas.laboratories import MoveBody
from web.scoping import place_there, where, within
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("devices", __name__)
PLAIN = ("name", "type", "driver", "location", "settings", "silent_s", "admin")


@blueprint.get("/devices")
@requires("device:read")
@speaks(Speech(tag="devices", query=DevicesQuery, answers={200: Said(DevicePage, "A page, by name.")}, errors=(503,)))
async def list_devices(query: DevicesQuery) -> Response:
    """The devices, by name.

    As last recorded; one device alone is told as it is now.
    """
    chosen = DeviceFilter(
        status=query.status,
        link=query.link,
        type=query.type,
        driver=query.driver,
        location=query.location,
        search=query.q,
        retired=query.retired,
        laboratories=where(),
    )
    page = await backing().repository.list_devices(chosen, query.limit, query.cursor)
    return answer(DevicePage.model_construct(items=[device_view(row, None) for row in page.items], next=page.next))


@blueprint.post("/devices")
@requires("device:write")
@speaks(
    Speech(
        tag="devices",
        body=NewDeviceBody,
        headers=("Idempotency-Key",),
        answers={
            201: Said(DeviceView, "Registered; its actor starts.", ("Location", "ETag")),
            200: Said(DeviceView, "Registered before, by the same request with this key.", ("Location", "ETag")),
        },
        errors=(404, 409, 503),
    )
)
async def create_device(body: NewDeviceBody) -> Response:
    """Register a device.

    Its actor starts at once, or as soon as the fleet answers. `id` is the one that the device itself uses.
    """
    house, key = backing(), request.headers.get("Idempotency-Key")
    made_id = id_for(principal().name, request.path, key)
    check_settings(body.driver, body.settings)
    home = await place_there(body.laboratory_id)
    new = NewDevice(**_plain(body), device_id=body.id or made_id, principal=principal().name, laboratory_id=home)
    try:
        row, status = await _kept(new), HTTPStatus.CREATED
        house.homes.note(row.id, row.laboratory_id)
    except ConflictError as conflict:
        row, status = await _made_before(new, conflict, key), HTTPStatus.OK
    await house.registrations.tell(row.spec())
    return await _tell(row, status, {"Location": f"/api/v1/devices/{row.id}"})


async def _kept(new: NewDevice) -> DeviceRow:
    target = f"device:{new.device_id or new.name}"
    async with backing().audit.act(asker(), "device.create", target, None) as found:
        await _at_home(new.spec())
        row = await backing().repository.create_device(new)
        found.after = register_facts(row)
    return row


async def _made_before(new: NewDevice, conflict: ConflictError, key: str | None) -> DeviceRow:
    """Return the device that the same request made before.

    A device that people have changed since is taken for it: what was first asked is not kept.
    """
    if key is None or new.device_id is None:
        raise conflict
    try:
        row = await backing().repository.get_device(new.device_id)
        await within("device", row.id)
    except NotFoundError:
        raise conflict from None
    if row.version == 1 and any(getattr(row, name) != getattr(new, name) for name in PLAIN):
        raise IdempotencyKeyReusedError("the idempotency key belongs to another request", device_id=str(row.id))
    return row


@blueprint.get("/devices/<uuid:device_id>")
@requires("device:read")
@speaks(
    Speech(
        tag="devices",
        headers=("If-None-Match",),
        answers={200: Said(DeviceView, "As it is.", ("ETag",)), 304: Said(None, "As in the answer with this ETag.", ("ETag",))},
        errors=(503,),
    )
)
async def get_device(device_id: UUID) -> Response:
    """A device, as it is now.

    Where its actor does not answer within a second, as it was last recorded: `live` tells.
    """
    return await _tell(await backing().repository.get_device(device_id))


@blueprint.put("/devices/<uuid:device_id>")
@requires("device:write")
@speaks(
    Speech(
        tag="devices",
        body=DeviceBody,
        headers=("If-Match",),
        answers={200: Said(DeviceView, "As it now is.", ("ETag",))},
        errors=(409, 412, 503),
    )
)
async def replace_device(device_id: UUID, body: DeviceBody) -> Response:
    """Define a device anew; what is left out takes its default."""
    check_settings(body.driver, body.settings)
    return await _change(device_id, _plain(body))


@blueprint.patch("/devices/<uuid:device_id>")
@requires("device:write")
@speaks(
    Speech(
        tag="devices",
        body=DevicePatch,
        headers=("If-Match",),
        answers={200: Said(DeviceView, "As it now is.", ("ETag",))},
        errors=(409, 412, 503),
    )
)
async def change_device(device_id: UUID, body: DevicePatch) -> Response:
    """Change some of a device; what is left out stays.

    While a run has it, its driver and settings stay as they are; maintenance pauses the run.
    """
    changes = _plain(body)
    if {"driver", "settings"} & set(changes):
        row = await backing().repository.get_device(device_id)
        check_settings(changes.get("driver", row.driver), changes.get("settings", row.settings))
    return await _change(device_id, changes)


@blueprint.delete("/devices/<uuid:device_id>")
@requires("device:write")
@speaks(
    Speech(tag="devices", headers=("If-Match",), answers={204: Said(None, "Retired; its record stays.")}, errors=(409, 412, 503))
)
async def retire_device(device_id: UUID) -> Response:
    """Retire a device for good.

    Its actor stops and its name becomes free; it and its record stay readable. Not while a run has it.
    """
    house = backing()
    version = expected_version(request.headers.get("If-Match"))
    async with house.audit.act(asker(), "device.retire", f"device:{device_id}", None) as found:
        found.before = register_facts(await house.repository.get_device(device_id))
        row = await house.repository.retire_device(device_id, expected_version=version, principal=principal().name)
        found.after = register_facts(row)
    await house.registrations.tell(row.spec())
    return Response(b"", HTTPStatus.NO_CONTENT)


@blueprint.post("/devices/<uuid:device_id>/restart")
@requires("device:restart")
@speaks(
    Speech(
        tag="devices",
        body=RestartBody,
        body_required=False,
        answers={200: Said(RestartView, "The new incarnation has begun.")},
        errors=(409, 503, 504),
    )
)
async def restart_device(device_id: UUID, body: RestartBody) -> Response:
    """Restart a device's actor, not the device.

    Ends a quarantine as well. Commands under way are settled by the device's own ledger.
    """
    node = f"device:{device_id}"
    try:
        await backing().operators.do(asker(), wish_of("restart", node, body.reason))
    except NodeNotFoundError:
        raise DeviceNotFoundError(f"no actor runs device {device_id}", device_id=str(device_id)) from None
    return answer(RestartView(node=node))


@blueprint.post("/devices/<uuid:device_id>/move")
@requires("device:write")
@speaks(
    Speech(
        tag="devices",
        body=MoveBody,
        headers=("If-Match",),
        answers={200: Said(DeviceView, "As it now is.", ("ETag",))},
        errors=(409, 412, 503),
    )
)
async def move_device(device_id: UUID, body: MoveBody) -> Response:
    """Give a device to another laboratory, with all that was recorded of it.

    You need to be allowed to change devices in both. Not while a rig or a run has it.
    """
    house, to = backing(), await place_there(body.laboratory_id)
    version = expected_version(request.headers.get("If-Match"))
    async with house.audit.act(asker(), "device.move", f"device:{device_id}", body.reason) as found:
        await house.repository.laboratory(to)
        await _at_home(replace((await house.repository.get_device(device_id)).spec(), laboratory_id=to))
        before, row = await house.repository.move_device(device_id, to, expected_version=version, principal=principal().name)
        found.before, found.after = {"laboratory": str(before.laboratory_id)}, {"laboratory": str(row.laboratory_id)}
    await house.registrations.tell(row.spec())
    await access().endings.told()
    return await _tell(row)


def check_settings(driver: str, settings: Mapping[str, Any]) -> None:
    """Check a device's settings against its driver's schema.

    Raises:
        InvalidError: there is no such driver, or it cannot use these settings; `fields` says where.
    """
    if faults := settings_faults(driver, settings):
        raise InvalidError("the driver cannot use this; see fields", tuple(faults))


def _plain(body: DeviceBody | DevicePatch) -> dict[str, Any]:
    """Return what a body says, in the store's words; of a patch only what it mentions."""
    named = body.model_fields_set if isinstance(body, DevicePatch) else set(PLAIN)
    said = {name: getattr(body, name) for name in PLAIN if name in named}
    if "type" in said:
        said["type"] = said["type"].value
    return said


async def _change(device_id: UUID, changes: dict[str, Any]) -> Response:
    house = backing()
    version = expected_version(request.headers.get("If-Match"))
    async with house.audit.act(asker(), "device.change", f"device:{device_id}", None) as found:
        before = await house.repository.get_device(device_id)
        found.before = register_facts(before)
        await _at_home(replace(before.spec(), **{name: changes[name] for name in ("driver", "settings") if name in changes}))
        row = await house.repository.update_device(device_id, changes, expected_version=version, principal=principal().name)
        found.after = register_facts(row)
    await house.registrations.tell(row.spec())
    return await _tell(row)


async def _at_home(spec: DeviceSpec) -> None:
    await stay_at_home(backing().repository, spec, backing().settings.mqtt_topic_prefix)


async def _tell(row: DeviceRow, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    response = answer(device_view(row, await _twin(row)), status, headers)
    tag = etag(row.version, await response.get_data(as_text=False))
    response.headers["ETag"] = tag
    if request.method in {"GET", "HEAD"} and matches(request.headers.get("If-None-Match"), tag):
        return Response(b"", HTTPStatus.NOT_MODIFIED, {"ETag": tag})
    return response


async def _twin(row: DeviceRow) -> DeviceTwin | None:
    if row.admin is Admin.RETIRED:
        return None
    try:
        async with asyncio.timeout(ASK_S):
            return await backing().fleet.twin(row.id)
    except (LicsError, TimeoutError):
        return None
