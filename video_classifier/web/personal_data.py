"""What the pages of personal data ask, and what they say of what was recorded at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.http import urlencode

from video_classifier.models import Camera, Clip
from video_classifier.services import erasure, footage_exports
from video_classifier.services.erasure import Plan
from video_classifier.services.errors import Refused
from video_classifier.services.footage_exports import Content
from video_classifier.services.requested_footage import RequestedFootage

MOST_LISTED = 50  # clips
WRONG_TIME = "Write day and time, such as 2026-11-27 14:03, by the clock of the camera's store."
NO_CAMERA = "Choose the camera."


class CameraChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Camera) -> str:
        return f"{obj.store.name} · {obj.name}"


def _moment(label: str, help_text: str = "") -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        help_text=help_text,
        error_messages=dict.fromkeys(("required", "invalid"), WRONG_TIME),
        widget=forms.DateTimeInput(
            {"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
        ),
    )


class FootageForm(forms.Form):
    """A camera, and a time in front of it."""

    camera = CameraChoice(
        Camera.objects.none(),
        error_messages=dict.fromkeys(("required", "invalid_choice"), NO_CAMERA),
    )
    since = _moment("From", "By the clock of the camera's store.")
    until = _moment("To")
    unknown_too = forms.BooleanField(
        label="Also clips of unknown recording time that were uploaded since then",
        required=False,
    )

    def __init__(self, sent: QueryDict | None, *, user: User) -> None:
        super().__init__(sent)
        cameras = Camera.objects.visible_to(user).select_related("store")
        self.fields["camera"].queryset = cameras.order_by("store__name", "name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        sent: dict[str, Any] = super().clean() or {}
        if sent.keys() >= {"camera", "since", "until"}:
            zone = ZoneInfo(sent["camera"].store.time_zone)
            try:
                sent["asked"] = RequestedFootage(
                    camera=sent["camera"],
                    # Of an hour that the clock showed twice, both.
                    start=sent["since"].replace(tzinfo=zone, fold=0),
                    end=sent["until"].replace(tzinfo=zone, fold=1),
                )
            except Refused as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return sent

    @property
    def asked(self) -> RequestedFootage:
        """Of a form that is valid."""
        found: RequestedFootage = self.cleaned_data["asked"]
        return found

    @property
    def query(self) -> str:
        """The same question, in an address."""
        sent = self.cleaned_data
        query = {
            "camera": sent["camera"].pk,
            "since": _local(sent["since"]),
            "until": _local(sent["until"]),
        }
        return urlencode(query | ({"unknown_too": "on"} if sent["unknown_too"] else {}))


def _local(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What there is of that time, and what would go."""

    content: Content
    plan: Plan | None  # None: nothing can be erased now
    why_not: str  # "" if it can
    listed: tuple[Clip, ...]
    unknown: tuple[Clip, ...]  # that stay unless asked for

    @classmethod
    def of(cls, form: FootageForm, user: User) -> Preview:
        asked, unknown_too = form.asked, form.cleaned_data["unknown_too"]
        plan, why_not = None, ""
        try:
            plan = erasure.plan(asked, unknown_too=unknown_too)
        except Refused as refusal:
            why_not = str(refusal)
        return cls(
            content=footage_exports.content(asked, unknown_too=unknown_too),
            plan=plan,
            why_not=why_not,
            listed=_clips(plan.clips if plan else (), user),
            unknown=_clips(plan.unknown if plan else (), user),
        )

    @property
    def is_empty(self) -> bool:
        content, plan = self.content, self.plan
        kinds = (content.clips, content.live_events, content.candidates)
        more = (plan.alerts, plan.acts, plan.exports) if plan else ()
        return not self.why_not and not any((*kinds, *more))

    @property
    def more(self) -> int:
        """Clips that go and are not listed."""
        return len(self.plan.clips) - len(self.listed) if self.plan else 0


def _clips(keys: tuple[Any, ...], user: User) -> tuple[Clip, ...]:
    found = Clip.objects.visible_to(user).select_related("store").in_bulk(keys[:MOST_LISTED])
    return tuple(found[key] for key in keys if key in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """How far an erasure of many clips is."""

    done: int
    left: int

    @property
    def total(self) -> int:
        return self.done + self.left
