"""Where a clip is from is chosen before it is sent, by mouse or by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import FilePayload, Page, expect
from pytest_django import Settings

from tests.conftest import MakeStore
from tests.makers import videos
from video_classifier.models import Camera, Store
from video_classifier.services import accounts
from video_classifier.states import Role

pytestmark = pytest.mark.browser

CLIP: FilePayload = {"name": "till.mp4", "mimeType": "video/mp4", "buffer": b"x" * 2000}


@pytest.fixture(autouse=True)
def _still(site: str, settings: Settings) -> None:
    """Nothing is analyzed."""
    settings.RUNNER = "none"


@pytest.fixture
def stores(user: User, make_store: MakeStore) -> dict[str, Store]:
    """North with two cameras, South with one, and Main with none."""
    made = {name: make_store(name) for name in ("North", "South")}
    for name, cameras in {"North": ("Till 1", "Till 2"), "South": ("Door",)}.items():
        accounts.join(user, made[name], Role.ANALYST)
        for camera in cameras:
            Camera.objects.create(store=made[name], name=camera)
    return made


@pytest.fixture
def page(stores: dict[str, Store], page: Page) -> Page:
    """The stores are opened before the browser starts."""
    return page


def test_the_cameras_are_those_of_the_store(page: Page) -> None:
    store, camera = page.get_by_label("Store"), page.get_by_label("Camera")
    offered = camera.locator("option")

    expect(camera).to_be_hidden()  # no store is chosen yet
    store.select_option("North")
    expect(offered).to_have_text(["Not known", "Till 1", "Till 2"])
    camera.select_option("Till 2")
    store.select_option("South")
    expect(offered).to_have_text(["Not known", "Door"])
    expect(camera).to_have_value("")
    store.select_option("Main")
    expect(camera).to_be_hidden()


def test_a_clip_is_sent_with_what_is_chosen(page: Page, tmp_path: Path) -> None:
    video = videos.write(tmp_path / "till.mp4")
    page.get_by_label("Store").select_option("North")
    page.get_by_label("Camera").select_option("Till 2")

    page.get_by_label("Clips", exact=True).set_input_files([video])
    page.get_by_label("Store").select_option("South")  # is of no matter to what is on its way

    expect(page.locator("[data-uploads] [data-receipt]")).to_contain_text("North · Till 2")
    page.reload()
    expect(page.get_by_label("Store").locator("option:checked")).to_have_text("North")
    expect(page.get_by_label("Camera").locator("option:checked")).to_have_text("Till 2")


def test_without_a_store_nothing_is_sent_and_the_choice_gets_the_focus(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    page.get_by_label("Clips", exact=True).set_input_files([CLIP])

    expect(page.get_by_label("Store")).to_be_focused()
    expect(page.locator("[data-uploads] [data-receipt]")).to_have_count(0)
    assert "POST" not in sent


def test_the_keyboard_is_enough_to_choose(page: Page) -> None:
    page.get_by_label("Store").focus()
    page.keyboard.press("N")  # of several, a late one would begin another name
    page.keyboard.press("Tab")
    expect(page.get_by_label("Camera")).to_be_focused()
    page.keyboard.press("T")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Recording time", exact=True)).to_be_focused()
    page.keyboard.press("Tab")

    expect(page.get_by_label("Clips", exact=True)).to_be_focused()
    expect(page.get_by_label("Store").locator("option:checked")).to_have_text("North")
    expect(page.get_by_label("Camera").locator("option:checked")).to_have_text("Till 1")
