"""Heavy libraries load where a clip is read or analyzed, and no earlier."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SITE = "import django; django.setup(); import shoplift_site.urls, shoplift_site.wsgi"
COMMAND = "import django.core.management as it; it.execute_from_command_line(['manage.py', {!r}])"
HEAVY = {"keras", "tensorflow", "cv2", "av"}
AV = {"av", "scipy"}
DETECT = """
from pathlib import Path
import numpy as np
from video_classifier.ml.persons import loading
loading.load(Path("models_storage/person_detector")).detect(np.zeros((240, 320, 3), np.uint8))
"""
SERVE = """
from pathlib import Path
import numpy as np
from video_classifier.ml.serving import loading, scorer_process
storage = Path("models_storage")
model = loading.load(storage / "{}", detector=storage / "person_detector")
assert 0 < model.score(np.zeros(model.card.spec.shape, np.uint8)) < 1
"""


def loads_one_of(names: set[str], code: str, data: Path) -> bool:
    """Whether any of `names` is in memory after `code` ran in a process of its own."""
    show = f"import sys; print('\\nLOADED', *{names!r} & set(sys.modules))"
    site = {"DJANGO_SETTINGS_MODULE": "shoplift_site.settings", "DATA_DIR": str(data)}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"],
        cwd=ROOT,
        env=os.environ | site,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1] != "LOADED"


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (SITE, HEAVY),
        (COMMAND.format("check"), HEAVY),
        (COMMAND.format("migrate"), HEAVY),
        ("import video_classifier.ml.video.sampling", {"django"}),
        ("import video_classifier.ml.serving.loading", {"django"} | HEAVY),
        ("import video_classifier.ml.persons.finder", {"django", "keras", "scipy"}),
        ("import video_classifier.ml.serving.predictor, video_classifier.ml.persons.tracking", AV),
        (DETECT, {"django", "keras", "tensorflow"}),
        (SERVE.format("person_ensemble"), {"django", "keras", "tensorflow"}),
        (SERVE.format("mobilenetv2_lstm"), {"django", "keras", "tensorflow"}),
        (SERVE.format("conv3d"), {"django", "keras", "tensorflow"}),
    ],
)
def test_leaves_unloaded(code: str, absent: set[str], tmp_path: Path) -> None:
    assert not loads_one_of(absent, code, tmp_path)


def test_notices_what_is_loaded(tmp_path: Path) -> None:
    assert loads_one_of(HEAVY, "import av", tmp_path)
