"""Takes in what somebody uploads: looks at it, keeps it, queues its first analysis."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction
from django.template.defaultfilters import filesizeformat

from video_classifier.ml.contracts import ClipFacts
from video_classifier.ml.files import sha256
from video_classifier.models import Analysis, Camera, Clip, Store
from video_classifier.services import analyses, catalog, copies, disk, sandbox
from video_classifier.services.errors import Refused
from video_classifier.states import Playback

NAME_LENGTH = 255
_LONGEST_ENDING = 16  # characters; more is part of the name


class InTrashError(Exception):
    """The same bytes are in the trash, from where the uploader may restore them."""

    def __init__(self, clip: Clip) -> None:
        super().__init__(f"The clip {clip.pk} is in the trash.")
        self.clip = clip


def accept(
    *,
    file: UploadedFile[bytes],
    user: User,
    model: str,
    store: Store,
    camera: Camera | None = None,
) -> Analysis:
    """Keeps the clip of that store, and queues its analysis by `model`.

    Raises Refused, and keeps nothing, if the file is no clip that can be analyzed or the model
    can't be used. Raises InTrashError rather than making a twin of a clip that only has to be
    restored.
    """
    with disk.refusing_when_full():
        return _accept(file, user, model, store, camera)


def _accept(
    file: UploadedFile[bytes], user: User, model: str, store: Store, camera: Camera | None
) -> Analysis:
    check_camera(store, camera)
    catalog.usable(model)
    analyses.check_room(user)  # before the work; once more when it is queued
    name = clean_name(file.name or "")
    check_size(name, file.size or 0)
    with _on_disk(file) as path:
        facts, playback = _look(path)
        digest = sha256(path)
        _look_in_trash(digest, user, store)
        clip = Clip(
            name=name,
            sha256=digest,
            size_bytes=facts.size_bytes,
            container=facts.container,
            codec=facts.codec,
            width=facts.width,
            height=facts.height,
            frame_rate=facts.frame_rate,
            duration=facts.duration,
            segment_spans=[list(span) for span in facts.segment_spans],
            playback=playback,
            store=store,
            camera=camera,
            uploaded_by=user,
        )
        return _keep(clip, file, facts.container, model=model)


def check_camera(store: Store, camera: Camera | None) -> None:
    """Raises Refused; the database can't hold this rule, which spans two tables."""
    if camera is not None and camera.store_id != store.pk:
        msg = f"There is no camera “{camera}” in the store “{store}”. Choose one of its cameras."
        raise Refused(msg)


def check_size(name: str, size: int) -> None:
    if size > settings.CLIP_MAX_BYTES:
        raise Refused(too_large(name))


def too_large(name: str) -> str:
    """The sentence for a file beyond the limit."""
    limit = filesizeformat(settings.CLIP_MAX_BYTES).replace("\xa0", " ")
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


def _look(path: Path) -> tuple[ClipFacts, Playback]:
    facts, is_playable = sandbox.probe(path)
    return facts, Playback.ORIGINAL if is_playable else Playback.WANTED


def _look_in_trash(digest: str, user: User, store: Store) -> None:
    same = Clip.objects.filter(sha256=digest, store=store)
    trashed = same.in_trash().deletable_by(user).order_by("-trashed_at").first()
    if trashed is not None and not same.kept().exists():
        raise InTrashError(trashed)


def _keep(clip: Clip, file: UploadedFile[bytes], extension: str, *, model: str) -> Analysis:
    """Moves the file into storage and writes both rows, or neither."""
    file.seek(0)
    try:
        clip.file.save(f"{uuid.uuid4()}.{extension}", file, save=False)
        with transaction.atomic():
            clip.save()
            if clip.playback == Playback.WANTED:
                copies.want(clip)
            return analyses.enqueue(clip, model=model, user=clip.uploaded_by)
    except BaseException:
        if clip.file:
            clip.file.delete(save=False)
        raise


@contextmanager
def _on_disk(file: UploadedFile[bytes]) -> Iterator[Path]:
    """Where the bytes are, or a copy of what is only in memory."""
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())
        return
    with NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".upload") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)
