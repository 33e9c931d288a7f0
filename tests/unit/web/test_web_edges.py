"""The edges: how much one may ask, which pages may read, and from where a request comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Response

from config.settings import Settings, SettingsError, load_settings
from lics_actors.access.rates import Rate
from lics_actors.store.repository import Repository
from tests.unit.web.conftest import BEARER, TOKEN, Web
from tests.unit.web.fleet_stub import FleetStub
from tests.unit.web.test_web_audited import audited
from tests.waiting import eventually
from web.app import create_app
from web.rates import RateLimitedError, Rates

PAGE = "https://plots.lab.example"
Made = Callable[..., Any]


@pytest.fixture
async def make(data_dir: Path, free_port: Any) -> AsyncIterator[Made]:
    """A function that makes the application with some settings; nothing here needs its database."""
    repository = await Repository.connect(f"postgres://nobody:nothing@127.0.0.1:{free_port()}/none")

    def made(**chosen: Any) -> Web:
        fixed = {"data_dir": data_dir, "admin_token": TOKEN, "redis_url": None, "mqtt_broker_url": None}
        fleet = FleetStub()
        return Web(create_app(Settings(_env_file=None, **{**fixed, **chosen}), fleet, repository), fleet, repository)

    yield made
    await repository.close()


async def say(web: Web, method: str, path: str, peer: str = "127.0.0.1", **headers: str) -> Response:
    scope = {"client": (peer, 4711)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answered = await web.app.test_client().open(path, method=method, headers=named, scope_base=scope)
    assert isinstance(answered, Response)
    return answered


async def test_an_account_that_asks_too_much_waits_and_others_do_not(make: Made, data_dir: Path) -> None:
    web = make(rate_account=1.0)
    answers = [await say(web, "GET", "/api/v1/auth/me", **BEARER) for _ in range(12)]
    assert [answered.status_code for answered in answers[:5]] == [200] * 5
    over = [answered for answered in answers if answered.status_code == 429]
    assert len(over) >= 5
    assert 1 <= int(over[0].headers["Retry-After"]) <= 6
    assert (await over[0].get_json())["detail"]["code"] == "RATE_LIMITED"
    assert (await say(web, "GET", "/health/live")).status_code == 200
    assert [each.principal for each in audited(data_dir) if each.action == "rate.account"][-1] == "user:admin"


async def test_an_address_that_asks_too_much_waits_before_its_tokens_are_looked_at(make: Made, data_dir: Path) -> None:
    web = make(rate_address=1.0)
    told = [(await say(web, "GET", "/api/v1/devices", "203.0.113.9", Authorization=f"Bearer {n}")).status_code for n in range(12)]
    assert told[:5] == [401] * 5
    assert 429 in told
    assert (await say(web, "GET", "/api/v1/auth/me", "203.0.113.10", **BEARER)).status_code == 200
    assert any(each.action == "rate.address" and each.remote == "203.0.113.9" for each in audited(data_dir))


async def test_all_workers_together_let_pass_what_one_may(redis_url: str) -> None:
    workers = [Rates(Rate(10.0, 20.0), Rate(0.0, 0.0), redis_url, "x/", lambda: 1000.0) for _ in range(3)]
    passed = 0
    for _ in range(20):
        for worker in workers:
            for _ in range(5):
                try:
                    worker.take("account", "user:a")
                    passed += 1
                except RateLimitedError:
                    pass
            await worker.share()
    assert 20 <= passed <= 60, "each its bucket of 20; what they have counted together is 70 at most"
    for worker in workers:
        worker.take("address", "anybody, as the rate is 0")
    busy = Rates(Rate(1000.0, 1000.0), Rate(0.0, 0.0), redis_url, "y/", lambda: 1000.0)
    other = Rates(Rate(1000.0, 6000.0), Rate(0.0, 0.0), redis_url, "y/", lambda: 1000.0)
    for _ in range(1000):
        busy.take("account", "user:a")
    await busy.share()
    for _ in range(5500):
        other.take("account", "user:a")
    await other.share()
    await busy.share()
    assert not other.spare("account", "user:a") or other._counts[("account", "user:a")].others == 1000


async def test_without_redis_each_worker_counts_alone(free_port: Any) -> None:
    rates = Rates(Rate(10.0, 20.0), Rate(10.0, 20.0), f"redis://127.0.0.1:{free_port()}/0", "x/", lambda: 1000.0)
    for _ in range(20):
        rates.take("account", "user:a")
    await rates.share()
    with pytest.raises(RateLimitedError):
        rates.take("account", "user:a")
    rates.take("account", "user:b")


def test_a_look_costs_a_microsecond_and_memory_is_bounded() -> None:
    rates = Rates(Rate(1e9, 1e9), Rate(1e9, 1e9), None, "")
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(1000):
            rates.spare("account", "user:ada@lab.example")
            rates.take("account", "user:ada@lab.example")
        best = min(best, (time.perf_counter() - began) / 1000)
    print(f"a count costs {best * 1e6:.2f} µs")
    assert best < 100e-6, "2 µs; a slow machine may take many times as long"
    for n in range(11_000):
        rates.take("address", str(n))
    assert len(rates._counts) == 10_000


# pages of others


async def test_no_page_of_another_origin_reads_anything(make: Made) -> None:
    web = make()
    answered = await say(web, "GET", "/api/v1/auth/me", Origin=PAGE, **BEARER)
    assert answered.status_code == 200
    assert not [name for name, _ in answered.headers if name.lower().startswith("access-control")]
    preflight = await say(web, "OPTIONS", "/api/v1/auth/me", Origin=PAGE, Access_Control_Request_Method="GET")
    assert not [name for name, _ in preflight.headers if name.lower().startswith("access-control")]


async def test_pages_that_are_named_read_with_a_token_of_their_own(make: Made) -> None:
    web = make(cors_origins=f"{PAGE}, http://localhost:5173")
    preflight = await say(web, "OPTIONS", "/api/v1/devices", Origin=PAGE, Access_Control_Request_Method="POST")
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    for headers, status in ((BEARER, 200), ({}, 401)):
        answered = await say(web, "GET", "/api/v1/auth/me", Origin=PAGE, **headers)
        assert (answered.status_code, answered.headers["Access-Control-Allow-Origin"]) == (status, PAGE)
        assert "Origin" in answered.headers["Vary"]
    for stranger in ("https://evil.example", "null", PAGE + ".evil.example", PAGE.upper(), "http://plots.lab.example"):
        for method in ("GET", "OPTIONS"):
            answered = await say(web, method, "/api/v1/auth/me", Origin=stranger, Access_Control_Request_Method="GET", **BEARER)
            assert "Access-Control-Allow-Origin" not in answered.headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LICS_CORS_ORIGINS", "*"),
        ("LICS_CORS_ORIGINS", "https://a.example/path"),
        ("LICS_CORS_ORIGINS", "plots.lab"),
        ("LICS_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("LICS_TRUSTED_PROXIES", "::/0"),
        ("LICS_TRUSTED_PROXIES", "proxy.lab"),
        ("LICS_RATE_ACCOUNT", "-1"),
    ],
)
def test_settings_that_open_the_house_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


# from where


async def test_a_trusted_proxy_is_believed_and_nobody_else(make: Made, data_dir: Path) -> None:
    web = make(trusted_proxies="10.0.0.0/8")

    async def seen(peer: str, forwarded: str) -> str | None:
        await say(web, "GET", "/api/v1/devices", peer, Authorization="Bearer x", X_Forwarded_For=forwarded)
        return audited(data_dir)[-1].remote

    assert await seen("10.0.0.1", "1.2.3.4, 203.0.113.9") == "203.0.113.9"
    assert await seen("203.0.113.8", "1.2.3.4") == "203.0.113.8"
    assert await seen("10.0.0.1", "") == "10.0.0.1"


async def test_cookies_are_secure_where_the_proxy_speaks_tls(make: Made) -> None:
    from web.proxies import Proxies

    scope = {"type": "http", "client": ("10.0.0.1", 1), "scheme": "http", "headers": [(b"x-forwarded-proto", b"https")]}
    from lics_actors.access.proxies import networks_of

    assert Proxies(networks_of("10.0.0.1")).seen(scope)["scheme"] == "https"
    assert Proxies(networks_of("10.0.0.2")).seen(scope)["scheme"] == "http"
    socket = {**scope, "type": "websocket", "scheme": "ws"}
    assert Proxies(networks_of("10.0.0.1")).seen(socket)["scheme"] == "wss"
    assert Proxies(networks_of("10.0.0.1")).seen({**socket, "client": None})["scheme"] == "ws"
    two = {**scope, "headers": [(b"X-Forwarded-For", b"1.1.1.1"), (b"x-forwarded-for", b"10.0.0.9, 2.2.2.2")]}
    assert Proxies(networks_of("10.0.0.1")).seen(two)["client"][0] == "2.2.2.2"


async def test_every_answer_carries_the_headers(make: Made) -> None:
    web = make(rate_account=1.0)
    answers = [
        await say(web, method, path, **headers)
        for method, path, headers in (
            ("GET", "/docs", {}),
            ("GET", "/redoc", {}),
            ("GET", "/docs/start.js", {}),
            ("GET", "/docs/assets/swagger_style.css", {}),
            ("GET", "/openapi.json", {}),
            ("GET", "/health/live", {}),
            ("GET", "/nowhere", {}),
            ("GET", "/api/v1/devices", {}),
            ("POST", "/api/v1/devices", BEARER),
            ("DELETE", "/api/v1/devices", BEARER),
            *[("GET", "/api/v1/auth/me", BEARER)] * 8,
        )
    ]
    assert {answered.status_code for answered in answers} >= {200, 401, 404, 405, 415, 429}
    for answered in answers:
        headers = answered.headers
        assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
        assert (headers["Referrer-Policy"], headers["Cross-Origin-Resource-Policy"]) == ("no-referrer", "same-origin")
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'unsafe-inline'" not in policy
        assert "Server" not in headers
        assert headers["Cache-Control"] in {"no-store", "public, max-age=3600", "public, max-age=86400"}


async def test_sharing_runs_while_serving(make: Made, redis_url: str) -> None:
    web = make(redis_url=redis_url, rate_account=1000.0)
    from redis.asyncio import Redis

    async with web.app.test_app(), Redis.from_url(redis_url) as redis:

        async def shared() -> bool:
            await say(web, "GET", "/api/v1/auth/me", **BEARER)  # again: at a window's end what was not shared is forgotten
            return bool([key async for key in redis.scan_iter("*lics:rate:account:*")])

        await eventually(shared, what="the counts are shared")
    await asyncio.sleep(0)
