"""The application: routes, errors, permission and measure around what `create_app` is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from quart import Quart, Response, g, request

from config import __version__
from config.settings import Settings
from lics_actors.access.proxies import networks_of
from lics_actors.access.rates import Rate
from lics_actors.audit import AuditLog
from lics_actors.operators import Operators
from lics_actors.store.repository import Repository
from web import access, admission, audited, auth, cors, docs, errors, express, front, openapi, proxies, rates, scoping
from web import alarms as alarm_work
from web import rigs as rig_work
from web import run_files as run_file_work
from web import studies as study_work
from web import welfare as welfare_work
from web.alarms import AlarmMetrics
from web.api import (
    alarms,
    api_keys,
    audit,
    calibrations,
    commands,
    credentials,
    devices,
    experiments,
    fleet,
    health,
    laboratories,
    protocols,
    recorded,
    rigs,
    run_files,
    runs,
    schedule,
    subjects,
    telemetry,
    users,
    welfare,
)
from web.api import auth as auth_api
from web.backing import EXTENSION, TABLES_REST_S, Backing, Fleet, KnownCommands, Registrations
from web.endings import SECURITY_HEADERS, note, request_name
from web.express import Lane
from web.health import HealthWatch
from web.homes import Homes
from web.live import install as live
from web.live.limits import Limits
from web.metrics import measure
from web.patience import Patience
from web.probes import probes
from web.speech import refuse_endless_uris

PREFIX: Final = "/api/v1"
MAX_BODY_BYTES: Final = 1024 * 1024
BURST_S: Final = 5  # so many seconds' worth of requests may come at once
BODY_S: Final = 10  # a body that has not arrived by then is not coming


def create_app(settings: Settings, client: Fleet, repository: Repository, limits: Limits | None = None) -> Quart:
    """Return the application. It works, and says so, whatever of what it stands on is away."""
    app = Quart("lics_web", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, BODY_TIMEOUT=BODY_S, PROPAGATE_EXCEPTIONS=False)
    app.url_map.merge_slashes = False
    health_watch = HealthWatch(probes(settings, repository.ping, client.alive))
    registrations = Registrations(client, repository)
    audit_log = AuditLog(settings)
    operators = Operators(client, audit_log)
    tables = Patience(TABLES_REST_S)
    homes = Homes(repository, tables)
    house = app.extensions[EXTENSION] = Backing(
        client, repository, health_watch, KnownCommands(), registrations, operators, audit_log, settings, homes, tables
    )
    app.before_request(_name_request)
    alarm_metrics = AlarmMetrics(repository)
    metrics = measure(app, client, alarm_metrics)
    app.before_request(refuse_endless_uris)
    ways_in = access.build(settings, repository, audit_log)
    keeper = ways_in.keeper
    refusals = ways_in.refusals
    counted = rates.Rates(
        Rate(settings.rate_account, settings.rate_account * BURST_S),
        Rate(settings.rate_address, settings.rate_address * BURST_S),
        settings.redis_url,
        settings.mqtt_topic_prefix,
    )
    through = proxies.Proxies(networks_of(settings.trusted_proxies))
    rates.install_addresses(app, counted, refusals)
    cors.install(app, frozenset(filter(None, map(str.strip, settings.cors_origins.split(",")))))
    auth.install(app, keeper, refusals)
    rates.install_accounts(app, counted, refusals)
    scoping.install(app, house, refusals)
    access.install(app, ways_in)
    audited.install(app, audit_log, ways_in.refusals)
    app.after_request(_finish)
    errors.install(app)
    for nouns in (
        devices,
        recorded,
        telemetry,
        commands,
        rigs,
        fleet,
        alarms,
        audit,
        auth_api,
        users,
        api_keys,
        credentials,
        subjects,
        protocols,
        experiments,
        runs,
        schedule,
        laboratories,
        run_files,
        welfare,
        calibrations,
    ):
        app.register_blueprint(nouns.blueprint, url_prefix=PREFIX)
    for outside in (health, docs, front):
        app.register_blueprint(outside.blueprint)
    openapi.describe(app, __version__)
    _run_while_serving(app, registrations)
    alarm_work.install(app, settings, repository, audit_log, alarm_metrics)
    admission.install(app, settings, repository, audit_log)
    rig_work.install(app, repository, client, audit_log)
    run_file_work.install(app, repository, audit_log, settings)
    study_work.install(app, repository, client, audit_log, settings)
    welfare_work.install(app, repository, client, audit_log, settings)
    express.install(app, Lane(house, keeper, metrics, refusals, counted, through))
    live.install(app, settings, house, ways_in, limits or Limits())
    proxies.install(app, through)
    return app


async def _name_request() -> None:
    g.request_id = request_name(request.headers.get("X-Request-ID", ""))


async def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    note(request.method, request.path, response.status_code, g.request_id)
    return response


def _run_while_serving(app: Quart, registrations: Registrations) -> None:
    async def retrying() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(registrations.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.while_serving(retrying)
