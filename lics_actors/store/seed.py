"""The demo laboratory in the database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from drivers.native.demo import DemoDevice, demo_devices, demo_rigs
from lics_actors.device.messages import Admin, DeviceSpec
from lics_actors.errors import ConflictError
from lics_actors.store.repository import DeviceRow, NewDevice, Repository
from lics_actors.store.rigs import NewRig

PRINCIPAL = "system:seed"


async def seed_demo(database_url: str) -> list[DeviceSpec]:
    """Register the demo's devices and rigs where they are missing and return the devices in use; what people changed of them
    stays changed.

    Raises:
        ConflictError: another device has the name of one of them.
        DatabaseUnavailableError, SettingsError
    """
    specs = await seed_devices(database_url, demo_devices())
    await _seed_rigs(database_url)
    return specs


async def seed_devices(database_url: str, devices: Sequence[DemoDevice]) -> list[DeviceSpec]:
    """As `seed_demo`, for any simulated devices."""
    repository = await Repository.connect(database_url, pool_size=1, max_overflow=0)
    try:
        rows = [await _registered(repository, device) for device in devices]
    finally:
        await repository.close()
    return [row.spec() for row in rows if row.admin is not Admin.RETIRED]


async def _seed_rigs(database_url: str) -> None:
    repository = await Repository.connect(database_url, pool_size=1, max_overflow=0)
    try:
        for rig in demo_rigs():
            with suppress(ConflictError):  # it is there, or people have given its name to another
                await repository.create_rig(NewRig(rig.name, PRINCIPAL, rig.devices, rig_id=rig.id))
    finally:
        await repository.close()


async def _registered(repository: Repository, device: DemoDevice) -> DeviceRow:
    new = NewDevice(
        name=device.name,
        type=device.type,
        driver=device.driver,
        principal=PRINCIPAL,
        location=device.location,
        device_id=device.id,
    )
    try:
        return await repository.create_device(new)
    except ConflictError as error:
        if "device_id" not in error.facts:
            raise
        return await repository.get_device(device.id)
