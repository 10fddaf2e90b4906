"""Simulates stores, to see what a quiet day and reviews change there. Trains nothing that is kept.

Each store is made of people whom its model has not seen. Those before are the quiet day and are
reviewed; whatever is measured is measured on others, who come later.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from scripts._lib import console, markdown
from scripts.simulate_store import (
    features,
    heads,
    last_blocks,
    learner,
    real_shops,
    simulation,
    tables,
)
from scripts.simulate_store.features import COPIES, ROOMS, ClipFeatures
from scripts.simulate_store.last_blocks import LastBlocks
from scripts.simulate_store.simulation import Plan, Scenario
from video_classifier.ml.cache import Cache
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.persons import loading
from video_classifier.ml.persons.detector import Detector, DetectorError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training import old_footage
from video_classifier.ml.training.adaptation import Offset

EXAMPLE = """examples:
  python -m scripts.simulate_store --cache var/adaptation --write docs/adaptation.md
  python -m scripts.simulate_store --cache var/adaptation --rooms
  python -m scripts.simulate_store --cache var/adaptation --shops ../shared/data/real_shops.csv
  python -m scripts.simulate_store --cache var/adaptation --heads --seeds 5
  python -m scripts.simulate_store --cache var/adaptation --rooms --versions
  python -m scripts.simulate_store --cache var/adaptation --seeds 2 --offset kept

Features take an hour on two cores, once; --cache keeps them clip by clip, and an interrupted run
goes on there.
"""
MARKS = ("stores", "offsets", "heads", "versions", "shops", "forgotten")
SAME = Scenario(name="other people later")
REGULARS = Scenario(name="the same people later", regulars=True)
OWN = Scenario(name="a camera of its own", before="room 1", after="room 1")
MOVED = Scenario(name="a moved camera", before="served", after="room 1")


@dataclass(frozen=True)
class Source:
    """Where features come from."""

    card: Card
    model: Path
    network: Path
    detector: Detector
    cache: Path


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    page = arguments.write
    try:
        if page:
            markdown.check(page, *MARKS)
        source = _source(arguments.model, arguments.detector, arguments.cache)
        plan = _plan(arguments.seeds, arguments.offset)
        scenarios = [SAME, REGULARS, *((OWN, MOVED) if arguments.rooms else ())]
        variants = (*COPIES[: 1 + arguments.copies], *(ROOMS if arguments.rooms else ()))
        entries = manifest.for_training(manifest.read(arguments.manifest))
        clips = _features(source, entries, variants)
        show_shops = partial(
            _show_shops,
            source,
            clips,
            plan,
            shops=arguments.shops,
            cameras=arguments.cameras,
            with_last_blocks=arguments.last_blocks,
            page=page,
        )
        if arguments.heads or arguments.versions:
            _show_ways(clips, scenarios, plan, with_heads=arguments.heads, page=page)
            return 0
        if arguments.only_shops and arguments.shops:
            show_shops()
            return 0
        rows = simulation.simulate(clips, scenarios, plan, watch=console.watch)
        _show("stores", tables.stores(rows), page)
        if arguments.plot:
            tables.plot(rows, arguments.plot)
        if not arguments.offset:
            _show("offsets", tables.stores(_offsets(clips, plan)), page)
        if arguments.shops:
            show_shops()
    except (BundleError, DetectorError, ManifestError, markdown.PageError, ValueError) as error:
        console.complain(error)
        return 2
    return 0


def _source(model: Path, detector: Path, cache: Path) -> Source:
    card = bundle.read_card(model)
    if card.serving is None or not card.serving.file.endswith(".openvino"):
        msg = f"The model “{card.name}” has no network for OpenVINO, which gives the features."
        raise BundleError(msg)
    return Source(card, model, model / card.serving.file, loading.load(detector), cache)


def _offsets(clips: Sequence[ClipFeatures], plan: Plan) -> list[simulation.Row]:
    """The ways to deal with what makes a whole camera score high or low, side by side."""
    few = replace(plan, reviews=(20,), wrong=())
    return [
        replace(row, scenario=offset.value)
        for offset in Offset
        for row in simulation.simulate(
            clips, [SAME], replace(few, settings=replace(few.settings, offset=offset))
        )
        if row.condition != "quiet day + 20 reviews"
    ]


def _features(
    source: Source, entries: Sequence[Entry], variants: Sequence[str]
) -> tuple[ClipFeatures, ...]:
    return features.extract(
        entries,
        source.card,
        source.network,
        detector=source.detector,
        cache=Cache(source.cache, warn=console.warn),
        variants=variants,
        watch=console.watch,
    )


def _show_ways(
    clips: Sequence[ClipFeatures],
    scenarios: Sequence[Scenario],
    plan: Plan,
    *,
    with_heads: bool,
    page: Path | None,
) -> None:
    """To fit a head; else what the site makes of one."""
    if with_heads:
        _show("heads", tables.heads(heads.measure(clips, plan, watch=console.watch)), page)
        return
    found = learner.measure(clips, scenarios, plan, watch=console.watch)
    _show("versions", tables.stores(found), page)


def _show_shops(  # noqa: PLR0913
    source: Source,
    clips: Sequence[ClipFeatures],
    plan: Plan,
    *,
    shops: Path,
    cameras: Sequence[str],
    with_last_blocks: bool,
    page: Path | None,
) -> None:
    segments = manifest.for_testing(manifest.read(shops))
    chosen = [one for one in segments if one.group in cameras]
    found, shipped = _features(source, chosen, COPIES[:1]), _shipped(source)
    rows = real_shops.measure(
        found,
        simulation.base_of(clips, plan.settings),
        plan.settings,
        seed=plan.settings.seed,
        last_blocks=_last_blocks(source, clips) if with_last_blocks else None,
        shipped=shipped,
    )
    _show("shops", tables.shops(rows), page)
    if shipped:
        forgotten = real_shops.forgotten(found, shipped, source.card.best_windows)
        _show("forgotten", tables.forgotten(forgotten), page)


def _last_blocks(source: Source, old: Sequence[ClipFeatures]) -> LastBlocks:
    return LastBlocks(
        last_blocks.Source(
            model=source.model,
            card=source.card,
            detector=source.detector,
            cache=Cache(source.cache, warn=console.warn),
        ),
        [clip.entry for clip in old],
        watch=console.watch,
    )


def _shipped(source: Source) -> real_shops.Shipped | None:
    old = old_footage.read(source.model, source.card)
    if old is None:
        return None
    engine, _ = bundle.load_features(source.model)
    kernel, bias = engine.own_head()
    return real_shops.Shipped(kernel=np.asarray(kernel, np.float64), bias=bias, old=old)


def _plan(seeds: int, offset: str | None) -> Plan:
    plan = Plan(seeds=seeds)
    if not offset:
        return plan
    return replace(plan, settings=replace(plan.settings, offset=Offset(offset)))


def _show(name: str, table: str, page: Path | None) -> None:
    console.out.print(f"\n{name}\n{table}", markup=False, soft_wrap=True)
    if page:
        markdown.write(page, name, table)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("simulate_store", __doc__, EXAMPLE)
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("models_storage/i3d_person"),
        metavar="FOLDER",
        help="with a linear head, served by OpenVINO (default: %(default)s)",
    )
    features.add_options(parser)
    parser.add_argument("--seeds", type=int, default=10, help="ways to part people into stores")
    parser.add_argument(
        "--copies", type=int, default=0, choices=range(len(COPIES)), help="of old clips, to fit to"
    )
    parser.add_argument(
        "--rooms", action="store_true", help="stores with cameras of their own, and moved ones"
    )
    parser.add_argument(
        "--heads", action="store_true", help="only compare ways to fit a head, and what it forgets"
    )
    parser.add_argument(
        "--versions", action="store_true", help="only what `manage.py improve_model` makes"
    )
    parser.add_argument("--shops", type=Path, metavar="CSV", help="segments of real shops, too")
    parser.add_argument("--only-shops", action="store_true", help="and no made stores")
    parser.add_argument(
        "--last-blocks", action="store_true", help="train the network's for these (half an hour)"
    )
    parser.add_argument(
        "--cameras", nargs="+", default=["cam01", "cam03", "cam07"], help="of these shops"
    )
    parser.add_argument(
        "--offset", choices=[each.value for each in Offset], help="of cameras, instead of the best"
    )
    parser.add_argument("--plot", type=console.file_to_write, metavar="PNG", help="to be written")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="whose tables are replaced: docs/adaptation.md"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
