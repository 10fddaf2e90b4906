"""An upload that arrives whatever happens: pauses, lost connections, reloads, a killed server."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts._lib.site_under_test import Site
from tests.browser.conftest import open_signed_in
from tests.browser.line import Line
from tests.conftest import Migrated
from tests.makers import videos

pytestmark = pytest.mark.browser

SIZE = 20 * 1024 * 1024  # some pieces
SO_MUCH = 11 * 1024 * 1024  # goes at first: one piece, and some of the next
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated) -> Iterator[Site]:
    """The site as shipped, which can be killed; nobody analyzes."""
    data = migrated(tmp_path_factory.mktemp("data"))
    server = Site(data, RUNNER="none", WAITING_PER_USER="2")
    server.start()
    server.sign_in()
    yield server
    server.stop()


@pytest.fixture
def server(started: Site) -> Site:
    """With nothing in it."""
    if not started.is_healthy():  # a test killed it
        started.start()
    tables = ("segment", "analysis", "upload", "clip")
    with closing(sqlite3.connect(started.data / "db.sqlite3", timeout=20)) as database, database:
        for table in tables:
            database.execute(f"DELETE FROM video_classifier_{table}")  # noqa: S608
    for path in (started.data / "uploads").rglob("*.*"):
        path.unlink()
    return started


@pytest.fixture
def line(server: Site) -> Iterator[Line]:
    """Stands still in the middle of an upload."""
    line = Line(server.address, still_after=SO_MUCH)
    yield line
    line.close()


@pytest.fixture
def site(line: Line) -> str:
    return line.address


@pytest.fixture
def page(browser: Browser, server: Site, site: str) -> Page:
    return open_signed_in(browser, server, site)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return videos.enlarge(videos.write(tmp_path / "till_20261126_143000.mp4", 30), SIZE)


def choose(page: Page, *paths: Path) -> Locator:
    page.get_by_label("Clips", exact=True).set_input_files(list(paths))
    return page.locator("[data-uploads] [data-receipt]")


@pytest.fixture
def row(page: Page, recording: Path) -> Locator:
    """Of the recording, which is sent until it stands still in the middle."""
    row = choose(page, recording)
    # After 40 % the first piece is sent, but may not have arrived.
    expect(row).to_contain_text(re.compile(r"Sending, [5-9]\d %"), timeout=PATIENCE)
    return row


def reload(page: Page) -> None:
    """The page asks whether to leave."""
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()


def arrived(server: Site) -> int:
    (row,) = server.rows("SELECT received_bytes FROM video_classifier_upload")
    return int(row[0])


def assert_arrives(row: Locator, server: Site, recording: Path) -> None:
    expect(row.get_by_role("link", name=recording.name)).to_be_visible(timeout=PATIENCE)
    ((stored,),) = server.rows("SELECT file FROM video_classifier_clip")
    assert (server.data / "media" / stored).read_bytes() == recording.read_bytes()


TAKEN = re.compile("Waiting")  # for a worker: the analysis is queued


def test_is_paused_and_resumed_by_keyboard(
    page: Page, row: Locator, server: Site, line: Line, recording: Path
) -> None:
    progress = row.get_by_role("progressbar", name=f"{recording.name}, sent")
    expect(progress).to_be_visible()

    row.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")

    expect(row).to_contain_text(re.compile(r"Paused, \d+ %, [\d.]+ MB of 20\.0 MB"))
    expect(page.get_by_role("status")).to_contain_text("is paused")
    expect(row.get_by_role("button", name="Resume")).to_be_focused()
    assert 0 < arrived(server) < SIZE
    line.go()
    page.keyboard.press("Enter")
    assert_arrives(row, server, recording)


def test_goes_on_by_itself_after_a_lost_connection(
    page: Page, row: Locator, server: Site, line: Line, recording: Path
) -> None:

    line.cut()
    expect(row).to_contain_text("Connection lost. Trying again in")
    page.wait_for_timeout(1500)
    line.go()
    line.mend()

    assert_arrives(row, server, recording)


@pytest.mark.usefixtures("row")
def test_goes_on_after_a_reload_once_the_file_is_chosen_again(
    page: Page, server: Site, line: Line, recording: Path
) -> None:
    reload(page)
    unfinished = page.get_by_role("region", name="Unfinished uploads")
    expect(unfinished).to_contain_text(re.compile(r"[\d.]+\sMB of 20\.0\sMB have arrived"))
    before = arrived(server)
    line.go()
    sent: list[str] = []
    page.on(
        "request", lambda each: sent.append(f"{each.method} {each.headers.get('upload-offset')}")
    )

    row = choose(page, recording)

    expect(unfinished).to_have_count(0)
    assert_arrives(row, server, recording)
    assert [each for each in sent if each.startswith("POST")] == []
    first = next(each for each in sent if each.startswith("PATCH"))
    assert int(first.split()[1]) >= before > 0  # what was still on the line may have come since


def test_goes_on_after_the_server_was_killed(
    row: Locator, server: Site, line: Line, recording: Path
) -> None:

    server.kill()
    line.go()
    expect(row).to_contain_text("Connection lost")
    before = arrived(server)
    server.start()

    assert 0 < before < SIZE
    assert_arrives(row, server, recording)


def test_what_is_discarded_is_gone_on_the_server_too(
    page: Page, row: Locator, server: Site, recording: Path
) -> None:
    row.get_by_role("button", name="Pause").click()
    reload(page)

    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.get_by_role("button", name=f"Discard {recording.name}").click()

    expect(page.get_by_role("button", name=f"Discard {recording.name}")).to_have_count(0)
    assert server.rows("SELECT * FROM video_classifier_upload") == []
    assert list((server.data / "uploads" / "resumable").iterdir()) == []


def test_of_500_files_at_once_those_that_the_queue_does_not_take_wait_for_it(
    page: Page, server: Site, tmp_path: Path
) -> None:
    paths = [videos.write(tmp_path / f"{number:03}.mp4", 10 + number) for number in range(4)]
    for number in range(4, 500):
        paths.append(tmp_path / f"{number:03}.mp4")
        paths[-1].hardlink_to(paths[3])

    rows = choose(page, *paths)

    expect(rows).to_have_count(500)
    expect(rows.nth(1).get_by_role("link")).to_be_visible(timeout=PATIENCE)
    expect(rows.nth(2)).to_contain_text("Try again when some of them are done")
    expect(rows.nth(3)).to_contain_text("Waiting to be sent")
    expect(rows.nth(499)).to_contain_text("Waiting to be sent")
    rows.nth(2).get_by_role("button", name="Cancel").click()
    expect(rows.nth(2)).to_contain_text("Cancelled")


MAKE_FOLDER = """async ([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const fileEntry = (called, parts) => ({
    isFile: true, name: called, fullPath: `/2026-11-26/${called}`,
    file: (resolve) => resolve(new File(parts, called)),
  });
  let read = false;
  const folder = {
    isFile: false, isDirectory: true, name: "2026-11-26", fullPath: "/2026-11-26",
    createReader: () => ({
      readEntries: (resolve) => {
        const some = read ? [] : [fileEntry(name, [bytes]), fileEntry("Thumbs.db", ["x"])];
        read = true;
        resolve(some);
      },
    }),
  };
  const event = new Event("drop", { bubbles: true, cancelable: true });
  event.dataTransfer = { types: ["Files"], files: [], items: [{ webkitGetAsEntry: () => folder }] };
  document.querySelector("[data-drop-zone]").dispatchEvent(event);
}"""


def test_a_folder_is_gone_through_for_its_videos(page: Page, server: Site, tmp_path: Path) -> None:
    content = videos.write(tmp_path / "14.30.00.mp4", 10).read_bytes()

    page.evaluate(MAKE_FOLDER, ["14.30.00.mp4", base64.b64encode(content).decode()])

    rows = page.locator("[data-uploads] [data-receipt]")
    expect(rows.get_by_role("link", name="14.30.00.mp4")).to_be_visible(timeout=PATIENCE)
    expect(rows).to_have_count(1)
    (row,) = server.rows("SELECT recorded_at, recorded_from FROM video_classifier_clip")
    assert row == ("2026-11-26 14:30:00", "name")
