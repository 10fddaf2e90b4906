"""Rows as of a shift under way, with drawn clips: hints that wait or are answered, and a case.

Nobody is in them: somebody made of blocks goes through a room of blocks.
"""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import av
import numpy as np
from av.video.frame import VideoFrame
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from video_classifier.ml.contracts import Image
from video_classifier.models import Analysis, Camera, Clip, Event, Segment, Store, Track
from video_classifier.services import accounts, cases, evidence, files, reviews, tags
from video_classifier.services.cases import Subject
from video_classifier.states import Answer, Prediction, Reason, RecordedFrom, Role, Status, View

CLIPS = 18
WAITING = 5  # hints that nobody has answered
CAMERAS = ("Till 2", "Back door", "Perfume shelf")
MODEL, THRESHOLD = "i3d_person", 0.72
SECONDS, RATE = 6, 15
WIDTH, HEIGHT, BLOCK = 320, 240, 40
BODY = (60, 110)  # width and height, in pixels


def picture(seed: int, second: float) -> Image:
    """Of that room, with somebody who goes through it in SECONDS; RGB, 0 to 255."""
    random = np.random.default_rng(seed)
    blocks = random.integers(90, 160, (HEIGHT // BLOCK, WIDTH // BLOCK, 1), np.uint8)
    image = blocks.repeat(BLOCK, 0).repeat(BLOCK, 1).repeat(3, 2)
    left, top, right, bottom = (
        round(part * size)
        for part, size in zip(box(second), (WIDTH, HEIGHT, WIDTH, HEIGHT), strict=True)
    )
    image[top:bottom, left:right] = random.integers(30, 90, 3)
    image[top : top + 30, left + 15 : right - 15] = (224, 190, 160)
    return image


def box(second: float) -> list[float]:
    """Left, top, right and bottom of somebody then, as shares of the picture."""
    left = (WIDTH - BODY[0]) * second / SECONDS / WIDTH
    return [left, 0.4, left + BODY[0] / WIDTH, 0.4 + BODY[1] / HEIGHT]


def film(seed: int) -> bytes:
    """An MP4 of that."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(SECONDS * RATE):
            frame = VideoFrame.from_ndarray(picture(seed, number / RATE), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def furnish() -> None:
    """In the one store there is, of the one user, who manages it; “dana” answers, too."""
    user, store = User.objects.get(), Store.objects.get()
    dana = User.objects.create(username="dana")
    for each in (user, dana):
        accounts.join(each, store, Role.MANAGER)
    cameras = [Camera.objects.create(store=store, name=name) for name in CAMERAS]
    made = [_analysis(cameras[n % len(cameras)], user, n) for n in range(CLIPS)]
    events = [_event(each, number) for number, each in enumerate(made) if each.prediction == HINT]
    _answer(events[WAITING:], user, dana)
    tags.put([events[0].analysis.clip, events[2].analysis.clip], "night shift")
    case = cases.create(store, Subject(name="Perfume shelf", loss=Decimal("129.90")), by=user)
    for event in events[WAITING : WAITING + 3]:
        cases.add_event(case, event, by=user)
    cases.note(case, "The blue bag is seen at the till, too.", by=user)
    cases.create(store, Subject(name="Trolley at the back door"), by=user)


HINT = Prediction.HINT


def _analysis(camera: Camera, user: User, number: int) -> Analysis:
    """Two of three are hints."""
    content, now = film(number), timezone.now()
    clip = Clip.objects.create(
        store=camera.store,
        camera=camera,
        name=f"{camera.name.lower().replace(' ', '-')}_{number:02}.mp4",
        file=ContentFile(content, name="clip.mp4"),
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        container="mp4",
        codec="h264",
        width=WIDTH,
        height=HEIGHT,
        frame_rate=RATE,
        duration=SECONDS,
        uploaded_by=user,
        recorded_at=now - timedelta(hours=3 * number, minutes=7),
        recorded_from=RecordedFrom.GIVEN,
    )
    is_hint = number % 3 != 2  # noqa: PLR2004
    came = {
        "score": 0.97 - number / 100 if is_hint else 0.3 - number / 100,
        "threshold": THRESHOLD,
        "view": View.PERSON,
        "decided_by": 1,
        "tracks_found": 1,
    }
    ran = {"status": Status.DONE, "requested_by": user}
    analysis = Analysis.objects.create(
        clip=clip,
        model=MODEL,
        prediction=HINT if is_hint else Prediction.NO_HINT,
        started_at=now,
        finished_at=now,
        **came,
        **ran,
    )
    segment = Segment.objects.create(analysis=analysis, number=1, **came, **ran)
    _follow(segment, number)
    return analysis


def _follow(segment: Segment, number: int) -> Track:
    moments = [each / 2 for each in range(2 * SECONDS + 1)]
    score = segment.score or 0.0
    track = Track.objects.create(
        analysis=segment.analysis,
        segment=segment,
        number=1,
        number_in_segment=1,
        score=score,
        times=moments,
        boxes=[box(each) for each in moments],
        crop_times=[2.0, 3.0, 4.0],
        windows=[[float(n), n + 2.0, score * (1 - abs(n - 2) / 4)] for n in range(SECONDS - 1)],
    )
    stills = {evidence.still_file(track): picture(number, 3.0)}
    stills |= {evidence.crop_file(track, n): picture(number, n + 2.0) for n in range(3)}
    files.write({name: evidence.jpeg(image, 90) for name, image in stills.items()})
    return track


def _event(analysis: Analysis, number: int) -> Event:
    event = Event.objects.create(
        analysis=analysis,
        segment=analysis.segments.get(),
        track=analysis.tracks.get(),
        number=1,
        start=1.0,
        end=5.0,
        peak=3.0,
        score=0.97 - number / 100,
    )
    reviews.refresh(analysis.clip)
    return Event.objects.select_related("analysis__clip").get(pk=event.pk)


def _answer(events: list[Event], user: User, dana: User) -> None:
    for number, event in enumerate(events):
        clip = event.analysis.clip
        said = Answer.CONFIRMED if number % 3 == 0 else Answer.FALSE_ALARM
        why = "" if said == Answer.CONFIRMED else Reason.PUT_BACK
        reviews.answer(event, clip, user, answer=said, reason=why, seconds=4.0 + number)
        if number % 3 == 0:
            reviews.answer(event, clip, dana, answer=said, seconds=7.0)
