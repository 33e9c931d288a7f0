"""TLS to broker, database, Redis and web, with an authority of the test's own; another's, or another name, is refused."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL
from urllib.parse import urlsplit, urlunsplit

import aiomqtt
import httpx
import pytest
import websockets

from config.settings import Settings, SettingsError
from drivers.native.demo import demo_devices
from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec
from lics_actors.errors import DatabaseUnavailableError
from lics_actors.recorder.errors import RecorderError
from lics_actors.recorder.reader import open_connection
from lics_actors.services.broker import mosquitto_program
from lics_actors.services.readiness import fetch
from lics_actors.sessions import discard_session
from lics_actors.store.repository import Repository
from tests.system.laboratory import TOKEN, Laboratory
from tests.system.tls import Papers, gate, papers
from tests.waiting import PATIENCE_S, eventually
from web.serve import check

PUMP = demo_devices()[0]


@pytest.fixture
def here(data_dir: Path) -> Papers:
    """Papers of a server that is reached as 127.0.0.1 or localhost."""
    return papers(data_dir / "papers", "127.0.0.1", "localhost")


@pytest.fixture
async def secure_mosquitto(data_dir: Path, here: Papers, free_port: Callable[[], int]) -> AsyncIterator[BrokerSpec]:
    """A mosquitto that speaks TLS only."""
    program = mosquitto_program()
    if program is None:
        pytest.skip("mosquitto is not installed")
    port, conf = free_port(), data_dir / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "user root", "max_inflight_messages 20000"]
    conf.write_text("\n".join([*lines, f"certfile {here.cert}", f"keyfile {here.key}", f"cafile {here.ca}"]))
    process = await asyncio.create_subprocess_exec(program, "-c", str(conf), stdout=DEVNULL, stderr=DEVNULL)
    spec = BrokerSpec("127.0.0.1", port, tls=True, ca_file=str(here.ca))
    try:
        await eventually(lambda: comes_in(spec))
        yield spec
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE_S)


async def comes_in(spec: BrokerSpec) -> bool:
    """Return whether each of the three ways of LICS to speak to a broker gets in."""
    with suppress(aiomqtt.MqttError, OSError):
        async with aiomqtt.Client(spec.host, spec.port, tls_context=tls_context(spec), timeout=10.0):
            pass
        reader = await open_connection(spec, "recorder", lambda _: None)
        await reader.close()
        return await discard_session(spec, "recorder")
    return False


@pytest.mark.mosquitto
async def test_a_broker_of_another_authority_or_name_is_not_spoken_to(
    secure_mosquitto: BrokerSpec, data_dir: Path, free_port: Callable[[], int]
) -> None:
    assert await comes_in(replace(secure_mosquitto, host="localhost"))
    stranger = papers(data_dir / "stranger", "127.0.0.1")
    named_otherwise = papers(data_dir / "other", "broker.elsewhere")
    wrong_authority = replace(secure_mosquitto, ca_file=str(stranger.ca))
    nobodys_authority = replace(secure_mosquitto, ca_file=None)
    port = free_port()
    async with gate(port, secure_mosquitto.port, named_otherwise):
        wrong_name = replace(secure_mosquitto, port=port, ca_file=str(named_otherwise.ca))
        for spec in (wrong_authority, nobodys_authority, wrong_name):
            with pytest.raises((RecorderError, ssl.SSLError)):
                await open_connection(spec, "recorder", lambda _: None)
            with pytest.raises((aiomqtt.MqttError, ssl.SSLError)):
                async with aiomqtt.Client(spec.host, spec.port, tls_context=tls_context(spec), timeout=10.0):
                    pass
            assert not await discard_session(spec, "recorder")
            async with Simulator(spec, [SimulatedDeviceSpec(PUMP.id, PUMP.type)]) as simulator:
                with pytest.raises(TimeoutError):
                    await simulator.online(1.0)


async def test_a_database_of_another_authority_or_name_is_not_spoken_to(
    database_url: str, data_dir: Path, here: Papers, free_port: Callable[[], int]
) -> None:
    stranger, elsewhere = papers(data_dir / "stranger", "127.0.0.1"), papers(data_dir / "other", "db.elsewhere")
    port, other = free_port(), free_port()
    to = urlsplit(database_url).port
    assert to is not None
    async with gate(port, to, here, postgres=True), gate(other, to, elsewhere, postgres=True):
        repository = await Repository.connect(secured(database_url, port, here.ca))
        try:
            await repository.ping()
        finally:
            await repository.close()
        for wrong in (secured(database_url, port, stranger.ca), secured(database_url, other, elsewhere.ca)):
            refusing = await Repository.connect(wrong)
            with pytest.raises(DatabaseUnavailableError):
                await refusing.ping()
            await refusing.close()


def secured(database_url: str, port: int, ca: Path) -> str:
    """Return a database's URL by way of a gate."""
    parts = urlsplit(database_url)
    place = parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{port}"
    return urlunsplit(parts._replace(netloc=place, query=f"sslmode=verify-full&sslrootcert={ca}"))


@pytest.mark.mosquitto
async def test_a_whole_laboratory_over_tls(
    secure_mosquitto: BrokerSpec, here: Papers, data_dir: Path, database_url: str, redis_url: str, free_port: Callable[[], int]
) -> None:
    """Broker, database, Redis and web: a device's command and its events, over REST and WebSocket."""
    ports = [free_port(), free_port()]
    servers = [urlsplit(each).port or 0 for each in (database_url, redis_url)]
    redis = urlsplit(redis_url)
    secure_redis = urlunsplit(
        redis._replace(
            scheme="rediss", netloc=redis.netloc.rpartition("@")[0] + f"@127.0.0.1:{ports[1]}", query=f"ssl_ca_certs={here.ca}"
        )
    )
    settings = {
        "MQTT_BROKER_URL": f"mqtts://127.0.0.1:{secure_mosquitto.port}",
        "LICS_MQTT_CA_FILE": str(here.ca),
        "LICS_WEB_CERT_FILE": str(here.cert),
        "LICS_WEB_KEY_FILE": str(here.key),
    }
    async with gate(ports[0], servers[0], here, postgres=True), gate(ports[1], servers[1], here):
        lab = Laboratory(data_dir, secured(database_url, ports[0], here.ca), secure_redis, secure_mosquitto, free_port, settings)
        await lab.api.aclose()
        trust = ssl.create_default_context(cafile=str(here.ca))
        address = f"127.0.0.1:{lab.environment['LICS_PORT']}"
        lab.api = httpx.AsyncClient(
            base_url=f"https://{address}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=PATIENCE_S, verify=trust
        )
        async with (
            lab,
            websockets.connect(
                f"wss://{address}/ws/{PUMP.id}", ssl=trust, additional_headers={"Authorization": f"Bearer {TOKEN}"}
            ) as unregistered,
        ):
            assert '"kind":"ready"' in str(await unregistered.recv()).replace(" ", "")
            await lab.register(PUMP)
            async with (
                lab.simulator(PUMP),
                websockets.connect(
                    f"wss://{address}/ws/{PUMP.id}", ssl=trust, additional_headers={"Authorization": f"Bearer {TOKEN}"}
                ) as live,
            ):
                await eventually(lambda: lab.is_link(PUMP.id, "online"))
                await eventually(lambda: records(lab))
                done = await lab.command(PUMP.id, "dispense", {"volume_ul": 5})
                assert done.status_code == 200 and done.json()["state"] == "succeeded", done.text
                async with asyncio.timeout(PATIENCE_S):
                    while '"dispensed"' not in str(await live.recv()):
                        pass
            own = Settings(
                _env_file=None, data_dir=data_dir, port=int(address[10:]), web_cert_file=here.cert, web_key_file=here.key
            )
            assert (await asyncio.to_thread(fetch, own, "/health", sign_in=False))[0] == 200
            with pytest.raises(httpx.HTTPError):
                async with httpx.AsyncClient() as plain:
                    await plain.get(f"http://{address}/health")
            with pytest.raises(httpx.ConnectError):
                async with httpx.AsyncClient() as trusting_nobody:
                    await trusting_nobody.get(f"https://{address}/health")


async def records(lab: Laboratory) -> bool:
    """Return whether the recorder listens: what a device said before is nobody's."""
    return bool((await lab.nodes())["recorder"]["word"] == "recording")


@pytest.mark.parametrize("broken", ["missing", "another's key", "no certificate"])
def test_papers_that_cannot_be_used_stop_the_start(data_dir: Path, here: Papers, broken: str) -> None:
    other = papers(data_dir / "other", "x")
    cert = {"missing": data_dir / "none.pem", "another's key": here.cert, "no certificate": here.key}[broken]
    settings = Settings(
        _env_file=None, data_dir=data_dir, database_url="postgresql://u@h/d", web_cert_file=cert, web_key_file=other.key
    )
    with pytest.raises(SettingsError, match="LICS_WEB_CERT_FILE"):
        check(settings)
    with pytest.raises(ValueError, match="set together"):
        Settings(_env_file=None, web_cert_file=here.cert)
