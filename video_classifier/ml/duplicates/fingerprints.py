"""Fingerprints of clips: perceptual hashes of motion over time, which survive re-encoding.

A surveillance camera's background is the same in every clip and identifies none. So the hashes are
of differences between frames a fifth of a second apart; moments without motion are masked out, and
so is a burned-in clock. Mean pictures are hashed as well: they separate clips without any motion,
and rooms in which the same thing moves. The hash is pHash (Zauner, "Implementation and Benchmarking
of Perceptual Image Hash Functions", 2010) of 64 bits, as implemented by imagehash.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from video_classifier.ml import files
from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.files import sha256

Hashes = npt.NDArray[np.uint64]

RATE = 10  # moments a second: two cuts of one recording are at most half a moment out of step
LAG = 2  # moments between the two frames of a difference
SIZE = 32  # pixels wide and high: the input size of a pHash
MIN_MOTION = 8.0  # gray levels, of 256, by which a pixel of that size differs; less is noise

_MIN_PICTURE_RATE = 1.8  # pictures a second: with one a second, all motion is in whole seconds
_MIN_TICKS = 4  # changes of a cell, for it to be part of a clock
_MIN_REGULAR_SHARE = 0.9  # of the gaps between changes that last whole seconds
_CLOCK_WIDTH = 12  # cells on either side of one that ticks: hours and date

_PARAMETERS = f"2 {RATE} {LAG} {SIZE} {MIN_MOTION}"  # the first number: version of the algorithm
_SHARPNESS_SPEC = ClipSpec(frames=3, height=480, width=640)  # one size, so that values compare
_GRAY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fingerprint:
    """What the search for duplicates compares; row i is the moment i / RATE seconds."""

    sha256: str  # of the file
    seconds: float
    sharpness: float  # mean variance of the Laplacian of a few frames
    hashes: Hashes  # (n,): of the motion at each moment
    mirrored: Hashes  # (n,): the same, left and right exchanged
    has_motion: npt.NDArray[np.bool_]  # (n,): whether the hash is of motion or of noise
    mean_hashes: Hashes  # (2,): of the clip's mean picture, as it is and mirrored
    background_hashes: Hashes  # (m, 2): of the mean picture of each second, as it is and mirrored


def compute(path: Path) -> Fingerprint:
    """The fingerprint of a clip.

    Raises ClipError if it can't be decoded, OSError if it can't be read.
    """
    from video_classifier.ml.video import sampling

    images, times = sampling.read_all(path, fps=RATE, height=SIZE, width=SIZE)
    gray = images @ _GRAY
    changes = np.abs(gray[LAG:] - gray[:-LAG])
    outside_clock = ~clock_cells(gray, changed=np.diff(times) > 0)
    pictures = changes.round().astype(np.uint8)
    mean = gray.mean(axis=0)
    seconds = np.stack([gray[at : at + RATE].mean(axis=0) for at in range(0, len(gray), RATE)])
    return Fingerprint(
        sha256=sha256(path),
        seconds=len(images) / RATE,
        sharpness=_sharpness(sampling.sample(path, _SHARPNESS_SPEC).images),
        hashes=_hashes(pictures),
        mirrored=_hashes(pictures[:, :, ::-1]),
        has_motion=changes.max(axis=(1, 2), where=outside_clock, initial=0) > MIN_MOTION,
        mean_hashes=_both_ways(mean[None])[0],
        background_hashes=_both_ways(seconds),
    )


def _both_ways(means: npt.NDArray[np.float32]) -> Hashes:
    """Hashes, (n, 2), of pictures (n, SIZE, SIZE) in gray levels, as they are and mirrored."""
    pictures = means.round().astype(np.uint8)
    return np.stack([_hashes(pictures), _hashes(pictures[:, :, ::-1])], axis=1)


def clock_cells(
    gray: npt.NDArray[np.float32], *, changed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """A mask, (SIZE, SIZE), of a burned-in clock, or of anything else that blinks every second.

    `gray` is (n, SIZE, SIZE) in gray levels, `RATE` a second; `changed`, (n - 1,), says whether a
    new picture came on screen. Cells of a clock change in steps, whole seconds apart. Neighbors
    that change only together with these, such as the tens of seconds, belong to it.
    """
    nowhere = np.zeros(gray.shape[1:], np.bool_)
    if changed.sum() * RATE < _MIN_PICTURE_RATE * len(changed):  # all motion is in steps
        return nowhere
    steps = np.abs(np.diff(gray, axis=0)) > MIN_MOTION / 2
    cells = nowhere.copy()
    for row, column in np.argwhere(steps.sum(axis=0) >= _MIN_TICKS):
        cells[row, column] = _is_regular(np.flatnonzero(steps[:, row, column]))
    if not cells.any():
        return nowhere
    ticks = _widened(np.asarray(steps[:, cells].any(axis=1))[:, None], 1, 0)
    others = (steps & ~ticks[:, :, None]).any(axis=0)
    return cells | (_widened(cells, 1, _CLOCK_WIDTH) & ~others)


def _is_regular(moments: npt.NDArray[np.intp]) -> bool:
    """Whether almost all gaps between the moments are whole seconds."""
    gaps = np.diff(moments)
    off = np.abs(gaps - RATE * np.maximum(np.rint(gaps / RATE), 1))
    return bool((off <= 1).mean() >= _MIN_REGULAR_SHARE)


def _widened(mask: npt.NDArray[np.bool_], rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """The mask, dilated by so many rows and columns on each side."""
    import cv2

    around = np.ones((2 * rows + 1, 2 * columns + 1), np.uint8)
    return cv2.dilate(mask.astype(np.uint8), around).astype(np.bool_)


class FingerprintCache:
    """Keeps fingerprints in a folder, by the file's path, size and time of last change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, path: Path) -> Fingerprint:
        """The fingerprint of a clip, computed if it isn't stored. Raises as `compute` does."""
        stored = self._folder / f"{_key(path)}.npz"
        try:
            return _read(stored)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            fingerprint = compute(path)  # new, of an older version, or a damaged file
        _write(stored, fingerprint)
        return fingerprint


def _key(path: Path) -> str:
    facts = path.stat()
    key = f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}|{_PARAMETERS}"
    return hashlib.sha256(key.encode()).hexdigest()


def _read(source: Path) -> Fingerprint:
    with source.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return Fingerprint(
            sha256=str(stored["sha256"]),
            seconds=float(stored["seconds"]),
            sharpness=float(stored["sharpness"]),
            hashes=stored["hashes"],
            mirrored=stored["mirrored"],
            has_motion=stored["has_motion"],
            mean_hashes=stored["mean_hashes"],
            background_hashes=stored["background_hashes"],
        )


def _write(target: Path, fingerprint: Fingerprint) -> None:
    with files.atomic_write(target) as aside:
        np.savez(aside, **asdict(fingerprint))


def _hashes(pictures: Image) -> Hashes:
    """(n,) of pictures (n, SIZE, SIZE), uint8."""
    import imagehash
    from PIL import Image as Picture

    bits = [imagehash.phash(Picture.fromarray(picture)).hash.ravel() for picture in pictures]
    return np.packbits(np.array(bits, np.bool_).reshape(-1, 64), axis=1).view(np.uint64).ravel()


def _sharpness(images: Image) -> float:
    import cv2

    return float(
        np.mean(
            [
                cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()
                for image in images
            ]
        )
    )
