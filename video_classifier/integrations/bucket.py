"""A bucket of an S3-compatible service as Django's storage: streamed, listed by pages, signed."""

from __future__ import annotations

import mimetypes
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import File
from s3transfer.exceptions import RetriesExceededError
from storages.backends.s3 import S3Storage

from video_classifier.integrations.remote import Entry, StorageError

PART = 8 * 1024**2  # bytes of a large file that are sent at once
PARTS_AT_ONCE = 2
IN_MEMORY = 1024**2  # bytes of a file that is read here; more go to the disk
WRITERS = 8  # of small files
AT_ONCE = 1000  # keys that one request may list or delete, by the protocol
NOT_FOUND = 404
CACHING = "private, no-store"  # a desk may be shared


class Bucket(S3Storage):  # type: ignore[misc]
    """What exists is overwritten: names are unique, or belong to a row that is written again."""

    def __init__(  # noqa: PLR0913
        self, *, key: str, secret: str, bucket: str, endpoint: str, region: str, public: str
    ) -> None:
        self._public = public
        self._making = threading.Lock()
        self._made: dict[int, tuple[Any, Any]] = {}  # by process: sockets are not shared by forks
        super().__init__(
            access_key=key,
            secret_key=secret,
            security_token=None,
            session_profile=None,
            bucket_name=bucket,
            endpoint_url=endpoint,
            region_name=region or None,
            file_overwrite=True,
            max_memory_size=IN_MEMORY,
            client_config=_config(),
            transfer_config=_transfers(),
        )

    @property
    def connection(self) -> Any:
        """One for all threads: it is their clients that take long to make, and they can share."""
        return self._connected()[0]

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _connected(self) -> tuple[Any, Any]:
        """What works in the bucket, and what signs addresses."""
        with self._making:
            if os.getpid() not in self._made:
                self._bucket = None  # which has its connection
                self._made = {os.getpid(): (self._connect(), self._signer())}
            return self._made[os.getpid()]

    def _connect(self) -> Any:
        return self._create_session().resource(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            config=self.client_config,
        )

    def _signer(self) -> Any:
        """Speaks to nobody: the host that browsers ask is a part of what is signed."""
        return self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self._public or self.endpoint_url,
            config=self.client_config,
        )

    def _key(self, name: str) -> str:
        return str(self._normalize_name(name))

    # Django's interface, whose errors become ours

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        with _translated(name):
            opened: File[bytes] = super()._open(name, mode)
            opened.file  # noqa: B018  (fetched now, so that a failure shows here)
            return opened

    def _save(self, name: str, content: File[bytes]) -> str:
        with _translated(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with _translated(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _translated(name):
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with _translated(name):
            return int(super().size(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with _translated(path):
            folders, names = super().listdir(path)
            return folders, names

    # integrations.remote.Remote

    def entries(self, folder: str) -> Iterator[Entry]:
        pages = self._client.get_paginator("list_objects_v2")
        asked = {"Bucket": self.bucket_name, "Prefix": f"{folder}/"}
        with _translated(folder):
            for page in pages.paginate(**asked, PaginationConfig={"PageSize": AT_ONCE}):
                for each in page.get("Contents", ()):
                    yield Entry(name=each["Key"], size=each["Size"], modified=each["LastModified"])

    def fetch(self, name: str, target: IO[bytes]) -> None:
        with _translated(name):
            self._client.download_fileobj(
                self.bucket_name, self._key(name), target, Config=self.transfer_config
            )

    def write(self, files: Mapping[str, bytes]) -> None:
        with ThreadPoolExecutor(WRITERS) as pool:
            for _ in pool.map(self._write, files.keys(), files.values()):
                pass  # raises what writing did

    def _write(self, name: str, content: bytes) -> None:
        kind = mimetypes.guess_type(name)[0] or self.default_content_type
        with _translated(name):
            self._client.put_object(
                Bucket=self.bucket_name, Key=self._key(name), Body=content, ContentType=kind
            )

    def remove(self, names: Iterable[str]) -> None:
        keys = iter([self._key(name) for name in names])
        while some := list(islice(keys, AT_ONCE)):
            with _translated(some[0]):
                self._remove(some)

    def _remove(self, keys: list[str]) -> None:
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        try:
            answer = self._client.delete_objects(Bucket=self.bucket_name, Delete=wanted)
        except ClientError:  # some services want a checksum here that others don't know
            for key in keys:
                self._client.delete_object(Bucket=self.bucket_name, Key=key)
        else:
            for failed in answer.get("Errors", ()):
                msg = f"{failed['Key']} could not be removed: {failed['Code']}"
                raise StorageError(msg)

    def abort_uploads(self, folder: str, *, before: datetime) -> int:
        pages, aborted = self._client.get_paginator("list_multipart_uploads"), 0
        with _translated(folder):
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=f"{folder}/"):
                for each in page.get("Uploads", ()):
                    if each["Initiated"] < before:
                        self._client.abort_multipart_upload(
                            Bucket=self.bucket_name, Key=each["Key"], UploadId=each["UploadId"]
                        )
                        aborted += 1
        return aborted

    def address(self, name: str, *, lasts: timedelta, content_type: str, disposition: str) -> str:
        asked = {
            "Bucket": self.bucket_name,
            "Key": self._key(name),
            "ResponseContentType": content_type,
            "ResponseContentDisposition": disposition,
            "ResponseCacheControl": CACHING,
        }
        signed = self._connected()[1].generate_presigned_url(
            "get_object", Params=asked, ExpiresIn=int(lasts.total_seconds())
        )
        return str(signed)


def _config() -> Config:
    """Nobody waits for ever, and services other than Amazon's are asked what all understand."""
    return Config(
        max_pool_connections=4 * WRITERS,
        connect_timeout=settings.STORAGE_TIMEOUT,
        read_timeout=settings.STORAGE_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": 3},
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _transfers() -> TransferConfig:
    transfers = TransferConfig(
        multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=PARTS_AT_ONCE
    )
    transfers.max_in_memory_upload_chunks = PARTS_AT_ONCE  # else ten
    transfers.max_in_memory_download_chunks = PARTS_AT_ONCE
    return transfers


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Raises FileNotFoundError and StorageError, neither of which has an address or a key in it."""
    try:
        yield
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == NOT_FOUND:
            msg = f"There is no {name} in the storage."
            raise FileNotFoundError(msg) from error
        msg = f"The storage refuses {name}: {error.response.get('Error', {}).get('Code')}"
        raise StorageError(msg) from error
    except (BotoCoreError, Boto3Error, RetriesExceededError) as error:
        msg = f"The storage can't be reached for {name}: {type(error).__name__}"
        raise StorageError(msg) from error
