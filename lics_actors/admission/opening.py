"""The desks of devices' credentials, made from the settings: for web and command line."""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Settings, SettingsError
from lics_actors.admission.claims import ClaimDesk
from lics_actors.admission.control import BrokerAccounts, control_spec
from lics_actors.admission.desk import CredentialDesk
from lics_actors.audit import AuditLog
from lics_actors.broker import broker_spec
from lics_actors.device.messages import BrokerSpec
from lics_actors.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Desks:
    """What people do about devices' way in."""

    credentials: CredentialDesk
    claims: ClaimDesk


def control_of(settings: Settings) -> BrokerSpec | None:
    """Return the way in of LICS's account that changes accounts, None where it has none."""
    name, word = settings.mqtt_control_username, settings.mqtt_control_password
    if name is None or word is None:
        return None
    try:
        return control_spec(broker_spec(settings), name, word.get_secret_value())
    except SettingsError:
        return None


def open_desks(settings: Settings, repository: Repository, audit: AuditLog) -> Desks:
    """Return the desks."""
    control = control_of(settings)
    accounts = None if control is None else BrokerAccounts(control)
    prefix = settings.mqtt_topic_prefix
    return Desks(CredentialDesk(repository, audit, accounts, prefix), ClaimDesk(repository, audit, accounts, prefix))
