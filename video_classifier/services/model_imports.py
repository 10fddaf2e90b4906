"""Takes in models that were trained elsewhere."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from video_classifier.ml.serving import keras_import
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.keras_import import Format
from video_classifier.services import catalog
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import refusing

NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{catalog.LONGEST_NAME - 1}}}")


def import_model(source: Path, name: str, *, given: Format, replace: bool = False) -> Card:
    """Makes the Keras file `source` a model of the site, called `name`, that is not measured.

    Its folder appears whole or not at all; with `replace` it takes the place of one that was
    imported before. Raises Refused.
    """
    _check(name, replace=replace)
    if not source.is_file():
        msg = f"There is no file {source}."
        raise Refused(msg)
    created = timezone.localdate().isoformat()
    target = catalog.imported() / name
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="importing-") as aside:
        made = Path(aside) / name
        with refusing():
            card = keras_import.write(source, made, name=name, created=created, given=given)
        if target.exists():
            target.rename(Path(aside) / "replaced")
        made.rename(target)
    return card


def _check(name: str, *, replace: bool) -> None:
    if not NAME.fullmatch(name):
        msg = (
            f"“{name}” can't be a model's name: use at most {catalog.LONGEST_NAME} letters, "
            "digits, hyphens and underscores, a letter or digit first."
        )
        raise Refused(msg)
    if (settings.MODELS_STORAGE / name).exists():
        msg = f"“{name}” comes with the site and can't be replaced. Choose another name."
        raise Refused(msg)
    if (catalog.imported() / name).exists() and not replace:
        msg = f"There is a model “{name}” already. Choose another name, or replace it (--replace)."
        raise Refused(msg)
