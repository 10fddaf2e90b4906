"""Logistic regression on what a frozen backbone sees in windows: all there is to a linear head.

It has one best solution, found in seconds, so that nobody has to be held back to end a training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Floats, Floats32, Image, Integers
from video_classifier.ml.data.augmentation import augment_window
from video_classifier.ml.data.footage import Footage
from video_classifier.ml.networks.pretrained import weights_sha256
from video_classifier.ml.persons import windows
from video_classifier.ml.training.recipe import Recipe
from video_classifier.ml.watch import UNWATCHED, Watch

if TYPE_CHECKING:
    import keras

VERSION = 1  # raise it when a clip would give other copies: caches go by it

_BATCH = 4  # windows that the backbone sees at once
_MAX_ITERATIONS = 300
_TOLERANCE = 1e-3  # of the gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearHead:
    """What a logistic regression learned."""

    kernel: Floats  # (features,)
    bias: float
    loss: float  # mean, in nats, on what it was fitted to

    def scores(self, features: Floats32) -> Floats:
        """(n,), 0 to 1, of (n, features)."""
        from scipy.special import expit

        return np.asarray(expit(features @ self.kernel + self.bias), np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFeatures:
    """Features of all windows of clips as they are served, and of augmented copies."""

    served: Floats32  # (windows, features)
    windows: Floats  # (windows, 3): see Footage
    bounds: Integers  # (clips + 1,): clip i has the windows from bounds[i] to bounds[i + 1]
    labelled: Integers  # (l,): the windows that are trained on
    clips: Integers  # (l,): the clip of each of these
    copies: tuple[Floats32, ...]  # (l, features) each

    def of_clips(self, rows: Integers) -> Integers:
        """The windows of these clips, in their order."""
        return np.concatenate([np.arange(*self.bounds[row : row + 2]) for row in rows])


def extract(
    footage: Sequence[Footage],
    recipe: Recipe,
    backbone: keras.Model,
    *,
    cache: Cache | None = None,
    watch: Watch = UNWATCHED,
) -> WindowFeatures:
    """Runs the backbone over all windows, and augmented copies of those with a label, once.

    A copy starts up to half a second before or after its window.
    """
    cache = cache or Cache()
    settings = recipe.settings
    known, of_copies = {}, {}
    if cache.keeps:
        known = _of_windows(footage, recipe) | {"weights": weights_sha256(backbone)}
        of_copies = known | _of_copies(recipe)
    labelled = [clip.is_labelled for clip in footage]
    clips = np.repeat(np.arange(len(footage)), [rows.sum() for rows in labelled])

    def served() -> Floats32:
        return _features(backbone, (window for clip in footage for window in clip.inputs))

    def copies(number: int) -> Floats32:
        return _features(backbone, _augmented(footage, recipe, number))

    found = []
    features = cache.array(served, **known)
    with watch.task("Running the backbone on augmented copies", settings.augmented_copies) as done:
        for number in range(settings.augmented_copies):
            found.append(cache.array(partial(copies, number), copy=number, **of_copies))
            done()
    return WindowFeatures(
        served=features,
        windows=np.concatenate([clip.windows for clip in footage]),
        bounds=np.cumsum([0, *(len(clip.inputs) for clip in footage)], dtype=np.intp),
        labelled=np.flatnonzero(np.concatenate(labelled)),
        clips=clips,
        copies=tuple(found),
    )


def facts(footage: Sequence[Footage], recipe: Recipe) -> dict[str, object]:
    """All that decides what windows and copies look like, ready for JSON."""
    return _of_windows(footage, recipe) | _of_copies(recipe)


def _of_windows(footage: Sequence[Footage], recipe: Recipe) -> dict[str, object]:
    pixels = hashlib.sha256()
    for clip in footage:
        for images in (clip.inputs, *clip.frames):
            pixels.update(str(images.shape).encode())
            pixels.update(images.tobytes())
        pixels.update(clip.windows.tobytes())
    return {"pixels": pixels.hexdigest(), "spec": asdict(recipe.spec), "linear": VERSION}


def _of_copies(recipe: Recipe) -> dict[str, object]:
    settings = recipe.settings
    return {"augmentation": asdict(settings.augmentation), "seed": settings.seed}


def fit(
    features: WindowFeatures,
    rows: Integers,
    targets: npt.NDArray[np.integer],
    weights: Floats,
    *,
    penalty: float,
) -> LinearHead:
    """The head that fits best to the clips `rows` of (n,) targets 0 or 1.

    A clip's weight, (n,), is shared by its windows. Windows and copies count alike. The penalty is
    of squares of the kernel for features of variance 1.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    of_clip = np.zeros(len(features.bounds) - 1)
    of_clip[rows] = weights
    chosen = np.flatnonzero(of_clip[features.clips] > 0)
    clips = features.clips[chosen]
    counts = np.bincount(clips, minlength=len(of_clip))
    target_of = np.zeros(len(of_clip), np.intp)
    target_of[rows] = targets
    shares = of_clip[clips] / counts[clips]
    ways = 1 + len(features.copies)
    inputs = np.concatenate(
        [features.served[features.labelled[chosen]], *(copy[chosen] for copy in features.copies)]
    )
    scaler = StandardScaler(copy=False).fit(inputs)
    regression = LogisticRegression(
        C=1 / (penalty * ways), max_iter=_MAX_ITERATIONS, tol=_TOLERANCE
    )
    shares, labels = np.tile(shares / shares.mean(), ways), np.tile(target_of[clips], ways)
    regression.fit(scaler.transform(inputs), labels, sample_weight=shares)
    kernel = np.asarray(regression.coef_[0], np.float64) / scaler.scale_
    bias = float(regression.intercept_[0] - kernel @ scaler.mean_)
    logits = regression.decision_function(inputs)  # scaled in place
    losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
    return LinearHead(kernel=kernel, bias=bias, loss=float(np.average(losses, weights=shares)))


def _augmented(footage: Sequence[Footage], recipe: Recipe, number: int) -> Iterator[Image]:
    spec, settings = recipe.spec, recipe.settings
    jitter = round(windows.STEP * spec.rate / 2)
    for row, clip in enumerate(footage):
        random = np.random.default_rng((settings.seed, number, row))
        for frames in clip.frames:
            for start in windows.window_starts(len(frames), spec):
                moved = start + int(random.integers(-jitter, jitter + 1))
                first = min(max(moved, 0), len(frames) - spec.frames)
                yield augment_window(
                    frames[first : first + spec.frames], spec, settings.augmentation, random
                )


def _features(backbone: keras.Model, inputs: Iterator[Image]) -> Floats32:
    """(n, features) of windows (frames, h, w, 3) RGB uint8."""
    found = []
    while batch := list(islice(inputs, _BATCH)):
        found.append(backbone.predict_on_batch(np.stack(batch)))
    return np.asarray(np.concatenate(found), np.float32)
