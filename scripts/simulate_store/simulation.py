"""Stores made of people apart: what a quiet day and reviews change for people who come later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from scripts.simulate_store.features import COPIES, ClipFeatures
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.data.manifest import Entry, holds_both_labels
from video_classifier.ml.evaluation.intervals import auc
from video_classifier.ml.measures import camera as measures
from video_classifier.ml.training import adaptation
from video_classifier.ml.training.adaptation import (
    AdaptationSettings,
    Adapted,
    AdaptedHead,
    Base,
    Candidates,
)
from video_classifier.ml.training.weighting import of_people
from video_classifier.ml.watch import UNWATCHED, Watch

STORES = 2  # that people are parted into; each is left out of what its model is trained on
CAMERA = -1  # the store's; those of the old footage count from 0
FALSE_ALARMS = 0.05  # of old ordinary clips, at the threshold that a model comes with
ONE_LABEL, OUT_OF_DOMAIN = 0.25, 0.5  # as the shipped recipe weighs clips


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is simulated."""

    seeds: int = 10  # ways to part people into stores
    visits: int = 100  # ordinary candidates a day
    budget: float = 20.0  # false hints a day
    planted: int = 5  # acts of staff, of those before
    hidden: float = 1.0  # thefts a day that nobody knows of, in the quiet day, too
    reviews: tuple[int, ...] = (5, 10, 20, 50)
    wrong: tuple[tuple[int, float], ...] = ((20, 0.05), (20, 0.2), (50, 0.2))
    settings: AdaptationSettings = field(default_factory=AdaptationSettings)

    def conditions(self) -> Iterator[tuple[str, int, float]]:
        """The name, how many reviews, and the share of wrong ones."""
        for count, wrong in [*((count, 0.0) for count in self.reviews), *self.wrong]:
            yield (
                f"quiet day + {count} reviews" + (f", {wrong:.0%} wrong" if wrong else ""),
                count,
                wrong,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one store notices of the thefts of people who come later, in one condition."""

    scenario: str
    condition: str
    seed: int
    store: int
    recall: float  # each recording counts the same
    false_hints: float  # a day
    recall_at_budget: float  # if the threshold were right for the very days it is tested on
    auc: float
    thefts: int  # recordings it is tested on
    ordinary: int
    is_kept: bool = True  # the head wasn't refused for what it makes of known acts


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Where a store's camera hangs: by names of variants."""

    name: str
    before: str = "served"
    after: str = "served"
    regulars: bool = False  # the same people come again, in other recordings: flattered


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    number: int
    old: tuple[ClipFeatures, ...]
    before: tuple[ClipFeatures, ...]
    after: tuple[ClipFeatures, ...]


def simulate(
    clips: Sequence[ClipFeatures],
    scenarios: Sequence[Scenario],
    plan: Plan,
    *,
    watch: Watch = UNWATCHED,
) -> list[Row]:
    """All conditions at all stores."""
    rows: list[Row] = []
    with watch.task("Simulating stores", plan.seeds * STORES * len(scenarios)) as advance:
        for seed in range(plan.seeds):
            for store in stores_of(clips, seed):
                base = base_of(store.old, plan.settings)
                regulars = with_regulars(store, seed)
                for scenario in scenarios:
                    where = regulars if scenario.regulars else store
                    rows += _conditions(where, base, scenario, plan, seed)
                    advance()
    return rows


def stores_of(clips: Sequence[ClipFeatures], seed: int) -> Iterator[Store]:
    """People with both labels are spread evenly over stores, and over those before and after."""
    inside = holds_both_labels([clip.entry for clip in clips])
    ours = [clip for clip, is_inside in zip(clips, inside, strict=True) if is_inside]
    elsewhere = [clip for clip, is_inside in zip(clips, inside, strict=True) if not is_inside]
    labels: dict[str, set[int]] = defaultdict(set)
    for clip in ours:
        labels[clip.entry.group].add(clip.entry.target)
    random = np.random.default_rng(seed)
    people = random.permutation(sorted(labels)).tolist()
    people.sort(key=lambda name: (-len(labels[name]), min(labels[name])))
    parts = {name: place % (2 * STORES) for place, name in enumerate(people)}

    def of(*wanted: int) -> list[ClipFeatures]:
        return [clip for clip in ours if parts[clip.entry.group] in wanted]

    for number in range(STORES):
        others = [part for part in range(2 * STORES) if part % STORES != number]
        yield Store(
            number=number,
            old=(*of(*others), *elsewhere),
            before=tuple(of(number)),
            after=tuple(of(number + STORES)),
        )


def with_regulars(store: Store, seed: int) -> Store:
    """Recordings instead of people are parted into those before and after."""
    clips = (*store.before, *store.after)
    takes: dict[tuple[str, int], list[str]] = defaultdict(list)
    for clip in clips:
        if take_of(clip) not in takes[clip.entry.group, clip.entry.target]:
            takes[clip.entry.group, clip.entry.target].append(take_of(clip))
    random = np.random.default_rng((seed, store.number, 1))
    ordered = [take for key in sorted(takes) for take in random.permutation(takes[key]).tolist()]
    place = {take: number % 2 for number, take in enumerate(ordered)}
    before, after = (
        tuple(clip for clip in clips if place[take_of(clip)] == half) for half in (0, 1)
    )
    return replace(store, before=before, after=after)


def take_of(clip: ClipFeatures) -> str:
    return clip.entry.take or clip.entry.name


def as_candidates(
    clips: Sequence[ClipFeatures],
    variants: Sequence[str],
    *,
    groups: dict[str, int],
    cameras: Sequence[int],
    weights: Floats,
) -> Candidates:
    """Each variant of a clip is a candidate, and has its share of the clip's weight."""
    pairs = [
        (row, clip.variants[name])
        for row, clip in enumerate(clips)
        for name in variants
        if name in clip.variants
    ]
    rows = np.array([row for row, _ in pairs], np.intp)
    copies = np.bincount(rows, minlength=len(clips))
    targets = np.array([clip.entry.target for clip in clips], np.intp)
    names = np.array([groups[clip.entry.group] for clip in clips], np.intp)
    return Candidates(
        features=np.concatenate([found for _, found in pairs]),
        candidates=np.repeat(np.arange(len(pairs)), [len(found) for _, found in pairs]),
        targets=targets[rows],
        cameras=np.asarray(cameras, np.intp)[rows],
        groups=names[rows],
        weights=weights[rows] / copies[rows],
    )


def base_of(clips: Sequence[ClipFeatures], settings: AdaptationSettings) -> Base:
    """What heads are adapted from: all that is known of clips, weighed as in training."""
    entries = [clip.entry for clip in clips]
    old = as_candidates(
        clips,
        COPIES,
        groups=numbered(entry.group for entry in entries),
        cameras=_cameras(entries),
        weights=of_people(entries, one_label=ONE_LABEL, out_of_domain=OUT_OF_DOMAIN),
    )
    return adaptation.prepare(old, settings)


def numbered(names: Iterator[str] | Sequence[str], *, first: int = 0) -> dict[str, int]:
    return {name: first + number for number, name in enumerate(sorted(set(names)))}


def _cameras(entries: Sequence[Entry]) -> list[int]:
    """A collection with both labels is of one camera; of others each scene is."""
    inside = holds_both_labels(entries)
    names = [
        "in domain" if is_inside else entry.group
        for entry, is_inside in zip(entries, inside, strict=True)
    ]
    numbers = numbered(names)
    return [numbers[name] for name in names]


class Shop:
    """One store in one scenario, with candidates projected."""

    def __init__(self, store: Store, base: Base, scenario: Scenario, plan: Plan, seed: int) -> None:
        self.base, self.plan, self.scenario = base, plan, scenario
        self.is_old_theft = base.old.targets == 1
        self.random = np.random.default_rng((seed, store.number))
        first = int(base.old.groups.max()) + 1
        everyone = (*store.before, *store.after)
        self._groups = numbered((clip.entry.group for clip in everyone), first=first)
        self.before = self._of(store.before, scenario.before)
        self.after = self._of(store.after, scenario.after)
        self.moved = self._of(store.before, scenario.after)
        self.takes_before, self.takes_after = (
            np.array([take_of(clip) for clip in clips]) for clips in (store.before, store.after)
        )
        self.quiet = self._quiet_day()
        self.queue = self._queue()
        self.acts = self._drawn(1, plan.planted)
        self.planted = taken(self.before, self.acts)

    def _of(self, clips: Sequence[ClipFeatures], variant: str) -> Candidates:
        found = as_candidates(
            clips,
            (variant,),
            groups=self._groups,
            cameras=[CAMERA] * len(clips),
            weights=np.ones(len(clips)),
        )
        return self.base.projection.of(found)

    def _quiet_day(self) -> Integers:
        """Rows of those before: visits by recording, and the thefts that are hidden in the day."""
        thefts = self._drawn(1, round(self.plan.hidden))
        return np.concatenate([self._drawn(0, self.plan.visits), thefts])

    def _drawn(self, target: int, count: int) -> Integers:
        """Rows of those before, with replacement: a recording, then a clip of it."""
        rows = np.flatnonzero(self.before.targets == target)
        takes = self.takes_before[rows]
        chosen = self.random.choice(np.unique(takes), count)
        return np.array([self.random.choice(rows[takes == take]) for take in chosen], np.intp)

    def _queue(self) -> Integers:
        """Rows of those before as people review them: a theft and an ordinary one in turn."""
        most = max((*self.plan.reviews, *(count for count, _ in self.plan.wrong)), default=0)
        half = (most + 1) // 2
        return np.stack([self._drawn(1, half), self._drawn(0, half)], axis=1).ravel()

    def reviewed(self, count: int, wrong: float = 0.0) -> Candidates:
        """The first of the queue; the share that is answered wrongly is drawn."""
        found = taken(self.before, self.queue[:count])
        targets, mistakes = found.targets.copy(), round(wrong * count)
        if mistakes:
            which = self.random.choice(count, mistakes, replace=False)
            targets[which] = 1 - targets[which]
        return replace(found, targets=targets)

    def threshold(self, ordinary: Floats, thefts: Floats, people: Integers) -> float:
        """What the camera's own measure gives, for scores of the quiet day and of old thefts."""
        footage = measures.CameraFootage(
            scores=ordinary, recordings=self._recordings(self.quiet), days=1.0
        )
        chosen = measures.choose(
            footage,
            thefts,
            people.tolist(),
            budget=self.plan.budget,
            thefts_a_day=self.plan.hidden,
        )
        return float(chosen.high)

    def threshold_of(self, found: Adapted) -> float:
        thefts = self.is_old_theft
        return self.threshold(found.ordinary, found.old[thefts], self.base.old.groups[thefts])

    def _recordings(self, rows: Integers) -> Integers:
        return np.unique(self.takes_before[rows], return_inverse=True)[1].astype(np.intp)


def taken(some: Candidates, rows: Integers) -> Candidates:
    """These candidates, (n,), some of them perhaps more than once."""
    windows = [np.flatnonzero(some.candidates == row) for row in rows]
    return Candidates(
        features=some.features[np.concatenate(windows)],
        candidates=np.repeat(np.arange(len(rows)), [len(each) for each in windows]),
        targets=some.targets[rows],
        cameras=some.cameras[rows],
        groups=some.groups[rows],
        weights=some.weights[rows],
    )


def _conditions(
    store: Store, base: Base, scenario: Scenario, plan: Plan, seed: int
) -> Iterator[Row]:
    shop, settings = Shop(store, base, scenario, plan, seed), plan.settings
    quiet = taken(shop.before, shop.quiet)

    def row(condition: str, head: AdaptedHead, threshold: float, *, is_kept: bool = True) -> Row:
        scores = head.scores(shop.after, best=settings.best_windows)
        return row_of(shop, scores, threshold, condition, (seed, store.number), is_kept=is_kept)

    shipped = adaptation.adapt(base, settings)
    yield row("none", shipped.head, _models_threshold(base, shipped))
    day = adaptation.adapt(base, settings, ordinary=quiet, planted=shop.planted)
    threshold = shop.threshold_of(day)
    yield row("quiet day", day.head, threshold)
    known = adaptation.ranking_of_known(base, day)
    for name, count, wrong in plan.conditions():
        found = adaptation.adapt(
            base,
            settings,
            ordinary=quiet,
            planted=shop.planted,
            reviewed=shop.reviewed(count, wrong),
        )
        own = shop.threshold_of(found)
        is_kept = adaptation.ranking_of_known(base, found) >= known
        used = (found.head, own) if is_kept else (day.head, threshold)
        yield row(name, *used, is_kept=is_kept)
        yield row(f"{name}, unchecked", found.head, own)
    if scenario.before != scenario.after:
        moved = taken(shop.moved, shop.quiet)
        found = adaptation.adapt(base, settings, ordinary=moved, reviewed=shop.reviewed(20))
        yield row("moved, measured again", found.head, shop.threshold_of(found))


def _models_threshold(base: Base, shipped: Adapted) -> float:
    """As for a model's card: so many ordinary clips, in the domain and elsewhere, get a hint."""
    ordinary, cameras = base.old.targets == 0, base.old.cameras
    inside = np.isin(cameras, cameras[base.old.targets == 1])
    kinds = [shipped.old[ordinary & rows] for rows in (inside, ~inside)]
    return max(
        float(np.quantile(scores, 1 - FALSE_ALARMS, method="higher")) + 1e-9
        for scores in kinds
        if len(scores)
    )


def row_of(  # noqa: PLR0913
    shop: Shop,
    scores: Floats,
    threshold: float,
    condition: str,
    where: tuple[int, int],
    *,
    is_kept: bool,
) -> Row:
    """By the scores of those who come later, at a seed and a store."""
    targets, takes = shop.after.targets, shop.takes_after
    thefts, ordinary = ((scores[rows], takes[rows]) for rows in (targets == 1, targets == 0))
    return Row(
        scenario=shop.scenario.name,
        condition=condition,
        seed=where[0],
        store=where[1],
        recall=_share(*thefts, threshold),
        false_hints=shop.plan.visits * _share(*ordinary, threshold),
        recall_at_budget=recall_at(targets, scores, takes, shop.plan.budget / shop.plan.visits),
        auc=auc(targets, scores) or 0.0,
        thefts=len(np.unique(thefts[1])),
        ordinary=len(np.unique(ordinary[1])),
        is_kept=is_kept,
    )


def recall_at(
    targets: Integers, scores: Floats, takes: npt.NDArray[np.str_], share: float
) -> float:
    """The recall where at most that share of ordinary candidates is a hint."""
    thefts, ordinary = ((scores[rows], takes[rows]) for rows in (targets == 1, targets == 0))
    return _share(*thefts, _threshold_at(*ordinary, share))


def _share(scores: Floats, takes: npt.NDArray[np.str_], threshold: float) -> float:
    """Of candidates at or above the threshold, each recording with the same weight."""
    return float(
        np.mean([(scores[takes == take] >= threshold).mean() for take in np.unique(takes)])
    )


def _threshold_at(scores: Floats, takes: npt.NDArray[np.str_], share: float) -> float:
    """The lowest of the scores' own that no larger share is at or above; else above all."""
    possible = np.unique(scores)
    fitting = [each for each in possible if _share(scores, takes, each) <= share]
    return float(fitting[0]) if fitting else float(np.nextafter(possible[-1], 2))
