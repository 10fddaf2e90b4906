"""Simulates stores, to see what a quiet day and reviews change there. Trains nothing that is kept.

Each store is made of people whom its model has not seen. Those before are the quiet day and are
reviewed; whatever is measured is measured on others, who come later.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scripts._lib import console, markdown
from scripts.simulate_store import features, real_shops, simulation, tables
from scripts.simulate_store.features import COPIES, ROOMS, ClipFeatures
from scripts.simulate_store.simulation import Plan, Scenario
from video_classifier.ml.cache import Cache
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.persons import loading
from video_classifier.ml.persons.detector import Detector, DetectorError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training.adaptation import Offset

EXAMPLE = """examples:
  python -m scripts.simulate_store --cache var/adaptation --write docs/adaptation.md
  python -m scripts.simulate_store --cache var/adaptation --rooms
  python -m scripts.simulate_store --cache var/adaptation --shops ../shared/data/real_shops.csv
  python -m scripts.simulate_store --cache var/adaptation --seeds 2 --offset kept

Features take an hour on two cores, once; --cache keeps them clip by clip, and an interrupted run
goes on there.
"""
MARKS = ("stores", "offsets", "shops")
SAME = Scenario(name="other people later")
REGULARS = Scenario(name="the same people later", regulars=True)
OWN = Scenario(name="a camera of its own", before="room 1", after="room 1")
MOVED = Scenario(name="a moved camera", before="served", after="room 1")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, *MARKS)
        _run(arguments)
    except (BundleError, DetectorError, ManifestError, markdown.PageError, ValueError) as error:
        console.complain(error)
        return 2
    return 0


def _run(arguments: argparse.Namespace) -> None:
    card, detector = bundle.read_card(arguments.model), loading.load(arguments.detector)
    entries = manifest.for_training(manifest.read(arguments.manifest))
    variants = (*COPIES[: 1 + arguments.copies], *(ROOMS if arguments.rooms else ()))
    clips = _features(arguments, entries, card, detector, variants)
    plan = _plan(arguments)
    scenarios = [SAME, REGULARS, *((OWN, MOVED) if arguments.rooms else ())]
    rows = simulation.simulate(clips, scenarios, plan, watch=console.watch)
    _show(arguments, "stores", tables.stores(rows))
    if arguments.plot:
        tables.plot(rows, arguments.plot)
    if not arguments.offset:
        _show(arguments, "offsets", tables.stores(_offsets(clips, plan)))
    if arguments.shops:
        segments = manifest.for_testing(manifest.read(arguments.shops))
        chosen = [one for one in segments if one.group in arguments.cameras]
        shops = _features(arguments, chosen, card, detector, COPIES[:1])
        base = simulation.base_of(clips, plan.settings)
        found = real_shops.measure(shops, base, plan.settings, seed=plan.settings.seed)
        _show(arguments, "shops", tables.shops(found))


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
    arguments: argparse.Namespace,
    entries: Sequence[Entry],
    card: Card,
    detector: Detector,
    variants: Sequence[str],
) -> tuple[ClipFeatures, ...]:
    if card.serving is None or not card.serving.file.endswith(".openvino"):
        msg = f"The model “{card.name}” has no network for OpenVINO, which gives the features."
        raise BundleError(msg)
    return features.extract(
        entries,
        card,
        arguments.model / card.serving.file,
        detector=detector,
        cache=Cache(arguments.cache, warn=console.warn),
        variants=variants,
        watch=console.watch,
    )


def _plan(arguments: argparse.Namespace) -> Plan:
    plan = Plan(seeds=arguments.seeds)
    if not arguments.offset:
        return plan
    return replace(plan, settings=replace(plan.settings, offset=Offset(arguments.offset)))


def _show(arguments: argparse.Namespace, name: str, table: str) -> None:
    console.out.print(f"\n{name}\n{table}", markup=False, soft_wrap=True)
    if arguments.write:
        markdown.write(arguments.write, name, table)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("simulate_store", __doc__, EXAMPLE)
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("models_storage/i3d_person"),
        metavar="FOLDER",
        help="with a linear head, served by OpenVINO (default: %(default)s)",
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        default=Path("../shared/data/manifest.csv"),
        metavar="CSV",
        help="labelled clips (default: %(default)s)",
    )
    console.add_detector(parser)
    parser.set_defaults(detector=Path("models_storage/person_detector_nanodet"))
    parser.add_argument(
        "--cache", type=console.folder_to_write, required=True, metavar="FOLDER", help="of features"
    )
    parser.add_argument("--seeds", type=int, default=10, help="ways to part people into stores")
    parser.add_argument(
        "--copies", type=int, default=0, choices=range(len(COPIES)), help="of old clips, to fit to"
    )
    parser.add_argument(
        "--rooms", action="store_true", help="stores with cameras of their own, and moved ones"
    )
    parser.add_argument("--shops", type=Path, metavar="CSV", help="segments of real shops, too")
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
