"""The child that tries cameras out, against a simulated one."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import create_server

import pytest
from PIL import Image
from pytest_django import Settings

from scripts._lib import ports
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.credentials import Credentials
from tests.makers.cameras import url_of
from tests.makers.feeds import make_feed
from video_classifier.services import addresses, camera_tests
from video_classifier.services.camera_tests import CameraFaultError
from video_classifier.states import Fault
from video_classifier.watching import test_process as process
from video_classifier.watching.test_process import Order


@pytest.fixture(autouse=True)
def _own_machine(settings: Settings) -> None:
    settings.CAMERA_NETWORKS = ["127.0.0.0/8"]


@contextmanager
def camera(clip: Path, scheme: str, password: str = "") -> Iterator[Camera]:
    known = Credentials(user="ada", password=password) if password else None
    with Camera([clip], only=scheme, credentials=known) as found:
        yield found


def try_out(url: str, folder: Path, seconds: float = 60.0) -> dict[str, object]:
    address = addresses.parse(url)
    order = Order(
        address=address, machines=addresses.checked(address), folder=folder, seconds=seconds
    )
    return process.answer(order)


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_camera_that_works_gives_a_second_of_video(
    clip: Path, tmp_path: Path, scheme: str
) -> None:
    with camera(clip, scheme) as found:
        answer = try_out(url_of(found, scheme), tmp_path)

    assert (answer["width"], answer["height"]) == (320, 240)
    assert (tmp_path / str(answer["file"])).stat().st_size > 1000


@pytest.mark.parametrize(
    ("broken", "fault", "seconds"),
    [
        ("silence", Fault.NO_DATA, 3.0),
        ("stall", Fault.NO_DATA, 3.0),
        ("keyless", Fault.NO_KEYFRAME, 5.0),
        ("password", Fault.PASSWORD, 60.0),
        ("audio", Fault.NO_VIDEO, 60.0),
    ],
)
def test_what_is_wrong_is_named(
    clip: Path, tmp_path: Path, broken: str, fault: Fault, seconds: float
) -> None:
    with camera(clip, "rtsp") as found:
        found.faults.set(**{broken: True})
        answer = try_out(url_of(found, "rtsp"), tmp_path, seconds)

    assert answer == {"fault": fault}


def test_a_redirect_to_an_inner_address_is_not_followed(clip: Path, tmp_path: Path) -> None:
    with closing(create_server(("127.0.0.1", 0))) as inner, camera(clip, "http") as found:
        inner.settimeout(0.1)
        found.faults.set(redirect=f"http://127.0.0.1:{inner.getsockname()[1]}/")
        answer = try_out(url_of(found, "http"), tmp_path)

        assert answer == {"fault": Fault.REDIRECT}
        with pytest.raises(TimeoutError):
            inner.accept()


def test_where_nobody_listens_there_is_no_connection(tmp_path: Path) -> None:
    assert try_out(f"rtsp://127.0.0.1:{ports.free()}/", tmp_path) == {"fault": Fault.REFUSED}


@pytest.mark.django_db
def test_as_a_child_it_shows_the_picture(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_tests, "SECONDS", 60.0)
    with camera(clip, "rtsp", password="pa55word") as found:
        tried = camera_tests.try_out(make_feed(address=url_of(found, "rtsp")))

    with Image.open(io.BytesIO(tried.picture)) as picture:
        assert picture.size == (320, 240)
    assert (tried.codec, tried.width, tried.height) == ("h264", 320, 240)


@pytest.mark.django_db
def test_as_a_child_it_names_a_wrong_password(clip: Path) -> None:
    with camera(clip, "rtsp", password="pa55word") as found:
        url = url_of(found, "rtsp").replace("pa55word", "wrong")
        with pytest.raises(CameraFaultError) as caught:
            camera_tests.try_out(make_feed(address=url))

    assert caught.value.fault == Fault.PASSWORD
    assert threading.active_count() < 50
