"""No device speaks on another laboratory's topics: LICS would record and command for one what belongs to the other."""

from __future__ import annotations

from lics_actors.admission.accounts import client_name, device_grants, rivals
from lics_actors.admission.errors import SharedTopicsError
from lics_actors.device.messages import DeviceSpec
from lics_actors.store.repository import Repository


async def stay_at_home(repository: Repository, spec: DeviceSpec, prefix: str) -> None:
    """See that a device, as it is to be, has no topic of a device of another laboratory.

    Raises:
        SharedTopicsError: it has; whose it is, is not told. DatabaseUnavailableError
    """
    grants = None if spec.driver == "native" else device_grants(spec, prefix)
    if grants is None:
        return
    abroad = [each for each in await repository.device_specs() if each.laboratory_id != spec.laboratory_id]
    for _, topic in rivals(client_name(prefix, spec.device_id), grants, abroad, prefix):
        raise SharedTopicsError(f"{topic} belongs to another laboratory", topic=topic)
