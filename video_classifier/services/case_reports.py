"""What an export of a case says: its facts and those of each event, for report and manifest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.template.loader import render_to_string

from video_classifier.models import Case, CaseItem, CaseNote, Clip, Review
from video_classifier.services import exports, moments

NO_PROOF = (
    "A score says how much a stretch of video looks like shoplifting to a model. It is a hint for "
    "a person to watch the video, and no proof that anybody took anything."
)
BLURRED = (
    "In the folder “blurred” all of the picture is blurred outside the box of the track that the "
    "event is of. Numbers name tracks, not people. Without a track, and while it is out of view, "
    "the picture is blurred altogether. A person in front of or behind the track's person, "
    "within the box, isn't blurred. Times begin {around:g} s before the event."
)
SUMS = "SHA256SUMS"
CHECKS = (
    f"Linux: sha256sum -c {SUMS}",
    f"macOS: shasum -a 256 -c {SUMS}",
    "Windows (PowerShell), one file at a time: Get-FileHash NAME -Algorithm SHA256",
)
HOW_TO_CHECK = (
    "Unpack the archive and run one of these in its folder. Each file has to give the sum that is "
    f"listed for it here and in {SUMS}. The sum of the archive itself is on the page of the case, "
    "as long as the export is kept there: note it down when you hand the archive on. "
    "“sha256_at_upload” of an original is the sum from when the recording came in."
)
CHANGED = "The file isn't as it came in: its SHA-256 was {sum} then."

Facts = tuple[tuple[str, str], ...]  # names and values


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A file in the archive."""

    name: str
    size_bytes: int
    sha256: str
    more: Mapping[str, str] = field(default_factory=dict)  # what the manifest says beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What the archive has of an item."""

    original: PackedFile | None = None
    blurred: PackedFile | None = None
    no_blurred: str = ""  # why there is none, if there should be one
    picture: str = ""  # the name in the archive of what the report shows
    picture_path: Path | None = None  # where it lies meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReport:
    number: int  # from 1, in order of time
    title: str
    facts: Facts
    reviews: tuple[str, ...]
    notes: tuple[str, ...]
    packed: Packed


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    title: str
    facts: Facts
    notes: tuple[str, ...]
    items: tuple[ItemReport, ...]
    remarks: tuple[str, ...]


def report_of(
    case: Case, items: Sequence[CaseItem], packed: Mapping[int, Packed], *, at: datetime, by: str
) -> CaseReport:
    """`items` in order, and by their ids what is packed of them; made at a moment, for somebody."""
    zone = ZoneInfo(case.store.time_zone)
    reviews = _reviews(items)
    notes: defaultdict[int | None, list[str]] = defaultdict(list)
    for note in case.notes.select_related("by"):
        notes[note.item_id].append(_note(note, zone))
    return CaseReport(
        title=case.name,
        facts=_case_facts(case, items, zone, at=at, by=by),
        notes=tuple(notes[None]),
        items=tuple(
            ItemReport(
                number=number,
                title=_title(item),
                facts=_item_facts(item, packed[item.pk]),
                reviews=tuple(_review(each, zone) for each in reviews[item.pk]),
                notes=tuple(notes[item.pk]),
                packed=packed[item.pk],
            )
            for number, item in enumerate(items, 1)
        ),
        remarks=(NO_PROOF,),
    )


def html(report: CaseReport) -> str:
    return render_to_string(
        "video_classifier/cases/report.html", {"report": report, "checks": CHECKS, "sums": SUMS}
    )


def styles() -> str:
    return render_to_string("video_classifier/cases/report.css")


def _case_facts(
    case: Case, items: Sequence[CaseItem], zone: ZoneInfo, *, at: datetime, by: str
) -> Facts:
    found = {
        "Case": str(case.pk),
        "Store": case.store.name,
        "State": case.get_state_display(),
        "Loss": "" if case.loss is None else f"{case.loss:,.2f}",
        "Opened": _moment(case.opened_at, zone) + _by(case.opened_by),
        "Closed": _moment(case.closed_at, zone),
        "Events": str(len(items)),
        "Times": f"Of the time zone {zone.key}, with their offset from UTC.",
        "Made": _moment(at, zone) + (f", for {by}" if by else ""),
    }
    return _told(found)


def _title(item: CaseItem) -> str:
    if item.event is not None:
        return f"Event {item.event.number} of {item.clip.name}"
    whole = item.end is None and item.start == 0
    return item.clip.name if whole else f"A stretch of {item.clip.name}"


def _item_facts(item: CaseItem, packed: Packed) -> Facts:
    clip, event = item.clip, item.event
    end = clip.duration if item.end is None else item.end
    stretch = f"{moments.clock(item.start)} to {moments.clock(end)} in the recording"
    found = {
        "Camera": clip.camera.name if clip.camera else "",
        "Stretch": stretch,
        "By the clock": _by_the_clock(clip, item.start, end),
        "Recording time": clip.get_recorded_from_display() if clip.recorded_at else "Unknown",
        "About the time": clip.recorded_note,
    }
    if event is not None:
        analysis = event.analysis
        found |= {
            "Prediction": exports.prediction_of(event).label,
            "Score": f"{event.score:.4f}",
            "Threshold": _threshold(analysis.threshold),
            "Uncertain from": _threshold(analysis.low),
            "Model": analysis.model,
            "Model SHA-256": analysis.model_sha256,
            "Detector SHA-256": analysis.detector_sha256,
            "Track": str(event.track.number) if event.track else "",
            "Verdict": event.get_verdict_display() or "No answer yet",
        }
    found |= {
        "Recording": clip.name,
        "Size": f"{clip.size_bytes:,} bytes",
        "Came in": exports.moment(clip.uploaded_at, clip),
        "Recording SHA-256": clip.sha256,
        "Original": packed.original.name if packed.original else "Not in this archive",
        "Blurred copy": packed.blurred.name if packed.blurred else packed.no_blurred,
        "Blurred copy SHA-256": packed.blurred.sha256 if packed.blurred else "",
    }
    if packed.original and packed.original.sha256 != clip.sha256:
        found["Warning"] = CHANGED.format(sum=clip.sha256)
    return _told(found)


def _threshold(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}"


def _by_the_clock(clip: Clip, start: float, end: float) -> str:
    if clip.recorded_at is None:
        return ""
    return f"{exports.clock_time(start, clip)} to {exports.clock_time(end, clip)}"


def _reviews(items: Sequence[CaseItem]) -> Mapping[int, list[Review]]:
    """Of each item those that are about some of its stretch, the oldest first."""
    of_clip: defaultdict[object, list[Review]] = defaultdict(list)
    clips = {item.clip_id for item in items}
    standing = Review.objects.standing().filter(clip__in=clips).select_related("by")
    for review in standing.order_by("id"):
        of_clip[review.clip_id].append(review)
    return {
        item.pk: [each for each in of_clip[item.clip_id] if _overlap(each, item)] for item in items
    }


def _overlap(review: Review, item: CaseItem) -> bool:
    if review.start is None or review.end is None:
        return True
    return review.end > item.start and (item.end is None or review.start < item.end)


def _review(review: Review, zone: ZoneInfo) -> str:
    reason = f" ({review.get_reason_display()})" if review.reason else ""
    blind = ", without having seen the score" if review.is_blind else ""
    note = f": {review.note}" if review.note else ""
    who = f"{review.get_answer_display()}{reason}{_by(review.by)}"
    return f"{who}, {_moment(review.at, zone)}{blind}{note}"


def _note(note: CaseNote, zone: ZoneInfo) -> str:
    return f"{_moment(note.at, zone)}{_by(note.by)}: {note.text}"


def _by(user: User | None) -> str:
    return f", by {user.get_username()}" if user else ""


def _moment(when: datetime | None, zone: ZoneInfo) -> str:
    return when.astimezone(zone).isoformat(sep=" ", timespec="seconds") if when else ""


def _told(facts: Mapping[str, str]) -> Facts:
    return tuple((name, value) for name, value in facts.items() if value)
