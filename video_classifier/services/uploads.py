"""Takes in what somebody uploads: looks at it, keeps it, queues its first analysis."""

from __future__ import annotations

import logging
import os
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.template.defaultfilters import filesizeformat

from video_classifier.ml.contracts import ClipFacts
from video_classifier.ml.files import sha256
from video_classifier.models import Analysis, Camera, Clip, Store
from video_classifier.services import (
    analyses,
    copies,
    database,
    disk,
    files,
    log_ids,
    recording_times,
    sandbox,
    versions,
)
from video_classifier.services.errors import Refused
from video_classifier.states import Playback

logger = logging.getLogger(__name__)

NAME_LENGTH = 255
_LONGEST_ENDING = 16  # characters; more is part of the name


class TooLargeError(Refused):
    """The file is larger than files that come this way may be."""


class InTrashError(Exception):
    """The same bytes are in the trash, from where the uploader may restore them."""

    def __init__(self, clip: Clip) -> None:
        super().__init__(f"The clip {clip.pk} is in the trash.")
        self.clip = clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What an uploader says of a file; views and commands fill it from a form or options."""

    model: str
    store: Store
    camera: Camera | None = None
    recorded_at: datetime | None = None  # aware; None: as the file's name or the file says
    pattern: str = ""  # of times in names (services.recording_times); "": the usual ones


class FileOnDisk(UploadedFile):  # type: ignore[type-arg]
    """A file that is all there, at `path`, from where storage on the same disk moves it."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        super().__init__(path.open("rb"), name, size=size)
        self._path = path

    def temporary_file_path(self) -> str:
        """As of TemporaryUploadedFile: Django's storage asks for it."""
        return str(self._path)


@contextmanager
def second_name(path: Path) -> Iterator[Path]:
    """Of the same bytes: storage moves this one, and the first stays until the clip is there."""
    second = path.with_suffix(".taken")
    second.unlink(missing_ok=True)  # of a try that was killed
    os.link(path, second)
    try:
        yield second
    finally:
        second.unlink(missing_ok=True)


def accept(  # noqa: PLR0913  (those after `choices` are not for pages)
    *,
    file: UploadedFile[bytes],
    user: User,
    choices: Choices,
    path: str = "",
    max_bytes: int = 0,
    then: Callable[[Analysis], None] = lambda _: None,
) -> Analysis:
    """Keeps the clip of that store, and queues its analysis.

    `path` is the file's name with the folders that it came in. More than `max_bytes`
    (CLIP_MAX_BYTES, if not given) are too many. `then` is called in the transaction that writes
    the rows.

    Raises Refused, and keeps nothing, if the file is no clip that can be analyzed or the model
    can't be used. Raises InTrashError rather than making a twin of a clip that only has to be
    restored.
    """
    with disk.refusing_when_full():
        check(choices, user)  # before the work; the room once more when it is queued
        name = clean_name(file.name or "")
        check_size(name, file.size or 0, max_bytes or settings.CLIP_MAX_BYTES)
        clip = _clip(file, user, choices, path or file.name or "")

        def analyze() -> Analysis:
            analysis = analyses.enqueue(clip, model=choices.model, user=user)
            then(analysis)
            return analysis

        return keep(clip, file, analyze=analyze)


def check(choices: Choices, user: User) -> None:
    """Raises Refused where no file at all could be accepted."""
    check_camera(choices.store, choices.camera)
    versions.check(choices.store.pk, choices.model)
    if choices.pattern:
        recording_times.compiled(choices.pattern)
    analyses.check_room(user)


def _clip(file: UploadedFile[bytes], user: User, choices: Choices, path: str) -> Clip:
    """A row that is not written yet."""
    store = choices.store
    with on_disk(file) as place:
        facts, content = described(place)
        _look_in_trash(str(content["sha256"]), user, store)
        recorded = recording_times.find(
            path,
            zone=store.time_zone,
            now=database.now(),
            given=choices.recorded_at,
            pattern=choices.pattern,
            created=facts.created,
        )
        return Clip(
            name=clean_name(file.name or ""),
            store=store,
            camera=choices.camera,
            recorded_at=recorded.at,
            recorded_from=recorded.origin or "",
            recorded_note=recorded.note,
            uploaded_by=user,
            **content,
        )


def described(place: Path) -> tuple[ClipFacts, dict[str, object]]:
    """What a file is, and what a clip's row says of that. Raises Refused if it is no video."""
    facts, is_playable = sandbox.probe(place)
    return facts, {
        "sha256": sha256(place),
        "size_bytes": facts.size_bytes,
        "container": facts.container,
        "codec": facts.codec,
        "width": facts.width,
        "height": facts.height,
        "frame_rate": facts.frame_rate,
        "duration": facts.duration,
        "segment_spans": [list(span) for span in facts.segment_spans],
        "playback": Playback.ORIGINAL if is_playable else Playback.WANTED,
    }


def check_camera(store: Store, camera: Camera | None) -> None:
    """Raises Refused; the database can't hold this rule, which spans two tables."""
    if camera is not None and camera.store_id != store.pk:
        msg = f"There is no camera “{camera}” in the store “{store}”. Choose one of its cameras."
        raise Refused(msg)


def check_size(name: str, size: int, most: int) -> None:
    if size > most:
        raise TooLargeError(too_large(name, most))


def too_large(name: str, most: int) -> str:
    """The sentence for a file beyond the limit."""
    limit = filesizeformat(most).replace("\xa0", " ")
    return f"“{name}” is larger than {limit}. Cut it or export it smaller, and try again."


def too_many() -> str:
    """The sentence for each file beyond the limit of one request."""
    return f"One upload takes at most {settings.CLIPS_PER_UPLOAD} clips. Send this one again."


def clean_name(name: str) -> str:
    """The uploader's name for a file, without folders and control characters.

    A long one is shortened before its ending, by which a download is opened.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    # "C" are control, format (they can turn the reading direction) and unassigned characters.
    shown = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C").strip()
    ending = PurePosixPath(shown).suffix
    if len(ending) > _LONGEST_ENDING:
        ending = ""
    stem = shown.removesuffix(ending)
    return stem[: NAME_LENGTH - len(ending)].rstrip() + ending or "clip"


def _look_in_trash(digest: str, user: User, store: Store) -> None:
    same = Clip.objects.filter(sha256=digest, store=store)
    trashed = same.in_trash().deletable_by(user).order_by("-trashed_at").first()
    if trashed is not None and not same.kept().exists():
        raise InTrashError(trashed)


def keep(clip: Clip, file: UploadedFile[bytes], *, analyze: Callable[[], Analysis]) -> Analysis:
    """Moves the file into storage, and writes the clip and the rows of its analysis; or nothing."""
    file.seek(0)
    clip.file.save(f"{uuid.uuid4()}.{clip.container}", file, save=False)
    with files.going_with_rows(str(clip.file.name)):
        clip.save()
        if clip.playback == Playback.WANTED:
            copies.want(clip)
        analysis = analyze()
    with log_ids.of(clip=clip.pk):  # beside the request's: what follows has the clip's alone
        logger.info("clip %s was taken in", clip.pk)
    return analysis


@contextmanager
def on_disk(file: UploadedFile[bytes]) -> Iterator[Path]:
    """Where the bytes are, or a copy of what is only in memory."""
    if isinstance(file, TemporaryUploadedFile | FileOnDisk):
        yield Path(file.temporary_file_path())
        return
    with NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".upload") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)
