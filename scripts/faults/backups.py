"""Takes backups of a site at work, restores them elsewhere, and checks every row's file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from scripts._lib.site_under_test import ROOT
from scripts.faults.setups import Elsewhere, Setup

LONGEST = 300.0  # seconds of a backup, or of its way back
FILES = """
SELECT file, sha256 FROM video_classifier_clip
UNION SELECT playable, '' FROM video_classifier_clip
UNION SELECT file, '' FROM video_classifier_segmentcopy
UNION SELECT still, '' FROM video_classifier_liveevent
UNION SELECT file, '' FROM video_classifier_caseexport
"""
CLIPS = "SELECT sha256 FROM video_classifier_clip"
SUMS = "SHA256SUMS"


def take(site: Setup, folder: Path, *, meanwhile: Callable[[], object]) -> None:
    """Takes a backup while something breaks; its way back is among what the site checks later.

    One that was broken off says so and is no backup; then another one is taken, in peace.
    """
    known = {sha for (sha,) in site.rows(CLIPS)}
    breaks = threading.Thread(target=meanwhile)
    breaks.start()
    wrong, is_made = wrong_with(site.environment_of_commands, folder)
    breaks.join()
    if not is_made:
        folder = folder.with_name(f"{folder.name}-again")
        site.up()
        again, is_made = wrong_with(site.environment_of_commands, folder)
        wrong += again if is_made else [*again, "The second backup was not made either."]
    site.troubles += wrong
    if is_made:
        site.later.append(lambda: _restored(site, folder, known))


def wrong_with(environment: dict[str, str], folder: Path) -> tuple[list[str], bool]:
    """What is wrong with making a backup there, and whether one was made.

    One that is not made says why in a sentence, and is no backup.
    """
    code, said = manage(environment, "backup", folder)
    if not code:
        return [], True
    wrong = []
    if "Traceback" in said:
        wrong.append(f"The backup ended with {code}, and without a sentence: {said[-300:]}")
    if (folder / SUMS).exists():
        wrong.append(f"The backup has {SUMS}, and yet it ended with {code}: {said[-300:]}")
    return wrong, False


def _restored(site: Setup, folder: Path, known: set[str]) -> list[str]:
    place = site.elsewhere(folder.with_name(f"{folder.name}-restored"))
    code, said = manage(place.environment, "restore", folder)
    if code:
        return [f"Restoring ended with {code}: {said[-300:]}"]
    wrong = differences(place, folder)
    if lost := known - {sha for (sha,) in place.rows(CLIPS)}:
        wrong.append(f"{len(lost)} clips that were there before the backup are not restored.")
    for each in folder.parent.glob(f"{folder.name}*"):
        shutil.rmtree(each)
    return wrong


def differences(place: Elsewhere, folder: Path) -> list[str]:
    """Of the site there from what the backup in that folder has, and from what its rows say."""
    lines = (folder / SUMS).read_text().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    wrong: list[str] = []
    for name, uploaded in {row for row in place.rows(FILES) if row[0]}:
        digest = place.sha256(name)
        if digest is None:
            wrong.append(f"The restored site has no file {name}, which a row of it has.")
        elif digest not in {uploaded, sums.get(f"media/{name}")}:
            wrong.append(f"The restored file {name} is not the one that was saved.")
    return wrong


def manage(environment: dict[str, str], *words: object) -> tuple[int, str]:
    """The exit code of a command, and what it said."""
    return python(environment, "manage.py", *words)


def python(environment: dict[str, str], *words: object) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, *map(str, words)],
        cwd=ROOT,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
    )
    return done.returncode, done.stdout
