"""Decides whether a clip shows anything to judge; if not, gives the reason in a sentence.

A network gives every input a score. What these checks find is footage on which a score means
nothing: a still, a black picture, a file of which hardly anything could be read.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import (
    MAX_RATE,
    MIN_PICTURES,
    MIN_RATE,
    SLACK,
    ClipContent,
    ClipSpec,
    Image,
    Sample,
)

MIN_SECONDS = 1.0
MIN_SHARE_DECODED = (
    0.48  # of the pictures; half, as two fields may be sent as two and decode to one
)

DAMAGED = (
    "Only {share:.0%} of this clip could be read: too little to judge. Export or copy it from the "
    "recorder again and upload that."
)
TOO_FEW = (
    "This clip has too few pictures to judge what somebody does: {pictures}, where {fewest} are "
    "needed. Upload the recording from which it was taken."
)
TOO_SHORT = (
    "This clip lasts {length:.1f} s: too little to judge what somebody does. Upload at least a "
    "second, better the whole visit."
)
TOO_RARE = (
    "This clip has {rate:.1f} pictures a second: too few for a model that looks at movement. Set "
    "the recorder to at least {least:g}, better {best:g} pictures a second, or analyze the clip "
    "again with a model that looks at the whole picture."
)
UNIFORM = (
    "There is nothing to be seen in this clip: its pictures are nearly of one shade. Check whether "
    "the camera was covered, switched off or in the dark."
)
STILL = (
    "Nothing moves in this clip: it has fewer than {fewest} different pictures, like a photograph. "
    "Upload the recording from which it was taken."
)
NOBODY = (
    "The person detector found nobody in this clip, so the model had nobody to look at. Watch the "
    "clip yourself, or analyze it again with a model that looks at the whole picture."
)

_SHADE = 6.0  # gray levels from the median that still count as the same shade
_COVERED = 0.95  # of a picture: a clock in its corner may be of another shade
_BLOCK = 4  # pixels a side that are averaged: a sensor's noise differs from pixel to pixel


def reason(sample: Sample, spec: ClipSpec, *, tracks: int | None = None) -> str:
    """Why there is nothing to judge for a network of this spec, "" if there is something.

    `tracks` is how many people were found, None if nobody was looked for.
    """
    if sample.content is None:
        msg = "the content of the clip was not measured"
        raise ValueError(msg)
    return _too_little(sample, sample.content, spec) or _nothing_shown(
        sample, sample.content, tracks
    )


def _too_little(sample: Sample, content: ClipContent, spec: ClipSpec) -> str:
    if content.share_decoded < MIN_SHARE_DECODED:
        return DAMAGED.format(share=content.share_decoded)
    if content.pictures < MIN_PICTURES:
        return TOO_FEW.format(pictures=content.pictures, fewest=MIN_PICTURES)
    if sample.length < MIN_SECONDS - SLACK:
        return TOO_SHORT.format(length=sample.length)
    if spec.sees_too_little(sample.rate):
        return TOO_RARE.format(rate=sample.rate, least=MIN_RATE, best=MAX_RATE)
    return ""


def _nothing_shown(sample: Sample, content: ClipContent, tracks: int | None) -> str:
    if not tracks and all(map(_is_uniform, sample.images)):
        return UNIFORM
    if tracks == 0:
        return NOBODY
    return STILL.format(fewest=MIN_PICTURES) if content.pictures_different < MIN_PICTURES else ""


def _is_uniform(image: Image) -> bool:
    gray = _in_blocks(image.mean(axis=-1))
    near = np.abs(gray - np.median(gray)) <= _SHADE
    return bool(near.mean() >= _COVERED)


def _in_blocks(gray: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(height, width) to the means of its blocks; what is left over at two edges is left out."""
    side = min(_BLOCK, *gray.shape)
    rows, columns = (size // side for size in gray.shape)
    whole = gray[: rows * side, : columns * side]
    means: npt.NDArray[np.float64] = whole.reshape(rows, side, columns, side).mean(axis=(1, 3))
    return means
