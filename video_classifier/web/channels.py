"""What the pages of channels ask managers, and what they say of each channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Subquery
from django.forms.boundfield import BoundField
from django.http import QueryDict

from video_classifier.models import Camera, Channel, Delivery, Store
from video_classifier.models.alerts import LONGEST_PAUSE
from video_classifier.querysets import ChannelQuerySet, Visitor
from video_classifier.services import channels, targets
from video_classifier.services.errors import Refused
from video_classifier.states import AlertKind, ChannelKind, Status
from video_classifier.web.cameras import AddressInput, time_field

TELLS = (
    ("tells_live", "Hints of live cameras whose alerts are switched on"),
    ("tells_recordings", "Hints in uploaded recordings"),
    ("tells_faults", "Cameras that are offline, and a disk that is nearly full"),
)
WRONG_PAUSE = f"Write whole seconds from 0 to {LONGEST_PAUSE}."
_PLAIN = (
    *("target", "least_score", "quiet_from", "quiet_until", "faults_break_quiet"),
    *("camera_pause", "pause"),
)
TEST_PATIENCE = timedelta(seconds=60)  # with a test that nobody sends
NOT_SENT_YET = (
    "The test still waits. If it stays so, no worker is running: tell the person who looks after "
    "this site. What becomes of it is in the log."
)

_ASKED: dict[str, tuple[str, str]] = {  # label and help of the target
    ChannelKind.EMAIL: (
        "E-mail addresses",
        "One or several, a line each. They are stored encrypted, and shown masked.",
    ),
    ChannelKind.WEBHOOK: (
        "Address of the webhook",
        "Such as https://alerts.example.com/hook. It is stored encrypted, and shown masked. "
        "Messages are signed with a key that you are shown once.",
    ),
    ChannelKind.APPRISE: (
        "Address of the service, as Apprise writes it",
        "Such as tgram://TOKEN/CHAT for Telegram. It is stored encrypted, and shown masked.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOffer:
    """A kind of channel that can be added, and what stands in its way."""

    kind: ChannelKind

    @property
    def about(self) -> str:
        return {
            ChannelKind.EMAIL: "To one address or several, with the snapshot attached.",
            ChannelKind.WEBHOOK: "To a program of yours: JSON, signed as the Standard Webhooks "
            "say.",
            ChannelKind.APPRISE: "To Telegram, Slack, ntfy, SMS by Twilio and others, by way of "
            "Apprise.",
        }[self.kind]

    @property
    def problem(self) -> str:
        """Why nothing can be sent so just now; "" if it can."""
        return targets.problem(self.kind)


class AddressesInput(forms.Textarea):
    """Never shows what was typed."""

    def __init__(self) -> None:
        super().__init__(
            {"rows": 3, "autocomplete": "off", "spellcheck": "false", "inputmode": "email"}
        )

    def format_value(self, value: object) -> None:
        return None


class ChannelForm(forms.Form):
    """What managers choose of a channel; services.channels has the last word."""

    name = forms.CharField(
        max_length=channels.NAME_LENGTH,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="Whom it reaches, such as “Night shift”.",
        error_messages={"required": channels.NO_NAME, "max_length": channels.LONG_NAME},
    )
    target = forms.CharField()
    tells = forms.MultipleChoiceField(
        label="What it is told of",
        choices=TELLS,
        initial=["tells_live", "tells_faults"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": channels.TELLS_NOTHING},
    )
    least_score = forms.FloatField(
        label="Least score of a hint",
        initial=0,
        min_value=0.0,
        max_value=1.0,
        widget=forms.NumberInput({"step": "0.01"}),
        help_text="From 0 to 1; 0 tells of every hint.",
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), channels.WRONG_SCORE
        ),
    )
    quiet_from = time_field("Quiet from (optional)")
    quiet_until = time_field("Quiet until (optional)")
    faults_break_quiet = forms.BooleanField(
        label="Tell of offline cameras and the disk in quiet hours, too", required=False
    )

    def __init__(
        self,
        sent: QueryDict | None = None,
        *,
        user: User,
        kind: ChannelKind,
        channel: Channel | None = None,
    ) -> None:
        """Of `channel`, or of one that `user` adds."""
        super().__init__(sent, initial=_of(channel) if channel else None)
        self.user, self.channel = user, channel
        self.managed = list(Store.objects.managed_by(user))
        label, help_text = _ASKED[kind]
        target = self.fields["target"]
        target.widget = AddressesInput() if kind == ChannelKind.EMAIL else AddressInput()
        target.label, target.help_text = label, help_text
        target.error_messages["required"] = f"Type the {label[0].lower()}{label[1:]}."
        if channel is not None:
            target.required = False
            target.label = f"{label} (leave empty to keep what is there)"
        self._add_cool_downs()
        self._add_places()

    def _add_cool_downs(self) -> None:
        errors = dict.fromkeys(("required", "invalid", "min_value", "max_value"), WRONG_PAUSE)
        for name, label, seconds in (
            ("camera_pause", "Cool-down of a camera, in seconds", 60),
            ("pause", "Cool-down of the channel, in seconds", 0),
        ):
            self.fields[name] = forms.IntegerField(
                label=label,
                initial=seconds,
                min_value=0,
                max_value=LONGEST_PAUSE,
                error_messages=errors,
            )

    def _add_places(self) -> None:
        """Where there is a choice; an administrator may choose all stores, those to come, too."""
        if self.user.is_superuser:
            self.fields["all_stores"] = forms.BooleanField(
                label="All stores, those to come, too", required=False
            )
        if len(self.managed) > 1:
            self.fields["stores"] = forms.ModelMultipleChoiceField(
                Store.objects.managed_by(self.user),
                required=not self.user.is_superuser,
                widget=forms.CheckboxSelectMultiple,
                error_messages={
                    "required": channels.NO_STORE,
                    "invalid_choice": channels.NOT_YOUR_STORE,
                },
            )
        cameras = Camera.objects.visible_to(self.user).filter(store__in=self.managed)
        if cameras.exists():
            self.fields["cameras"] = field = _CamerasField(
                cameras.select_related("store"),
                label="Only these cameras (none chosen: all)",
                required=False,
                widget=forms.CheckboxSelectMultiple,
                error_messages={"invalid_choice": channels.WRONG_CAMERA},
            )
            field.names_store = len(self.managed) > 1

    @property
    def where(self) -> list[BoundField]:
        return self._bound("name", "target")

    @property
    def places(self) -> list[BoundField]:
        return self._bound("all_stores", "stores", "cameras")

    @property
    def what(self) -> list[BoundField]:
        return self._bound("tells", "least_score")

    @property
    def quiet(self) -> list[BoundField]:
        return self._bound("quiet_from", "quiet_until")

    @property
    def faults(self) -> list[BoundField]:
        return self._bound("faults_break_quiet")

    @property
    def pauses(self) -> list[BoundField]:
        return self._bound("camera_pause", "pause")

    @property
    def choices_made(self) -> channels.Choices:
        """Of a form that is valid. Where there is only one store, nobody is asked."""
        made = self.cleaned_data
        asked: dict[str, Any] = {name: name in made["tells"] for name, _ in TELLS}
        asked |= {name: made[name] for name in _PLAIN}
        return channels.Choices(
            all_stores=made.get("all_stores", False),
            stores=list(made["stores"]) if "stores" in made else self.managed[:1],
            cameras=list(made.get("cameras", ())),
            **asked,
        )

    def refuse(self, refusal: Refused) -> None:
        """Says it at the target, if it is about that."""
        about = "target" if isinstance(refusal, targets.TargetError) else None
        self.add_error(about, str(refusal))

    def _bound(self, *names: str) -> list[BoundField]:
        return [self[name] for name in names if name in self.fields]


class _CamerasField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    names_store = False

    def label_from_instance(self, camera: Camera) -> str:
        return f"{camera} ({camera.store})" if self.names_store else str(camera)


def _of(channel: Channel) -> dict[str, object]:
    same = (
        *("name", "all_stores", "quiet_from", "quiet_until"),
        *("faults_break_quiet", "camera_pause", "pause"),
    )
    return {
        **{name: getattr(channel, name) for name in same},
        "least_score": f"{channel.least_score:g}",
        "tells": [name for name, _ in TELLS if getattr(channel, name)],
        "stores": [store.pk for store in channel.stores.all()],
        "cameras": [camera.pk for camera in channel.cameras.all()],
    }


def listed(user: Visitor) -> ChannelQuerySet:
    """Those that `user` manages, with what a row shows: how their last deliveries ended."""
    own = Delivery.objects.managed_by(user).filter(channel=OuterRef("pk")).order_by("-created_at")
    return (
        Channel.objects.managed_by(user)
        .annotate(
            last_sent=Subquery(own.filter(status=Status.DONE).values("sent_at")[:1]),
            last_failed=Subquery(own.filter(status=Status.FAILED).values("claimed_at")[:1]),
            is_retrying=Exists(own.filter(status=Status.QUEUED, attempts__gt=0)),
        )
        .prefetch_related("stores", "cameras")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatus:
    """A channel in words, and how it fares: never by its color alone."""

    channel: Channel  # of `listed`

    @property
    def last_sent(self) -> datetime | None:
        found: datetime | None = self.channel.last_sent  # type: ignore[attr-defined]
        return found

    @property
    def last_failed(self) -> datetime | None:
        found: datetime | None = self.channel.last_failed  # type: ignore[attr-defined]
        return found

    @property
    def label(self) -> str:
        if not self.channel.is_enabled:
            return "Off"
        if self.problem:
            return "Not set up"
        if self._fails:
            return "Failing"
        if self.channel.is_retrying:  # type: ignore[attr-defined]
            return "Trying again"
        return "Working" if self.last_sent else "Nothing sent yet"

    @property
    def tone(self) -> str:
        tones = {
            "Not set up": "error",
            "Failing": "error",
            "Trying again": "warning",
            "Working": "success",
        }
        return tones.get(self.label, "info")

    @property
    def icon(self) -> str:
        icons = {"error": "x-octagon", "warning": "arrow-repeat", "success": "check-circle"}
        off = "bell" if self.channel.is_enabled else "bell-slash"
        return icons.get(self.tone, off)

    @property
    def sentence(self) -> str:
        return {
            "Off": "Nothing is sent: the channel is switched off.",
            "Not set up": self.problem,
            "Failing": "The last message could not be sent. The log says why.",
            "Trying again": "A message could not be sent yet, and is tried again. The log says "
            "why.",
            "Working": "The last message was sent.",
            "Nothing sent yet": "Nothing was sent yet. Send a test to see whether it arrives.",
        }[self.label]

    @property
    def problem(self) -> str:
        """Why nothing can be sent so just now, whatever the channel says."""
        return KindOffer(kind=ChannelKind(self.channel.kind)).problem

    @property
    def masked(self) -> str:
        return channels.masked(self.channel)

    @property
    def places(self) -> str:
        if self.channel.all_stores:
            found = "All stores"
        else:
            found = ", ".join(str(store) for store in self.channel.stores.all()) or "No store"
        cameras = ", ".join(camera.name for camera in self.channel.cameras.all())
        return f"{found}: only {cameras}" if cameras else found

    @property
    def tells(self) -> Sequence[str]:
        channel = self.channel
        found = []
        least = f" from {channel.least_score:.2f}" if channel.least_score else ""
        if channel.tells_live:
            found.append(f"live hints{least}")
        if channel.tells_recordings:
            found.append(f"hints in recordings{least}")
        if channel.tells_faults:
            found.append("faults")
        if channel.quiet_from is not None and channel.quiet_until is not None:
            found.append(f"quiet {channel.quiet_from:%H:%M} to {channel.quiet_until:%H:%M}")
        return found

    @property
    def _fails(self) -> bool:
        if self.last_failed is None:
            return False
        return self.last_sent is None or self.last_sent < self.last_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class TestStatus:
    """What became of a test message at the moment `now`."""

    __test__ = False  # for pytest

    delivery: Delivery
    now: datetime

    @property
    def is_under_way(self) -> bool:
        """Whether looking again soon is worth it."""
        is_young = abs(self.now - self.delivery.created_at) < TEST_PATIENCE
        return is_young and not self.delivery.is_finished and not self.delivery.error

    @property
    def tone(self) -> str:
        if self.delivery.status == Status.DONE:
            return "success"
        if self.delivery.status == Status.FAILED or self.delivery.error:
            return "error"
        return "info" if self.is_under_way else "warning"

    @property
    def sentence(self) -> str:
        if self.is_under_way:
            return "The test is on its way."
        if self.delivery.status == Status.DONE:
            return "The test was sent. Check that it has arrived."
        if self.delivery.status == Status.FAILED:
            return self.delivery.error
        if self.delivery.status == Status.CANCELLED:
            return f"The test was not sent: {self.delivery.get_suppression_display()}."
        if self.delivery.error:
            return f"{self.delivery.error} It is tried again: the log says when."
        return NOT_SENT_YET


def test_of(channel: int, user: Visitor, asked: str, *, now: datetime) -> TestStatus | None:
    """The test that the address asks for, if it is one of the channel."""
    try:
        key = UUID(asked)
    except ValueError:
        return None
    tests = Delivery.objects.managed_by(user).filter(channel=channel, alert__kind=AlertKind.TEST)
    found = tests.filter(pk=key).first()
    return TestStatus(delivery=found, now=now) if found else None
