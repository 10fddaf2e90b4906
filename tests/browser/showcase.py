"""A site with something of everything on it, work running, and the way to each of its views."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import av
import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect

from tests.conftest import (
    PASSWORD,
    MakeAnalysis,
    MakeClip,
    MakeStore,
    claimed,
    make_segment,
    segment_of,
)
from tests.makers import recordings, scenes
from tests.makers.fake_watcher import FakeWatcher
from tests.makers.live_cameras import faulty, make_event, make_feed
from video_classifier.ml.contracts import Image
from video_classifier.ml.serving import no_result
from video_classifier.models import (
    Analysis,
    ApiKey,
    Camera,
    Clip,
    Feed,
    FeedHour,
    HeatMap,
    Track,
    Upload,
)
from video_classifier.services import (
    accounts,
    api_keys,
    catalog,
    evidence,
    files,
    recording_times,
    segments,
    trash,
)
from video_classifier.states import (
    FeedState,
    Playback,
    Prediction,
    RecordedFrom,
    Role,
    Scope,
    Stage,
    Status,
    View,
)

LONG = (
    "NVR-07_Filiale-Hauptstrasse_Kamera-12-Eingang-links_"
    "2026-11-24_21-58-03_2026-11-24_22-03-41.mp4"
)
MODEL = "person_ensemble"
RECORDED = datetime(2026, 11, 24, 21, 58, 3, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page, or a state of one."""

    name: str
    open: Callable[[Page], object]


def at(name: str, address: str) -> Seen:
    return Seen(name=name, open=lambda page: page.goto(address))


def unfolded(name: str, address: str, which: str = "main details:not([name])") -> Seen:
    """A page with what it shows to who asks, but where one closes the other."""

    def unfold(page: Page) -> None:
        page.goto(address)
        page.eval_on_selector_all(which, "all => all.forEach(each => { each.open = true; })")

    return Seen(name=name, open=unfold)


def furnish(
    folder: Path,
    user: User,
    *,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
) -> dict[str, Analysis]:
    """Fills the site; gives an analysis in each state, by its name. “root” administers it."""
    User.objects.create_superuser("root", password=PASSWORD)
    content = scenes.write(folder / "scene.mp4", 3).read_bytes()
    frames = _frames(folder / "scene.mp4")
    sha256 = catalog.usable(MODEL).sha256
    facts = {"width": 160, "height": 120, "duration": 6.0, "frame_rate": 15.0}

    def make(
        name: str, status: Status, *, clip: dict[str, Any] | None = None, **more: Any
    ) -> Analysis:
        owned: dict[str, Any] = {"uploaded_by": user, **facts, **(clip or {})}
        return make_analysis(
            clip=make_clip(name=name, content=content + name[:4].encode(), **owned),
            model=MODEL,
            requested_by=user,
            status=status,
            **more,
        )

    done: dict[str, Any] = {
        "view": View.PERSON,
        "threshold": 0.89,
        "model_sha256": sha256,
        "frame_times": [round(n * 0.37, 2) for n in range(16)],
        "seconds_reading": 1.2,
        "seconds_finding": 0.9,
        "seconds_classifying": 0.4,
    }
    made = {
        "hint": make(
            "till_3_evening.mp4",
            Status.DONE,
            score=0.93,
            decided_by=1,
            tracks_found=2,
            clip={"recorded_at": RECORDED, "recorded_from": RecordedFrom.NAME},
            **done,
        ),
        "no hint": make(
            LONG,
            Status.DONE,
            score=0.12,
            prediction=Prediction.NO_HINT,
            decided_by=1,
            tracks_found=2,
            clip={"recorded_note": recording_times.NO_DAY},
            warnings=["Only the first 6.0 s of 14.0 s could be read."],
            **done,
        ),
        "not mine": make(
            "aisle 4.mp4",
            Status.DONE,
            score=0.41,
            prediction=Prediction.NO_HINT,
            decided_by=1,
            clip={"uploaded_by": User.objects.create_user("grace")},
            **done,
        ),
        "no result": make(
            "store room.mp4",
            Status.DONE,
            prediction=Prediction.NO_RESULT,
            reason=no_result.NOBODY,
            score=None,
            **done | {"threshold": None},
        ),
        "failed": make(
            "broken.mp4",
            Status.FAILED,
            error="The clip ends after 0.3 s. Export it again, or upload the original.",
        ),
        "unplayable": make(
            "old_recorder.avi",
            Status.FAILED,
            error="No pictures could be read.",
            clip={"playback": Playback.NONE},
        ),
        "running": make("entrance.mp4", Status.RUNNING, stage=Stage.FINDING),
        "recording": make(LONG.replace("12", "15"), Status.RUNNING, clip={"duration": 600.0}),
        "paused": make(LONG.replace("12", "16"), Status.PAUSED, clip={"duration": 600.0}),
        "queued": make("exit.mp4", Status.QUEUED, clip={"playback": Playback.WANTED}),
        "trashed": make(LONG.replace("12", "14"), Status.QUEUED),
        "last in the queue": make(LONG.replace("12", "13"), Status.QUEUED),
    }
    for name in ("recording", "paused"):
        _cut(made[name])
    owned = {"uploaded_by": user, **facts, "duration": 6 * 3600.0}
    made["hours"] = _hours(
        make_clip(name=LONG.replace("12", "17"), content=content, **owned), frames
    )
    trash.put(made["trashed"].clip, by=user)
    for analysis in (made["hint"], made["no hint"], made["not mine"], made["no result"]):
        for number in (1, 2) if analysis.decided_by else ():
            _follow(analysis, number, frames)
        names = evidence.frame_files(analysis)
        files.write({names[n]: evidence.jpeg(frames[n], 80) for n in range(16)})
    Upload.objects.create(
        user=user,
        name=LONG,
        size_bytes=3 * 1024**3,
        received_bytes=1024**3,
        store=made["hint"].clip.store,
        model=MODEL,
        expires_at=timezone.now() + timedelta(hours=20),
    )
    _make_keys(user)
    HeatMap.objects.create(
        analysis=made["hint"], status=Status.DONE, drops=[[0.31, 0.02], [0.05, 0.0]]
    )
    files.write(
        {evidence.heat_file(made["hint"], n): evidence.jpeg(frames[n] // 2, 80) for n in range(16)}
    )
    return made


def _make_keys(user: User) -> None:
    """One that is used, with a long name; one that never expires; and two that are no more."""
    now = timezone.now()
    used, _, expired, revoked = (
        api_keys.create(user, name=name, scopes=list(Scope)[:several], days=days, by=user)[0]
        for name, several, days in (
            ("Nightly export of all results, for the weekly report of the head office", 2, 90),
            ("Till 3", 1, None),
            ("Trial", 1, 30),
            ("x" * 80, 2, 365),
        )
    )
    ApiKey.objects.filter(pk=used.pk).update(last_used_at=now)
    ApiKey.objects.filter(pk=expired.pk).update(
        created_at=now - timedelta(days=40), expires_at=now - timedelta(days=10)
    )
    api_keys.revoke(revoked, by=user)


def _hours(clip: Clip, frames: list[Image]) -> Analysis:
    """Six of them with three events; two minutes failed, and for an hour nobody is there."""
    made = recordings.analyzed(
        clip,
        minutes=360,
        events={5000.0: 0.7, 12_030.0: 0.95, 18_000.0: 0.64},
        failed=dict.fromkeys((100, 101), segments.GIVEN_UP.format(attempts=3)),
        nobody=range(120, 180),
        tracks=2,
        model=MODEL,
        model_sha256=catalog.usable(MODEL).sha256,
    )
    for event in made.events.select_related("track__segment"):
        assert event.track is not None
        crops = (evidence.crop_file(event.track, number) for number in range(4))
        names = (evidence.still_file(event.track), *crops)
        files.write(dict.fromkeys(names, evidence.jpeg(frames[event.number], 80)))
    return made


def _cut(analysis: Analysis) -> None:
    """Ten minutes: two are done, the third failed, the fourth runs and the rest waits."""
    done = {"status": Status.DONE, "reason": no_result.NOBODY, "seconds_reading": 40.0}
    failed = {"status": Status.FAILED, "error": segments.GIVEN_UP.format(attempts=3)}
    rest = Status.PAUSED if analysis.status == Status.PAUSED else Status.QUEUED
    analysis.segments.update(end=60.0, **done)
    states: list[dict[str, Any]] = [done, failed, claimed(timezone.now()) | {"status": "running"}]
    for number, state in enumerate([*states, *[{"status": rest} for _ in range(6)]], 2):
        start = 60.0 * (number - 1)
        make_segment(analysis, number=number, start=start, end=start + 60, **state)


def open_stores(user: User, made: dict[str, Analysis], *, make_store: MakeStore) -> None:
    """Two more stores of the user's, one with cameras, from which half of the clips are."""
    harbour = make_store("Harbour Street, with a name that needs some room")
    cameras = [Camera.objects.create(store=harbour, name=name) for name in ("Till 3", "Entrance")]
    for store in (harbour, make_store("Old Town")):
        accounts.join(user, store, Role.ANALYST)
    for number, analysis in enumerate([*made.values()][::2]):
        Clip.objects.filter(pk=analysis.clip_id).update(store=harbour, camera=cameras[number % 2])


def _frames(video: Path) -> list[Image]:
    with av.open(video) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [np.asarray(pictures[n * len(pictures) // 16], np.uint8) for n in range(16)]


def _follow(analysis: Analysis, number: int, frames: list[Image]) -> None:
    left = 0.1 if number == 1 else 0.6
    track = Track.objects.create(
        analysis=analysis,
        segment=segment_of(analysis),
        number=number,
        number_in_segment=number,
        score=(analysis.score or 0.0) if number == 1 else 0.08,
        times=[0.0, 5.5],
        boxes=[[left, 0.2, left + 0.25, 0.95], [left + 0.15, 0.15, left + 0.4, 0.9]],
        crop_times=analysis.frame_times,
        windows=_windows(analysis.score or 0.0)
        if number == 1
        else [[2.0, 3.9, 0.05], [3.0, 4.9, 0.08]],
    )
    files.write(
        {
            evidence.crop_file(track, n): evidence.jpeg(
                frame[20:100, int(left * 160) : int(left * 160) + 60], 90
            )
            for n, frame in enumerate(frames)
        }
    )


def _windows(highest: float) -> list[list[float]]:
    """Of 2 s, one a second; the third is the highest."""
    shares = (0.1, 0.4, 1.0, 0.6)
    return [[at, at + 1.9, round(share * highest, 4)] for at, share in enumerate(shares)]


def signed_out() -> Iterable[Seen]:
    def fail(page: Page) -> None:
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".errorlist")).to_be_visible()

    yield Seen(name="sign-in-failed", open=fail)


def signed_in(made: dict[str, Analysis]) -> Iterable[Seen]:
    """Every page and dialog of a user, with all that it unfolds."""
    yield unfolded("upload", "/")
    yield Seen(name="upload-receipts", open=_submit("[data-module=upload] form"))
    yield at("history", "/history/")
    yield Seen(name="history-filters", open=_filters)
    yield at("history-nothing", f"/history/?text={'nothing' * 10}&status=failed")
    yield at("history-invalid", "/history/?since=2026-12-01&until=2026-11-01")
    yield Seen(name="menu-theme", open=_press("/history/", "Theme"))
    yield Seen(name="menu-user", open=_press("/history/", "ada"))
    yield Seen(name="dialog-shortcuts", open=_shortcuts)
    yield Seen(name="dialog-delete", open=_ask_to_delete)
    for name, analysis in made.items():
        if name not in {"not mine", "trashed", "last in the queue"}:
            yield unfolded(f"result-{name.replace(' ', '-')}", analysis.get_absolute_url())
    yield at("event", f"{made['hours'].get_absolute_url()}events/2/")
    yield at("delete", f"/clips/{made['hint'].clip_id}/delete/")
    yield at("trash", "/trash/")
    yield at("trashed", made["trashed"].get_absolute_url())
    yield Seen(name="keys-revoke", open=_ask_to_revoke)
    yield Seen(name="keys-refused", open=_refused_key)
    yield Seen(name="keys-created", open=_create_key)
    yield at("dashboard", "/dashboard/")
    yield at("dashboard-nothing", "/dashboard/?model=nothing")
    yield at("preferences", "/accounts/preferences/")
    yield Seen(name="password-refused", open=_refused_password)
    yield at("password-changed", "/accounts/password/done/")
    yield at("error-404", "/nothing/here/")
    yield at("error-403", f"/clips/{made['not mine'].clip_id}/delete/")
    yield Seen(name="error-csrf", open=_submit_without_cookie)
    yield Seen(name="upload-rows", open=_upload)  # the last: nobody answers it


def with_several_stores(made: dict[str, Analysis], who: str) -> Iterable[Seen]:
    """What differs where there are several stores, and for who may do less."""
    yield at(f"stores-trash-{who}", "/trash/")
    if who != "ada":
        yield at(f"stores-upload-{who}", "/")
        yield at(f"stores-history-{who}", "/history/")
    if who == "ada":
        yield Seen(name="stores-upload-cameras", open=_choose_store)
        yield Seen(name="stores-upload-refused", open=_submit("[data-module=upload] form"))
        yield Seen(name="stores-history-filters", open=_filters)
        yield at("stores-result", made["hint"].get_absolute_url())
    if who == "reviewer":
        yield at("stores-result-reviewer", made["no hint"].get_absolute_url())
        yield at("stores-failed-reviewer", made["unplayable"].get_absolute_url())
        yield at("stores-forbidden", f"/clips/{made['no hint'].clip_id}/delete/")


def watch_cameras(user: User, *, make_store: MakeStore) -> list[Feed]:
    """Live cameras in each state, in two stores of `user`, with hints and health."""
    main, north = make_store(), make_store("North Station, lower level", time_zone="Asia/Tokyo")
    accounts.join(user, north, Role.MANAGER)
    now = timezone.now()
    feeds = [
        make_feed(main, "Door"),
        make_feed(main, "Kamera 12, Eingang links neben den Einkaufswagen"),
        make_feed(main, "Shelves", stride=7.4),
        make_feed(main, "Storage", **faulty()),
        make_feed(main, "Till 1", state=FeedState.CONNECTING),
        make_feed(main, "Till 2", state=FeedState.OFF, is_enabled=False),
        make_feed(north, "Yard", heartbeat_at=now - timedelta(minutes=20)),
    ]
    FakeWatcher(feeds[:4], hints={feeds[1].pk}).write_all()
    make_event(feeds[1], ago=8, is_open=True)
    for number in range(30):
        ago = 3_000.0 + 40_000 * number
        make_event(feeds[1], ago=ago, no_clip="The disk was full." if number == 1 else "")
    make_event(feeds[0], ago=7_200)
    for feed, hour in product(feeds[:2], range(24 * 26)):
        faults = {"stalled": 500.0, "refused": 900.0} if hour % 50 < 9 else {}
        FeedHour.objects.create(
            camera=feed.camera,
            start=(now - timedelta(hours=hour + 1)).replace(minute=0, second=0, microsecond=0),
            seconds_online=3600.0 - sum(faults.values()),
            seconds_faulty=faults,
            reconnects=len(faults),
            events=hour % 20 == 0,
        )
    return feeds


def live(feeds: list[Feed]) -> Iterable[Seen]:
    yield at("live-wall", "/live/")
    for name, number in (("live", 0), ("hint", 1), ("faulty", 3), ("never", 4), ("silent", 6)):
        yield at(f"live-camera-{name}", f"/cameras/{feeds[number].pk}/")
    yield at("live-no-room", f"/video/{feeds[0].pk}")


def administration(made: dict[str, Analysis]) -> Iterable[Seen]:
    """What is ours of Django's administration, for an administrator."""
    yield at("admin", "/admin/")
    yield at("admin-clips", "/admin/video_classifier/clip/")
    yield at("trash-of-all", "/trash/")
    yield at("purge", f"/clips/{made['trashed'].clip_id}/purge/")
    yield at("keys-none", "/accounts/keys/")
    yield at("admin-keys", "/admin/video_classifier/apikey/")
    yield at("admin-analysis", f"/admin/video_classifier/analysis/{made['hint'].pk}/change/")


def _upload(page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())  # on leaving, while clips are sent
    page.route(re.compile(r"/uploads/$"), lambda _: None)
    page.goto("/")
    words: FilePayload = {"name": LONG, "mimeType": "video/mp4", "buffer": b"x"}
    page.get_by_label("Clips", exact=True).set_input_files([words] * 4)
    rows = page.locator("[data-uploads] [data-receipt]")
    rows.nth(0).get_by_role("button", name="Cancel").click()
    rows.nth(1).get_by_role("button", name="Pause").click()
    expect(rows.nth(2)).to_contain_text("Sending")


def _submit(form: str) -> Callable[[Page], None]:
    """As a browser without scripts would."""

    def submit(page: Page) -> None:
        page.goto("/")
        with page.expect_navigation():
            page.evaluate("form => document.querySelector(form).submit()", form)

    return submit


def _submit_without_cookie(page: Page) -> None:
    page.goto("/")
    page.evaluate("document.querySelector('[name=csrfmiddlewaretoken]').remove()")
    with page.expect_navigation():
        page.evaluate("document.querySelector('[data-module=upload] form').submit()")


def _press(address: str, button: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        page.goto(address)
        page.get_by_role("button", name=button, exact=True).click()

    return press


def _filters(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/history/?status=done")
    page.get_by_role("button", name="Filters").click()


def _choose_store(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Store", exact=True).select_option(index=0)
    expect(page.get_by_label("Camera")).to_be_visible()


def _shortcuts(page: Page) -> None:
    page.goto("/history/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


def _ask_to_delete(page: Page) -> None:
    page.goto("/history/")
    page.locator("[data-show=delete]").first.click()
    expect(page.get_by_role("dialog", name="Delete this clip?")).to_be_visible()


def _ask_to_revoke(page: Page) -> None:
    page.goto("/accounts/keys/")
    page.get_by_role("link", name="Revoke").first.click()
    expect(page.get_by_role("heading", name="Revoke this key?")).to_be_visible()


def _refused_key(page: Page) -> None:
    """As a browser would send it that doesn't know `required`."""
    page.goto("/accounts/keys/")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.get_by_label("Read clips").uncheck()
    page.get_by_role("button", name="Create key").click()
    expect(page.locator(".errorlist")).to_have_count(2)


def _create_key(page: Page) -> None:
    page.goto("/accounts/keys/")
    page.get_by_label("Name").fill("Export of every night, for the report of every week")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name="Key created")).to_be_visible()


def _refused_password(page: Page) -> None:
    page.goto("/accounts/password/")
    page.get_by_label("Old password").fill("wrong")
    page.get_by_label("New password", exact=True).fill("12345")
    page.get_by_label("New password confirmation").fill("12345")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".errorlist").first).to_be_visible()
