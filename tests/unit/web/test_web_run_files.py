"""Files of runs over REST: made, listed, downloaded whole and in part; only of runs that are over."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from config.settings import Settings
from lics_actors.datafile.making import prove
from lics_actors.store.repository import Repository
from tests.contract.store_runs import KeptRun
from tests.unit.web.conftest import TOKEN, Web
from tests.unit.web.fleet_stub import FleetStub
from tests.waiting import eventually
from web.app import create_app


@pytest.fixture
async def making(data_dir: Path, database_url: str) -> AsyncIterator[Web]:
    """The application, which tells its exporting process where the database is."""
    settings = Settings(_env_file=None, data_dir=data_dir, admin_token=TOKEN, database_url=database_url, minio_endpoint=None)
    repository = await Repository.connect(database_url)
    fleet = FleetStub()
    app = create_app(settings, fleet, repository)
    async with app.test_app():
        yield Web(app, fleet, repository)
    await repository.close()


async def test_a_file_is_made_listed_and_downloaded(making: Web, tmp_path: Path) -> None:
    kept = KeptRun()
    await kept.keep(making.repository)
    address = f"/runs/{kept.run_id}/exports"
    made = await making.ask("POST", f"{address}?wait=50", json={"format": "csv"})
    assert made.status_code in {201, 202}  # 202: on a very busy machine
    place = made.headers["Location"]

    async def ready() -> Any:
        view = await (await making.ask("GET", place)).get_json()
        return view if view["state"] != "making" else None

    view = await eventually(ready, 60.0, "the file is made")
    assert place == f"/api/v1{address}/{view['id']}"
    assert (view["state"], view["name"]) == ("ready", f"run-{kept.run_id}.csv.zip"), view
    assert (await (await making.ask("GET", address)).get_json())["items"] == [view]

    taken = await making.ask("GET", f"{address}/{view['id']}/file")
    content = await taken.get_data(as_text=False)
    assert (taken.status_code, taken.headers["Content-Length"]) == (200, str(view["size"]))
    assert hashlib.sha256(content).hexdigest() == view["sha256"] == taken.headers["ETag"].strip('"')
    assert taken.headers["Content-Disposition"] == f'attachment; filename="{view["name"]}"'
    (tmp_path / view["name"]).write_bytes(content)
    assert prove(tmp_path / view["name"])[1].holds

    part = await making.ask("GET", f"{address}/{view['id']}/file", headers={"Range": "bytes=100-199"})
    assert (part.status_code, await part.get_data(as_text=False)) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    other = await making.ask("GET", f"/runs/{uuid4()}/exports/{view['id']}/file")
    assert other.status_code == 404, "a file is not given out under another run"


async def test_nobody_waits_longer_than_he_says(making: Web) -> None:
    kept = KeptRun()
    await kept.keep(making.repository)
    begun = await making.ask("POST", f"/runs/{kept.run_id}/exports?wait=0", json={})
    view = await begun.get_json()
    assert (begun.status_code, view["state"], view["format"]) == (202, "making", "nwb")
    early = await making.ask("GET", f"/runs/{kept.run_id}/exports/{view['id']}/file")
    assert (early.status_code, (await early.get_json())["detail"]["code"]) == (409, "EXPORT_NOT_READY")


async def test_a_run_that_goes_on_has_no_file(making: Web) -> None:
    kept = KeptRun()
    await kept.keep(making.repository, steps=20)
    refused = await making.ask("POST", f"/runs/{kept.run_id}/exports", json={"format": "csv"})
    assert (refused.status_code, (await refused.get_json())["detail"]["code"]) == (409, "RUN_NOT_OVER")


async def test_what_is_not_there_is_not_found(making: Web) -> None:
    kept = KeptRun()
    await kept.keep(making.repository)
    for method, path in (
        ("POST", f"/runs/{uuid4()}/exports"),
        ("GET", f"/runs/{uuid4()}/exports"),
        ("GET", f"/runs/{kept.run_id}/exports/{uuid4()}"),
        ("GET", f"/runs/{kept.run_id}/exports/{uuid4()}/file"),
    ):
        body = {"json": {"format": "csv"}} if method == "POST" else {}
        assert (await making.ask(method, path, **body)).status_code == 404, path
    assert (await making.ask("POST", f"/runs/{kept.run_id}/exports", json={"format": "doc"})).status_code == 422
    assert (await making.ask("POST", f"/runs/{kept.run_id}/exports?wait=100", json={})).status_code == 422
