"""What moves in a clip, moment by moment, in a form that survives copying.

A surveillance camera's background is the same in every clip, so it says nothing: hashed are the
differences between frames a fifth of a second apart, and a moment in which nothing moves counts as
unknown. Only for clips in which nothing ever moves there is a hash of the picture. The hash is the
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

from video_classifier.ml import whole
from video_classifier.ml.clip import ClipSpec, Image
from video_classifier.ml.digest import sha256

Hashes = npt.NDArray[np.uint64]

RATE = 10  # moments a second: two cuts of one recording are at most half a moment out of step
LAG = 2  # moments between the two frames of a difference
SIZE = 32  # pixels: as many as a pHash looks at
LEAST_MOTION = 8.0  # gray levels, of 256, by which a pixel of that size differs; less is noise

_PARAMETERS = f"{RATE} {LAG} {SIZE} {LEAST_MOTION}"
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


def take(path: Path) -> Fingerprint:
    """Raises ClipError if the clip can't be decoded, OSError if it can't be read."""
    from video_classifier.ml import frames

    images, _ = frames.read_all(path, fps=RATE, height=SIZE, width=SIZE)
    gray = images @ _GRAY
    changes = np.abs(gray[LAG:] - gray[:-LAG])
    pictures = changes.round().astype(np.uint8)
    look = gray.mean(axis=0).round().astype(np.uint8)
    return Fingerprint(
        sha256=sha256(path),
        seconds=len(images) / RATE,
        sharpness=_sharpness(frames.sample(path, _SHARPNESS).images),
        hashes=_hashes(pictures),
        mirrored=_hashes(pictures[:, :, ::-1]),
        moves=changes.max(axis=(1, 2)) > LEAST_MOTION,
        looks=_hashes(np.stack([look, look[:, ::-1]])),
    )


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
        )


def _write(place: Path, found: Fingerprint) -> None:
    with whole.replacing(place) as aside:
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
