"""What `manage.py doctor` says: everything that the site needs, tried once, in sentences.

Nothing secret is in them: of an error that a library raised only its name.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.template.defaultfilters import filesizeformat

from video_classifier.integrations.remote import StorageError
from video_classifier.models import AuthenticatorApp, Clip, Feed, StoredModel
from video_classifier.services import (
    backlog,
    backups,
    catalog,
    database,
    disk,
    files,
    gauges,
    readiness,
    sandbox,
    stored_models,
)
from video_classifier.services.errors import Refused

CLOCKS_AGREE = timedelta(seconds=5)
NETWORK_SECONDS = 3.0
BYTES = b"written by manage.py doctor"
DATABASES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


class Verdict(StrEnum):
    FINE = "ok"
    NOTE = "note"  # to be known; nothing is broken
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    verdict: Verdict
    sentence: str


def fine(sentence: str) -> Finding:
    return Finding(verdict=Verdict.FINE, sentence=sentence)


def note(sentence: str) -> Finding:
    return Finding(verdict=Verdict.NOTE, sentence=sentence)


def wrong(sentence: str) -> Finding:
    return Finding(verdict=Verdict.WRONG, sentence=sentence)


def examine(*, hashes: bool = False) -> Iterator[Finding]:
    """One after the other: some wait for a network for a few seconds.

    With `hashes` every stored file is read whose SHA-256 is known.
    """
    for look in (_settings, _rows, _storage, _model, _disk, _children, _broker, _mail):
        yield from look()
    if hashes:
        yield from _hashes()


def _hashes() -> Iterator[Finding]:
    """A disk may return other bytes than were written, and says nothing of it."""
    count = right = 0
    try:
        for pk, name, sha256 in Clip.objects.values_list("pk", "file", "sha256").iterator():
            count += 1
            if problem := _difference(name, sha256):
                yield wrong(f"The file of clip {pk} {problem}: {name}. Restore it from a backup.")
            else:
                right += 1
        for row in StoredModel.objects.all() if stored_models.are_kept() else ():
            for name in stored_models.differences(row):
                yield wrong(f"{name} of the model {row.name} is not what was stored. Make it anew.")
    except DatabaseError:
        yield wrong(readiness.NO_DATABASE)
    except StorageError:
        yield wrong(readiness.NO_STORAGE)
    else:
        yield fine(f"Of {count} clips {right} have the file that was uploaded.")


def _difference(name: str, sha256: str) -> str:
    """In words, or "": a clip that was deleted meanwhile counts as gone."""
    try:
        same = files.sha256(default_storage, name) == sha256
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"can't be read ({error.strerror or type(error).__name__})"
    return "" if same else "is not what was uploaded"


def _settings() -> Iterator[Finding]:
    """As `manage.py check`, with Django's own rules for production where there is HTTPS."""
    found = [
        each
        for each in run_checks(include_deployment_checks=settings.HTTPS)
        if not each.is_silenced()
    ]
    for each in found:
        hint = f" {each.hint}" if each.hint else ""
        say = wrong if each.level >= ERROR else note
        yield say(" ".join(f"{each.msg}{hint}".split()))
    if not found:
        yield fine("The settings fit together.")
    if settings.DEBUG:
        yield wrong("DEBUG is true: errors show the site's inside to everybody.")
    if not settings.HTTPS:
        yield note("HTTPS is false: passwords and footage travel readably, so keep it local.")


def _rows() -> Iterator[Finding]:
    try:
        yield from _of_database()
    except DatabaseError:
        yield wrong(readiness.NO_DATABASE)


def _of_database() -> Iterator[Finding]:
    now = database.now()  # which asks PostgreSQL
    connection.ensure_connection()
    yield fine(f"The database answers: {DATABASES.get(connection.vendor, connection.vendor)}.")
    apart = abs(datetime.now(UTC) - now)
    if apart > CLOCKS_AGREE:
        seconds = apart.total_seconds()
        yield note(f"This machine's clock and the database's are {seconds:.0f} s apart: use NTP.")
    if readiness.lacks_migrations():
        yield wrong(readiness.OLD_DATABASE)
        return
    yield fine("Its tables are those of this version.")
    if lack := backups.why_not_here():
        yield note(f"No backup can be made from here. {lack}")
    yield from _queue()
    yield from _alerts()
    yield from _cameras()
    yield from _waiting_clips()
    yield from _second_factors()


def _queue() -> Iterator[Finding]:
    found = backlog.of_each_kind()
    for kind, each in found.items():
        if each.waiting:
            minutes = int(each.oldest.total_seconds() // 60)
            yield note(f"{kind}: {each.waiting} wait, the first for {minutes} min.")
    stuck = backlog.stuck_for(found)
    if stuck > settings.READY_QUEUE_AGE:
        minutes = int(stuck.total_seconds() // 60)
        yield wrong(f"{readiness.STUCK.format(minutes=minutes)} Start one.")
    else:
        yield fine(f"The queue moves; RUNNER is {settings.RUNNER}.")


def _alerts() -> Iterator[Finding]:
    failed = gauges.failed_alerts()
    yield note(failed) if failed else fine("No alert of the last 24 hours failed.")


def _cameras() -> Iterator[Finding]:
    enabled = Feed.objects.enabled()
    count, alone = enabled.count(), enabled.filter(worker="").count()
    if alone:
        yield note(
            f"{alone} of {count} live cameras have no watcher; WATCHER is {settings.WATCHER}."
        )
    elif count:
        yield fine(f"Each of {count} live cameras has a watcher.")


def _waiting_clips() -> Iterator[Finding]:
    found = gauges.waiting_clips()
    if found.oldest > disk.PAUSE:  # younger ones are being sent
        minutes = int(found.oldest.total_seconds() // 60)
        yield note(
            f"Clips of live events that wait for the storage: {found.count}, the first for "
            f"{minutes} min, on {', '.join(found.places)}. A watcher there sends them once the "
            "storage answers."
        )


def _second_factors() -> Iterator[Finding]:
    apps = AuthenticatorApp.objects.filter(confirmed=True).select_related("user")
    lost = sorted(app.user.get_username() for app in apps if not app.is_readable)
    if lost:
        yield wrong(
            f"The second factors of {len(lost)} accounts can't be read, the first of “{lost[0]}”: "
            "put the SECRET_KEY that sealed them into SECRET_KEY_FALLBACKS, or reset them by "
            "`manage.py reset_second_factor NAME`."
        )


def _storage() -> Iterator[Finding]:
    """Writes, reads and deletes a few bytes, as an upload does."""
    name = f"doctor/{uuid.uuid4()}"
    try:
        kept = default_storage.save(name, ContentFile(BYTES))
        try:
            with default_storage.open(kept) as stored:
                is_same = stored.read() == BYTES
        finally:
            default_storage.delete(kept)
    except Exception as error:  # noqa: BLE001  (each kind of storage has errors of its own)
        yield wrong(f"Files can't be stored, read and deleted ({type(error).__name__}).")
        return
    yield (
        fine("Files can be stored, read and deleted.")
        if is_same
        else wrong("The storage of files gives back something else than was stored.")
    )


def _model() -> Iterator[Finding]:
    try:
        yield from _default_model()
        yield from _models_in_use()
    except DatabaseError:
        return  # it is said already


def _default_model() -> Iterator[Finding]:
    try:
        catalog.usable(settings.DEFAULT_MODEL)
    except Refused as error:
        yield wrong(str(error))
    else:
        yield fine(f"The default model, {settings.DEFAULT_MODEL}, can be used.")


def _models_in_use() -> Iterator[Finding]:
    """Those that stores and cameras use; and whether other machines get at what was made here."""
    lost = readiness.unreachable()
    yield from map(wrong, lost)
    if not lost:
        yield fine("The models that stores and cameras use can be used on this machine.")
    if alone := catalog.left_on_disk():
        yield note(
            f"Other machines can't get at {', '.join(alone)}: `manage.py move_storage --to bucket` "
            "puts them into the storage."
        )


def _disk() -> Iterator[Finding]:
    left = filesizeformat(disk.free())
    if disk.is_nearly_full():
        yield wrong(f"{readiness.DISK_FULL} {left} are left.")
    elif disk.is_low():
        yield note(f"Live cameras keep no more clips: only {left} of the disk are left.")
    else:
        yield fine(f"The disk has room: {left}.")


def _children() -> Iterator[Finding]:
    """Of system calls the checks say something."""
    if not sandbox.lacks():
        yield fine("The process that reads clips has no network and starts no programs.")
    if sandbox.closes_files():
        yield fine("It reads no files but clips.")
    else:
        yield note(
            "The process that reads clips may read what the site may read, as this system has no "
            "Landlock (Linux 5.13)."
        )


def _broker() -> Iterator[Finding]:
    """Only whether somebody listens: workers don't need it to go on."""
    address = getattr(settings, "BROKER_URL", "")
    if not address:
        return
    parts = urlsplit(address)
    try:
        socket.create_connection(
            (parts.hostname or "", parts.port or 6379), NETWORK_SECONDS
        ).close()
    except OSError:
        yield note("Nobody answers at BROKER_URL: workers find jobs by themselves, seconds later.")
    else:
        yield fine("The broker answers.")


def _mail() -> Iterator[Finding]:
    if not settings.EMAIL_URL:
        yield note(
            "EMAIL_URL is not set: no e-mail is sent, neither alerts nor links to passwords."
        )
        return
    try:
        mail = get_connection(timeout=NETWORK_SECONDS)
        mail.open()
        mail.close()
    except Exception as error:  # noqa: BLE001  (of sockets, of TLS, of SMTP)
        yield wrong(f"The mail server doesn't let the site in ({type(error).__name__}).")
    else:
        yield fine("The mail server lets the site in.")
