"""Where files are kept: the same promises of a folder and of a server that speaks S3 (moto's, on loopback)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from config.settings import Settings
from lics_actors.datafile.storage import FileGoneError, ObjectStoreUnavailableError, Storage, storage_of

KEY = "a-laboratory/a-run/an-export.nwb"
LARGE = 12 * 1024 * 1024  # more than one part of an upload


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    boto3.client(
        "s3", endpoint_url=url, aws_access_key_id="lics", aws_secret_access_key="of-this-test", region_name="us-east-1"
    ).create_bucket(Bucket="lics")
    yield url
    server.stop()


def bucket(url: str, tmp_path: Path, name: str = "lics") -> Settings:
    secret = SecretStr("of-this-test")
    return Settings(data_dir=tmp_path, minio_endpoint=url, minio_access_key="lics", minio_secret_key=secret, export_bucket=name)


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return storage_of(Settings(data_dir=tmp_path))
    return storage_of(bucket(request.getfixturevalue("server"), tmp_path))


async def test_what_is_put_is_read_whole_and_in_part(storage: Storage, tmp_path: Path) -> None:
    content = bytes(range(256)) * (LARGE // 256)
    (tmp_path / "file").write_bytes(content)
    await storage.put(KEY, tmp_path / "file")
    opened = await storage.open(KEY)
    assert (opened.size, opened.start, opened.end) == (LARGE, 0, LARGE)
    assert b"".join([part async for part in opened.parts]) == content
    opened = await storage.open(KEY, (LARGE - 10, LARGE))
    assert (opened.size, opened.start, opened.end) == (LARGE, LARGE - 10, LARGE)
    assert b"".join([part async for part in opened.parts]) == content[-10:]


async def test_a_file_is_replaced_and_forgotten(storage: Storage, tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        (tmp_path / "file").write_bytes(content)
        await storage.put(KEY, tmp_path / "file")
    opened = await storage.open(KEY)
    assert b"".join([part async for part in opened.parts]) == b"two"
    await storage.delete(KEY)
    with pytest.raises(FileGoneError):
        await storage.open(KEY)
    await storage.delete(KEY)


async def test_a_bucket_that_nobody_made_is_told(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ObjectStoreUnavailableError, match="made by hand, once"):
        await storage_of(bucket(server, tmp_path, "nobodys")).put(KEY, tmp_path / "file")


async def test_a_server_that_is_away_is_told_without_its_secrets(tmp_path: Path, unused_tcp_port: int) -> None:
    (tmp_path / "file").write_bytes(b"x")
    storage = storage_of(bucket(f"http://127.0.0.1:{unused_tcp_port}", tmp_path))
    with pytest.raises(ObjectStoreUnavailableError, match="does not take or give") as told:
        await storage.put(KEY, tmp_path / "file")
    assert "of-this-test" not in str(told.value)
    with pytest.raises(ObjectStoreUnavailableError):
        await storage.open(KEY)


@pytest.mark.parametrize("said", ["minio:9000", "ftp://minio", "http://", "http://minio:9000/bucket"])
def test_an_address_that_is_none_stops_the_start(tmp_path: Path, said: str) -> None:
    with pytest.raises(ValueError, match="MINIO_ENDPOINT is a server's address"):
        bucket(said, tmp_path)
    assert bucket("", tmp_path).minio_endpoint is None


async def test_a_fault_of_the_library_is_told_too(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    object.__setattr__(settings, "minio_endpoint", "no address")  # past the check; obstore panics at this
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ObjectStoreUnavailableError):
        await storage_of(settings).put(KEY, tmp_path / "file")


async def test_a_folder_shows_no_file_before_it_is_whole(tmp_path: Path) -> None:
    storage = storage_of(Settings(data_dir=tmp_path))
    with pytest.raises(ObjectStoreUnavailableError):
        await storage.put(KEY, tmp_path / "there is none")
    assert [each for each in (tmp_path / "exports").rglob("*") if each.is_file()] == []
    assert (tmp_path / "exports").stat().st_mode & 0o077 == 0
