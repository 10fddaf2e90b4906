"""Moves models that were made here from DATA_DIR/models into storage, or back, and checks each.

On the disk a folder is what it is; in storage a row names it. Where both have a model and differ,
the one that was written last is right: the other is of before the site moved.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError
from video_classifier.models import ModelVersion, StoredModel
from video_classifier.services import catalog, disk, model_copies, stored_models
from video_classifier.services.errors import Refused
from video_classifier.states import IN_USE

logger = logging.getLogger(__name__)

BROKEN_COPY = "The copy of {name} is not what was read. Nothing is lost: run the command again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was done with a model, or would be."""

    name: str
    files: int = 0
    copied: int = 0  # bytes; 0 if it was there already
    removed: int = 0  # files where it was
    is_missing: bool = False
    is_changed: bool = False  # it isn't what its row says


def to_bucket(*, dry_run: bool, remove: bool) -> Iterator[Step]:
    """Each model that lies on this machine's disk. Raises Refused and StorageError."""
    versions = list(ModelVersion.objects.order_by("model", "number"))
    imports = bundle.names(catalog.imported())
    for name in imports:
        yield _to_bucket(name, None, dry_run=dry_run, remove=remove)
    for version in versions:
        yield _to_bucket(version.name, version, dry_run=dry_run, remove=remove)


def _to_bucket(name: str, version: ModelVersion | None, *, dry_run: bool, remove: bool) -> Step:
    row = StoredModel.objects.filter(name=name).first()
    folder = catalog.own_folder(name)
    if not (folder / bundle.CARD_FILE).is_file():
        # The folder of a version that nothing uses any more may be gone.
        is_used = version is not None and version.state in IN_USE
        return _seen(row) if row else Step(name=name, is_missing=is_used)
    if version is not None and not _is_head_of(version, folder):
        return Step(name=name, is_changed=True)
    files = stored_models.manifest(folder)
    is_same = row is not None and _is_same(row, files)
    if row is not None and not is_same and row.stored_at > _written(folder):
        return _seen(row)
    is_there = is_same and row is not None and not stored_models.differences(row)
    if not is_there and not dry_run:
        _store(folder, name, version)
    removed = _remove(folder, files) if remove and not dry_run else 0
    size = 0 if is_there else sum(each.size for each in files.values())
    return Step(name=name, files=len(files), copied=size, removed=removed)


def _seen(row: StoredModel) -> Step:
    is_changed = bool(stored_models.differences(row))
    return Step(name=row.name, files=len(row.files), is_changed=is_changed)


def _remove(folder: Path, files: Iterable[str]) -> int:
    names = list(files)
    for name in names:
        (folder / name).unlink()
    if not any(folder.iterdir()):  # versions of an imported model are below it
        folder.rmdir()
    return len(names)


def _is_head_of(version: ModelVersion, folder: Path) -> bool:
    try:
        return bundle.read_card(folder).served_sha256 == version.sha256
    except BundleError:
        return False


def _is_same(row: StoredModel, files: stored_models.Manifest) -> bool:
    return bool({name: list(of) for name, of in files.items()} == row.files)


def _written(folder: Path) -> datetime:
    return datetime.fromtimestamp((folder / bundle.CARD_FILE).stat().st_mtime, tz=UTC)


def _store(folder: Path, name: str, version: ModelVersion | None) -> None:
    row = stored_models.stored(folder, name, check=_refuse_broken)
    with stored_models.going_with_rows(row):
        row.version = version


def _refuse_broken(row: StoredModel) -> None:
    if stored_models.differences(row):
        raise Refused(BROKEN_COPY.format(name=row.name))


def to_disk(*, dry_run: bool, remove: bool) -> Iterator[Step]:
    """Each model in storage. Raises Refused, StorageError and disk.AwayError."""
    for row in StoredModel.objects.order_by("name"):  # an imported model before its versions
        yield _to_disk(row, dry_run=dry_run, remove=remove)


def _to_disk(row: StoredModel, *, dry_run: bool, remove: bool) -> Step:
    target, count = catalog.own_folder(row.name), len(row.files)
    is_there = _is_there(row, target)
    if not is_there and not dry_run:
        try:
            source = model_copies.folder(stored_models.found(row))
        except disk.DiskFullError:  # or away
            raise
        except Refused as refusal:
            logger.warning("%s", refusal)
            return Step(name=row.name, is_missing=True)
        _copy(source, target)
        if not _is_same(row, stored_models.manifest(target)):
            raise Refused(BROKEN_COPY.format(name=row.name))
    if remove and not dry_run:
        row.delete()  # with what is stored
        stored_models.forget()
    size = 0 if is_there else sum(size for size, _ in row.files.values())
    return Step(
        name=row.name, files=count, copied=size, removed=count if remove and not dry_run else 0
    )


def _is_there(row: StoredModel, target: Path) -> bool:
    """On the disk: the same, or what was made since by a site that is there already."""
    if not (target / bundle.CARD_FILE).is_file():
        return False
    return _is_same(row, stored_models.manifest(target)) or row.stored_at < _written(target)


def _copy(source: Path, target: Path) -> None:
    """In place of what is there, as a whole; versions of an imported model stay below it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.DATA_DIR, prefix="moving-") as folder:
        made, before = Path(folder) / "made", Path(folder) / "before"
        shutil.copytree(source, made)
        if target.exists():
            for below in [each for each in target.iterdir() if each.is_dir()]:
                below.rename(made / below.name)
            target.rename(before)
        made.rename(target)
