"""Single pictures: who is in them. What somebody does takes more than one."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from video_classifier.ml.contracts import Box
from video_classifier.services import sandbox, uploads

NO_MOVEMENT = (
    "What somebody does can't be told from one picture, so there is no prediction: send a clip. "
    "These are the people in it."
)
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"BM", b"II*\0", b"MM\0*")  # as ml.video.signatures


class People(NamedTuple):
    """In a picture."""

    people: tuple[tuple[Box, float], ...]  # with how certain the detector is, the surest first
    detector_sha256: str


def is_picture(file: UploadedFile[bytes]) -> bool:
    """By its first bytes; a GIF may be a film, and counts as none."""
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    return bool(head.startswith(_BEGINNINGS) or head[8:12] == b"WEBP")


def people_in(file: UploadedFile[bytes]) -> People:
    """Raises Refused if the picture can't be read."""
    with uploads.on_disk(file) as path:
        return People(*sandbox.people(path, settings.PERSON_DETECTOR))
