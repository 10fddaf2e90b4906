"""What moves in a clip, moment by moment, in a form that survives copying.

A surveillance camera's background is the same in every clip, so it says nothing: hashed are the
differences between frames a fifth of a second apart, and a moment in which nothing moves counts as
unknown, and so does a clock that is burned in. Of the pictures there are hashes, too: they tell
clips apart in which nothing ever moves, and rooms in which the same thing moves. The hash is the
pHash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), 64
bits, by imagehash.
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
SIZE = 32  # pixels: as many as a pHash looks at
LEAST_MOTION = 8.0  # gray levels, of 256, by which a pixel of that size differs; less is noise

_LEAST_FRESH = 1.8  # pictures a second: with one a second, everything moves in steps
_LEAST_TICKS = 4  # of a clock, before it is taken for one
_REGULAR = 0.9  # of the gaps between them
_CLOCK_WIDTH = 12  # cells on either side of one that ticks: hours and date

_PARAMETERS = f"2 {RATE} {LAG} {SIZE} {LEAST_MOTION}"  # the first: how what moves is told
_SHARPNESS = ClipSpec(frames=3, height=480, width=640)  # one grid for all, so that sizes compare
_GRAY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fingerprint:
    """A clip as the search for duplicates sees it; row i is the moment i / RATE seconds."""

    sha256: str  # of the file
    seconds: float
    sharpness: float  # mean variance of the Laplacian of a few frames
    hashes: Hashes  # (n,)
    mirrored: Hashes  # (n,): of the same moments, left and right exchanged
    moves: npt.NDArray[np.bool_]  # (n,): whether anything moves, so that the hash means something
    looks: Hashes  # (2,): of the mean picture, as it is and mirrored
    rooms: Hashes  # (m, 2): of the mean picture of each second, as it is and mirrored


def take(path: Path) -> Fingerprint:
    """Raises ClipError if the clip can't be decoded, OSError if it can't be read."""
    from video_classifier.ml.video import sampling

    images, times = sampling.read_all(path, fps=RATE, height=SIZE, width=SIZE)
    gray = images @ _GRAY
    changes = np.abs(gray[LAG:] - gray[:-LAG])
    is_event = ~ticking(gray, fresh=np.diff(times) > 0)
    pictures = changes.round().astype(np.uint8)
    look = gray.mean(axis=0)
    rooms = np.stack([gray[at : at + RATE].mean(axis=0) for at in range(0, len(gray), RATE)])
    return Fingerprint(
        sha256=sha256(path),
        seconds=len(images) / RATE,
        sharpness=_sharpness(sampling.sample(path, _SHARPNESS).images),
        hashes=_hashes(pictures),
        mirrored=_hashes(pictures[:, :, ::-1]),
        moves=changes.max(axis=(1, 2), where=is_event, initial=0) > LEAST_MOTION,
        looks=_both_ways(look[None])[0],
        rooms=_both_ways(rooms),
    )


def _both_ways(means: npt.NDArray[np.float32]) -> Hashes:
    """(n, SIZE, SIZE) to (n, 2): of pictures as they are and mirrored."""
    pictures = means.round().astype(np.uint8)
    return np.stack([_hashes(pictures), _hashes(pictures[:, :, ::-1])], axis=1)


def ticking(
    gray: npt.NDArray[np.float32], *, fresh: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """(SIZE, SIZE): where a clock is burned in, or something else blinks once a second.

    `gray` is (n, SIZE, SIZE), `RATE` a second; `fresh` is (n - 1,), whether another picture than
    before was on screen. Cells tick that change in steps, with whole seconds in between; with them
    go their neighbors that change only when they do, such as the tens of seconds.
    """
    nowhere = np.zeros(gray.shape[1:], np.bool_)
    if fresh.sum() * RATE < _LEAST_FRESH * len(fresh):  # everything moves in steps
        return nowhere
    steps = np.abs(np.diff(gray, axis=0)) > LEAST_MOTION / 2
    cells = nowhere.copy()
    for row, column in np.argwhere(steps.sum(axis=0) >= _LEAST_TICKS):
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
    return bool((off <= 1).mean() >= _REGULAR)


def _widened(found: npt.NDArray[np.bool_], rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """With so many neighbors on each side."""
    import cv2

    around = np.ones((2 * rows + 1, 2 * columns + 1), np.uint8)
    return cv2.dilate(found.astype(np.uint8), around).astype(np.bool_)


class Cache:
    """Remembers fingerprints in a folder, by the file's path, size and time of change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, path: Path) -> Fingerprint:
        """As `take` above, which it spares for a file that it has seen."""
        place = self._folder / f"{_key(path)}.npz"
        try:
            return _read(place)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            found = take(path)  # never seen, or what was written is broken
        _write(place, found)
        return found


def _key(path: Path) -> str:
    facts = path.stat()
    told = f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}|{_PARAMETERS}"
    return hashlib.sha256(told.encode()).hexdigest()


def _read(place: Path) -> Fingerprint:
    with place.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return Fingerprint(
            sha256=str(stored["sha256"]),
            seconds=float(stored["seconds"]),
            sharpness=float(stored["sharpness"]),
            hashes=stored["hashes"],
            mirrored=stored["mirrored"],
            moves=stored["moves"],
            looks=stored["looks"],
            rooms=stored["rooms"],
        )


def _write(place: Path, found: Fingerprint) -> None:
    with files.atomic_write(place) as aside:
        np.savez(aside, **asdict(found))


def _hashes(pictures: Image) -> Hashes:
    """(n, SIZE, SIZE) to (n,)."""
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
