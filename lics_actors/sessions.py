"""The end of a session at the broker: nobody comes back for it, so that it must not collect messages for ever."""

from __future__ import annotations

import logging

import aiomqtt

from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec

log = logging.getLogger(__name__)

TIMEOUT_S = 2.0


async def discard_session(broker: BrokerSpec, client_id: str) -> bool:
    """Have the broker forget a session with all it holds; return whether it did.

    MQTT 3.1.1 section 3.1.2.4: a connection that asks for a clean session discards the one that was there.
    """
    try:
        async with aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=client_id,
            clean_session=True,
            tls_context=tls_context(broker),
            timeout=TIMEOUT_S,
        ):
            pass
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        log.warning("a broker's session is not discarded", extra={"client_id": client_id, "reason": str(error)})
        return False
    return True
