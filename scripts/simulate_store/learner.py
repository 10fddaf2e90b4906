"""What `manage.py improve_model` makes of a store's reviews, and whether its rule lets it pass.

Stores, days and reviews are those of `simulation`. The head is fitted near the model's own, to the
reviews alone, and is scored like the site does: by heads that haven't seen the person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scripts.simulate_store import heads, simulation
from scripts.simulate_store.features import COPIES, ClipFeatures
from scripts.simulate_store.heads import Line, Model, means_of, model_of, scores_of, sigmoid
from scripts.simulate_store.simulation import (
    Plan,
    Row,
    Scenario,
    Shop,
    Store,
    row_of,
    stores_of,
    with_regulars,
)
from video_classifier.improving import fitting
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.training import nearby, old_footage
from video_classifier.ml.training.nearby import Change, NearbySettings, Rows
from video_classifier.ml.training.old_footage import OldFootage
from video_classifier.ml.watch import UNWATCHED, Watch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Start:
    """What a store begins with."""

    model: Model
    old: OldFootage  # with what heads make of it that haven't seen the person


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Way:
    """A head at its threshold, and what the rule asks about it."""

    head: Line
    threshold: float
    hints: int  # of the quiet day
    acts: int  # for a test that are noticed
    old_thefts: int  # that are noticed

    def may_follow(self, before: _Way) -> bool:
        """No more hints that may be false, no fewer acts for a test, no fewer old thefts."""
        return (
            self.hints <= before.hints
            and self.acts >= before.acts
            and self.old_thefts >= before.old_thefts
        )


def measure(
    clips: Sequence[ClipFeatures],
    scenarios: Sequence[Scenario],
    plan: Plan,
    *,
    watch: Watch = UNWATCHED,
) -> list[Row]:
    """All conditions at all stores."""
    rows: list[Row] = []
    with watch.task("Learning from reviews", plan.seeds * simulation.STORES) as advance:
        for seed in range(plan.seeds):
            for store in stores_of(clips, seed):
                start, regulars = _start(store.old, plan, seed), with_regulars(store, seed)
                for scenario in scenarios:
                    where = regulars if scenario.regulars else store
                    rows += _AtStore(where, start, scenario, plan, seed).rows()
                advance()
    return rows


def _start(clips: Sequence[ClipFeatures], plan: Plan, seed: int) -> _Start:
    model = model_of(clips, plan.settings)
    scores = np.zeros(len(clips))
    for left_out, without in heads.folds_of(clips, plan.settings, seed):
        scores[left_out] = sigmoid(without.head.logits(model.old.features[left_out]))
    old = old_footage.made(
        [clip.entry for clip in clips],
        [clip.variants[COPIES[0]] for clip in clips],
        kernel=model.head.kernel,
        bias=model.head.bias,
        best=plan.settings.best_windows,
        weights=model.old.weights,
        scores=scores,
    )
    return _Start(model=model, old=old)


class _AtStore:
    """One store in one scenario."""

    def __init__(
        self, store: Store, start: _Start, scenario: Scenario, plan: Plan, seed: int
    ) -> None:
        self._store, self._start, self._scenario, self._plan = store, start, scenario, plan
        self._where = (seed, store.number)
        self._shop = Shop(store, start.model.base, scenario, plan, seed)
        self._people = np.array([clip.entry.group for clip in store.before])
        self._features = means_of(store.before, start.model.head, scenario.before)

    def rows(self) -> Iterator[Row]:
        own, old = self._start.model.head, self._start.old
        everyone = np.ones(len(old), np.bool_)
        yield self._row("none", own, fitting.by_the_rule(old, old.scores, everyone))
        day = self._way(own, {}, old.scores)
        yield self._row("quiet day", day.head, day.threshold)
        for name, count, wrong in self._plan.conditions():
            version = self._version(count, wrong)
            is_kept = version.may_follow(day)
            used = version if is_kept else day
            yield self._row(name, used.head, used.threshold, is_kept=is_kept)
            yield self._row(f"{name}, unchecked", version.head, version.threshold)

    def _row(self, condition: str, head: Line, threshold: float, *, is_kept: bool = True) -> Row:
        scores = self._scores(head, self._store.after, self._scenario.after)
        return row_of(self._shop, scores, threshold, condition, self._where, is_kept=is_kept)

    def _version(self, count: int, wrong: float) -> _Way:
        rows, targets = self._shop.queue[:count], self._shop.reviewed(count, wrong).targets
        change = self._fitted(rows, targets)
        own, old = self._start.model.head, self._start.old
        scores = sigmoid(old.logits + change.of(old.features.astype(np.float64)))
        unseen = {}
        for person in np.unique(self._people):
            others = self._people[rows] != person
            if len(np.unique(targets[others])) > 1:
                unseen[str(person)] = own.changed(self._fitted(rows[others], targets[others]))
        return self._way(own.changed(change), unseen, scores)

    def _fitted(self, rows: Integers, targets: Integers) -> Change:
        features = self._features[rows]
        reviewed = Rows(
            features=features,
            logits=self._start.model.head.logits(features),
            targets=targets,
            weights=nearby.weights_of(targets, np.zeros(len(rows), np.intp)),
        )
        return nearby.fit(reviewed, NearbySettings())

    def _way(self, head: Line, unseen: dict[str, Line], old_scores: Floats) -> _Way:
        """`unseen`: heads by the person whom they haven't seen; of others the model's own."""
        before, shop, old = self._store.before, self._shop, self._start.old
        scores = np.zeros(len(before))
        for person in np.unique(self._people):
            rows = np.flatnonzero(self._people == person)
            own = unseen.get(str(person), self._start.model.head)
            scores[rows] = self._scores(own, [before[row] for row in rows], self._scenario.before)
        thefts = old.targets == 1
        threshold = shop.threshold(scores[shop.quiet], old_scores[thefts], old.groups[thefts])
        return _Way(
            head=head,
            threshold=threshold,
            hints=int((scores[shop.quiet] >= threshold).sum()),
            acts=int((scores[shop.acts] >= threshold).sum()),
            old_thefts=int(fitting.hints_of(old, old_scores)[thefts].sum()),
        )

    def _scores(self, head: Line, clips: Sequence[ClipFeatures], variant: str) -> Floats:
        return scores_of(head, clips, self._plan.settings.best_windows, variant)
