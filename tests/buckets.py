"""An S3 service on this machine, over HTTP, and faults that it can be told to have."""

from __future__ import annotations

import functools
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config
from django.core.files.storage import storages
from pytest_django import Settings

from shoplift_site import env
from video_classifier.integrations.bucket import Bucket
from video_classifier.services import model_copies, stored_models

KEY, SECRET = "key", "se/cret"
XML = [("Content-Type", "application/xml")]

HANGS = 3.0  # seconds

Start = Callable[..., Any]


@dataclass
class Service:
    """Moto's, on a free port; `fault` is what it does wrong to whatever asks."""

    app: Callable[[dict[str, Any], Start], Iterable[bytes]]
    address: str = ""
    fault: str = ""  # "403", "500", "503", "cut", "hangs" or ""
    only: str = ""  # the method that it is wrong of; "" for all
    asked: list[str] = field(default_factory=list)  # methods and paths

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        self.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        if self.only and environ["REQUEST_METHOD"] != self.only:
            return self.app(environ, start)
        if self.fault == "hangs":
            time.sleep(HANGS)
        if self.fault in {"403", "500", "503"}:
            start(f"{self.fault} Fault", XML)
            return [b"<Error><Code>Fault</Code><Message>told so</Message></Error>"]
        answer = self.app(environ, start)
        return _first_half(answer) if self.fault == "cut" else answer


def _first_half(answer: Iterable[bytes]) -> Iterator[bytes]:
    content = b"".join(answer)
    if content:
        yield content[: len(content) // 2]
    msg = "the connection is cut"
    raise ConnectionAbortedError(msg)


@functools.cache
def _loader(path: str | None) -> botocore.loaders.Loader:
    """One for all: each bucket's own would read the long descriptions of the service anew."""
    return botocore.loaders.create_loader(path)


@pytest.fixture(scope="session")
def s3() -> Iterator[Service]:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    service = Service(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, service, threaded=True)
    service.address = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", _loader)
        yield service
    server.shutdown()
    thread.join()


def address_of(service: Service, bucket: str) -> str:
    """As STORAGE_URL has it."""
    return f"s3://{KEY}:{SECRET.replace('/', '%2F')}@{bucket}?endpoint={service.address}"


def hurry(bucket: Bucket) -> None:
    """From now on it waits for no more that never comes. Else it waits as long as is shipped:
    on a busy machine Moto takes its time.
    """
    least = Config(connect_timeout=HANGS - 1, read_timeout=HANGS - 1)
    bucket.client_config = bucket.client_config.merge(least)
    bucket._made = {}


@pytest.fixture
def bucket(s3: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The site's storage, empty."""
    name = f"shoplift-{uuid.uuid4()}"
    client = boto3.client(
        "s3",
        endpoint_url=s3.address,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket=name)
    monkeypatch.setenv("STORAGE_URL", address_of(s3, name))
    settings.STORAGES = settings.STORAGES | {"default": env.storage("STORAGE_URL")}
    settings.STORAGE_ORIGIN = s3.address
    found = storages["default"]
    assert isinstance(found, Bucket)
    s3.asked.clear()
    for each in (stored_models, model_copies):
        each.forget()
    yield found
    s3.fault = s3.only = ""
