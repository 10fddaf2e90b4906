"""What an operator does by `manage.py`, and what has to be there after a full disk broke it off.

Each ends with 0 and has done it all, or says why not in a sentence and has left nothing that passes
for what it was to make. What they take along is made before, by `ready`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts._lib import material
from scripts._lib.site_under_test import NAME
from scripts.faults import backups
from scripts.faults.flow import Flow
from scripts.faults.setups import Setup

CAMERA = "Door"
NETWORK = "network.keras"

_PLACE = f"""
import os, django; django.setup()
from datetime import datetime, timezone
from video_classifier.models import Camera, Clip, Store
from video_classifier.states import RecordedFrom
store = Store.objects.get()
camera, _ = Camera.objects.get_or_create(store=store, name={CAMERA!r})
Clip.objects.filter(sha256__in=os.environ["CLIPS"].split()).update(
    camera=camera, recorded_at=datetime.fromisoformat(os.environ["AT"]),
    recorded_from=RecordedFrom.GIVEN)
print(store.name)
"""
# A version as learning leaves it, taken in and put to use.
_VERSION = """
import django; django.setup()
from pathlib import Path
from tempfile import TemporaryDirectory
import numpy as np
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.head import Head
from video_classifier.models import Store
from video_classifier.services import catalog, versions
model, store = {model!r}, Store.objects.get()
with TemporaryDirectory(dir={data!r}, prefix="learned-") as aside:
    card = bundle.read_card(catalog.folder(model))
    head = Head(kernel=np.full(3, 10.0), bias=-15.0, network_sha256=card.sha256)
    made = Path(aside) / "version"
    bundle.save_version(made, head, card, parent=model)
    version = versions.add(made, store=store, model=model)
    versions.activate(version, store=store.pk, model=model, by=None)
"""
_USED = """
import django; django.setup()
from video_classifier.models import ModelVersion
from video_classifier.services import catalog, versions
for each in ModelVersion.objects.all():
    catalog.usable(each.name)
print(*(each.name for each in ModelVersion.objects.all()))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """`does` returns what was wrong at once, and what looks once there is room again."""

    does: Callable[[], list[str]]
    ready: Callable[[], None] = lambda: None
    look: Callable[[], list[str]] = list


class Commands:
    """Of a site whose storage fails."""

    def __init__(self, site: Setup, flow: Flow, made: Path) -> None:
        """`made` is what `material.make` made."""
        self._site, self._flow, self._made = site, flow, made
        self._models = site.data / "models"
        self._number = 0
        self._code, self._said = 0, ""
        self._clips: list[str] = []  # SHA-256
        self._moment = datetime.now(UTC) - timedelta(days=300)
        self._store = ""
        self._exports = 0

    @property
    def things(self) -> dict[str, Thing]:
        return {
            "import": Thing(ready=self._next, does=self._import, look=self._imported),
            "version": Thing(does=self._make_version, look=self._versions),
            "export": Thing(ready=self._to_hand_out, does=self._export, look=self._exported),
            "erase": Thing(ready=self._to_erase, does=self._erase, look=self._erased),
            "restore": Thing(ready=self._to_restore, does=self._restore, look=self._restored),
        }

    def _next(self) -> None:
        self._number += 1

    def _run(self, *words: object, **environment: str) -> list[str]:
        """While it is full; what it has to say then is a sentence."""
        self._code, self._said = backups.manage(self._environment | environment, *words)
        return self._without_a_sentence()

    @property
    def _environment(self) -> dict[str, str]:
        assert self._site.storage is not None  # noqa: S101
        return self._site.environment_of_commands | self._site.storage.environment

    def _without_a_sentence(self) -> list[str]:
        if not self._code or "Traceback" not in self._said:
            return []
        return [f"It ended with {self._code}, and without a sentence: {self._said[-300:]}"]

    @property
    def _name(self) -> str:
        return f"model{self._number}"

    def _import(self) -> list[str]:
        return self._run(
            "import_model", self._made / material.MODEL / NETWORK, "--name", self._name
        )

    def _imported(self) -> list[str]:
        folder = self._models / self._name
        wrong = [
            f"{each.name} is left over." for each in sorted(self._site.data.glob("importing-*"))
        ]
        if self._code and folder.exists():
            wrong.append(f"{self._name} is there, and yet it ended with {self._code}.")
        if not self._code:
            words = ("test_model", "--model", self._name)
            code, said = backups.manage(self._site.environment_of_commands, *words)
            wrong += [f"{self._name} can't be used: {said[-300:]}"] if code else []
        shutil.rmtree(folder, ignore_errors=True)
        return wrong

    def _make_version(self) -> list[str]:
        words = _VERSION.format(model=material.MODEL, data=str(self._site.data))
        self._code, self._said = backups.python(self._environment, "-c", words)
        return []  # a job of the site says it in another way

    def _versions(self) -> list[str]:
        """Each one can be used, and no other is there."""
        code, said = backups.python(self._site.environment_of_commands, "-c", _USED)
        if code:
            return [f"A version can't be used: {said[-300:]}"]
        known = {name.rpartition("@")[2] for name in said.split()}
        there = {each.name for each in (self._models / material.MODEL).glob("*")}
        left = [f"The folder of version {name} has no row." for name in sorted(there - known)]
        for each in sorted(self._site.data.glob("learned-*")):
            shutil.rmtree(each)
        return left

    def _to_hand_out(self) -> None:
        """Two clips of a camera, at a time of their own."""
        self._next()
        sent = [self._flow.send(kind, "api") for kind in ("bright", "dark")]
        self._clips = [each.file.sha256 for each in sent]
        self._moment += timedelta(days=1)
        told = {"CLIPS": " ".join(self._clips), "AT": self._moment.isoformat()}
        self._store = backups.python(self._site.environment_of_commands | told, "-c", _PLACE)[1]

    @property
    def _asked(self) -> tuple[str, ...]:
        since, until = (self._moment + timedelta(minutes=each) for each in (-5, 5))
        return (
            *("--store", self._store.strip(), "--camera", CAMERA, "--user", NAME),
            *("--from", since.isoformat(), "--to", until.isoformat()),
        )

    @property
    def _folder(self) -> Path:
        return self._site.data / f"made-{self._number}"

    def _export(self) -> list[str]:
        return self._run("export_footage", self._folder, *self._asked)

    def _exported(self) -> list[str]:
        """All of it, which is noted, or nothing."""
        there = sorted(each.name for each in self._folder.glob("*"))
        query = "SELECT count(*) FROM video_classifier_auditentry WHERE action = 'exported'"
        noted, wrong = self._site.rows(query)[0][0], []
        if self._code and there:
            wrong.append(f"It ended with {self._code}, and {', '.join(there)} are left.")
        if not self._code:
            told = json.loads((self._folder / "manifest.json").read_text())["clips"]
            sums = {each["sha256"] for each in told}
            found = {
                hashlib.sha256((self._folder / each["file"]).read_bytes()).hexdigest()
                for each in told
            }
            if not sums == found == set(self._clips):
                wrong.append("What was exported is not what was uploaded.")
            self._exports += 1
        if noted != self._exports:
            wrong.append(f"{noted} exports are noted, and {self._exports} were made.")
        shutil.rmtree(self._folder, ignore_errors=True)
        return wrong

    def _to_erase(self) -> None:
        self._to_hand_out()
        gone = set(self._clips)
        self._flow.sent[:] = [each for each in self._flow.sent if each.file.sha256 not in gone]

    def _erase(self) -> list[str]:
        return self._run(*self._erases)

    @property
    def _erases(self) -> tuple[str, ...]:
        return "erase_footage", *self._asked

    def _erased(self) -> list[str]:
        """What it said is true; else it can be done again, and then is."""
        if self._code:
            code, said = backups.manage(self._site.environment_of_commands, *self._erases)
            if code:
                return [f"It can't be done again: {said[-300:]}"]
        listed = ", ".join(f"'{each}'" for each in self._clips)
        query = f"SELECT count(*) FROM video_classifier_clip WHERE sha256 IN ({listed})"  # noqa: S608
        wrong = []
        if left := self._site.rows(query)[0][0]:
            wrong.append(f"{left} clips are there after they were erased.")
        stored = (self._site.data / "media").rglob("*")
        sums = {
            hashlib.sha256(each.read_bytes()).hexdigest()
            for each in stored
            if each.suffix == ".mp4" and each.is_file()
        }
        if sums & set(self._clips):
            wrong.append("The file of a clip is there after it was erased.")
        return wrong

    @property
    def _backup(self) -> Path:
        return self._site.folder / "backup"

    def _to_restore(self) -> None:
        self._next()
        if not self._backup.exists():
            self._flow.send("bright", "form")
            self._site.manage("backup", str(self._backup))
        self._place = self._site.elsewhere(self._folder)

    def _restore(self) -> list[str]:
        assert self._site.storage is not None  # noqa: S101
        return self._run("restore", self._backup, **self._place.environment | self._loaded)

    @property
    def _loaded(self) -> dict[str, str]:
        assert self._site.storage is not None  # noqa: S101
        return self._site.storage.environment

    def _restored(self) -> list[str]:
        """All of it, or no rows: nobody takes it for a site."""
        wrong = []
        if self._code:
            if (self._folder / "db.sqlite3").exists() and self._has_tables():
                wrong.append(f"It ended with {self._code}, and the new site has rows.")
        else:
            wrong += backups.differences(self._place, self._backup)
        shutil.rmtree(self._folder)
        return wrong

    def _has_tables(self) -> bool:
        return bool(self._place.rows("SELECT 1 FROM sqlite_master LIMIT 1"))
