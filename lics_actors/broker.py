"""Which broker the settings mean, and how it is reached securely."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from config.settings import Settings, SettingsError
from lics_actors.device.messages import BrokerSpec

MQTT_PORT, MQTTS_PORT = 1883, 8883  # IANA's service names mqtt and secure-mqtt
PLAIN, SECURE = frozenset({"mqtt", "tcp"}), frozenset({"mqtts", "ssl", "tls"})


def broker_spec(settings: Settings) -> BrokerSpec:
    """Return the broker that MQTT_BROKER_URL and its companions name.

    Raises:
        SettingsError: none is named, or its URL is none.
    """
    url = settings.mqtt_broker_url
    if url is None:
        raise SettingsError("MQTT_BROKER_URL is not set and no embedded broker runs; set it, or start everything with `lics up`")
    try:
        parts = urlsplit(url if "://" in url else f"mqtt://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(f"MQTT_BROKER_URL is no URL: {error}") from None
    if parts.scheme not in PLAIN | SECURE or not host:
        raise SettingsError("MQTT_BROKER_URL is a host name or mqtt[s]://host[:port]")
    tls = parts.scheme in SECURE
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None
    return BrokerSpec(
        host=host,
        port=port or settings.mqtt_broker_port or (MQTTS_PORT if tls else MQTT_PORT),
        prefix=settings.mqtt_topic_prefix,
        username=settings.mqtt_username or parts.username,
        password=password or parts.password,
        tls=tls,
        ca_file=str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None,
        cert_file=str(settings.mqtt_cert_file) if settings.mqtt_cert_file else None,
        key_file=str(settings.mqtt_key_file) if settings.mqtt_key_file else None,
    )


def tls_context(broker: BrokerSpec) -> ssl.SSLContext | None:
    """Return how to speak TLS with a broker, None where it is spoken to plainly.

    Raises:
        OSError, ssl.SSLError: a file it names cannot be used.
    """
    if not broker.tls:
        return None
    context = ssl.create_default_context(cafile=broker.ca_file)
    if broker.cert_file:
        context.load_cert_chain(broker.cert_file, broker.key_file)
    return context
