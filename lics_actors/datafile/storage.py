"""Where files of runs are kept: a folder of this host, or a bucket of S3, MinIO and the like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import obstore
from obstore.store import LocalStore, ObjectStore, S3Store

from config.settings import Settings
from lics_actors.errors import DeviceUnavailableError, NotFoundError

PART_BYTES: Final = 1 << 20  # read at a time: what a download holds in memory
ANSWER_S: Final = 10  # a bucket that takes longer for a request is not there
RETRIES: Final = 3


class ObjectStoreUnavailableError(DeviceUnavailableError):
    """The object storage does not answer, or refuses."""

    code = "OBJECT_STORE_UNAVAILABLE"


class FileGoneError(NotFoundError):
    """The file is no longer in the object storage."""

    code = "FILE_GONE"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file being read. `start` and `end`: what of its `size` bytes `parts` yields."""

    size: int
    start: int
    end: int
    parts: AsyncIterator[bytes]


class Storage:
    """Files by key. A file is there whole or not at all."""

    def __init__(self, store: ObjectStore, told: str) -> None:
        self._store, self.told = store, told

    async def put(self, key: str, path: Path) -> None:
        """Keep a file; from a folder's other files it is told apart by its whole name only when it is complete.

        Raises:
            ObjectStoreUnavailableError
        """
        with self._answering(key, ObjectStoreUnavailableError):
            await obstore.put_async(self._store, key, path)

    async def open(self, key: str, span: tuple[int, int] | None = None) -> Opened:
        """Return a file, or the bytes of `span` (from, before) of it.

        Raises:
            FileGoneError, ObjectStoreUnavailableError
        """
        with self._answering(key, FileGoneError):
            found = await obstore.get_async(self._store, key, options={} if span is None else {"range": span})
            start, end = found.range
            return Opened(found.meta["size"], start, end, self._parts(key, found))

    async def _parts(self, key: str, found: obstore.GetResult) -> AsyncIterator[bytes]:
        with self._answering(key, FileGoneError):
            async for part in found.stream(min_chunk_size=PART_BYTES):
                yield bytes(part)

    async def delete(self, key: str) -> None:
        """Forget a file; one that is not there does no harm.

        Raises:
            ObjectStoreUnavailableError
        """
        try:
            with self._answering(key, FileGoneError):
                await obstore.delete_async(self._store, key)
        except FileGoneError:
            pass

    @contextmanager
    def _answering(self, key: str, missing: type[FileGoneError | ObjectStoreUnavailableError]) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:  # of a bucket, too, that is not there
            raise missing(f"{self.told} has no such place or file; a bucket is made by hand, once", key=key) from None
        except Exception as error:  # noqa: BLE001 - a panic of the library comes as a kind of its own
            said = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ObjectStoreUnavailableError(f"{self.told} does not take or give the file: {said}", key=key) from None


def storage_of(settings: Settings) -> Storage:
    """Return the bucket of the settings where `MINIO_ENDPOINT` is set, and the data directory's folder `exports` elsewhere.

    Raises:
        OSError: the folder cannot be made.
    """
    if settings.minio_endpoint is None:
        settings.export_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Storage(LocalStore(settings.export_dir), "the folder of exports")
    secret = settings.minio_secret_key
    store = S3Store(
        settings.export_bucket,
        endpoint=settings.minio_endpoint,
        access_key_id=settings.minio_access_key or "",
        secret_access_key=secret.get_secret_value() if secret else "",
        region=settings.export_region,
        virtual_hosted_style_request=False,
        client_options={"allow_http": settings.minio_endpoint.startswith("http://"), "timeout": timedelta(seconds=ANSWER_S)},
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=3 * ANSWER_S)},
    )
    return Storage(store, f"the bucket {settings.export_bucket}")
