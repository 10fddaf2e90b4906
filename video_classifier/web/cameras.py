"""What the pages of live cameras ask managers, and what they say of each camera."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.forms.boundfield import BoundField

from video_classifier.http.forms import ModelForm
from video_classifier.models import Feed, Store
from video_classifier.models.live import MOST_ROLL
from video_classifier.services import addresses, catalog, feeds, live_pictures, versions, zones
from video_classifier.services.addresses import AddressError
from video_classifier.services.catalog import Card
from video_classifier.services.errors import Refused
from video_classifier.states import FeedState
from video_classifier.web.quality import ModelQuality

ZONES_LENGTH = 60_000  # characters; far more than all points of all zones need

WRONG_TIME = "Write the time as 08:30."
WRONG_SECONDS = f"Write whole seconds from 0 to {MOST_ROLL}."


class AddressInput(forms.TextInput):
    """Never shows what was typed: it has a password in it."""

    def __init__(self) -> None:
        super().__init__({"autocomplete": "off", "spellcheck": "false", "inputmode": "url"})

    def format_value(self, value: object) -> None:
        return None


def time_field(label: str) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        error_messages={"invalid": WRONG_TIME},
    )


def _seconds(label: str) -> forms.IntegerField:
    # Not taken for 5 when it is left empty: somebody may have meant none.
    messages = dict.fromkeys(("required", "invalid", "min_value", "max_value"), WRONG_SECONDS)
    return forms.IntegerField(
        label=label, initial=5, min_value=0, max_value=MOST_ROLL, error_messages=messages
    )


class CameraForm(ModelForm):
    """What managers choose of a camera; services.feeds has the last word."""

    name = forms.CharField(
        max_length=feeds.NAME_LENGTH,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="Where it is, such as “Back door”.",
        error_messages={"required": feeds.NO_NAME, "max_length": feeds.LONG_NAME},
    )
    address = forms.CharField(
        widget=AddressInput,
        help_text=f"Such as {addresses.EXAMPLE}. It is stored encrypted and never shown again. "
        "Signs such as @ : / # in the password are written %40 %3A %2F %23.",
        error_messages={"required": addresses.NO_ADDRESS},
    )
    sub_address = forms.CharField(
        label="Address of a smaller stream (optional)",
        required=False,
        widget=AddressInput,
        help_text="If the main stream is larger than about 1280 by 720, people are looked for in "
        "this one. Clips are cut from the main stream.",
    )
    opens_at = time_field("Watch from (optional)")
    closes_at = time_field("Watch until (optional)")
    pre_roll = _seconds("Seconds before an event")
    post_roll = _seconds("Seconds after an event")
    ignored_zones = forms.CharField(
        label="Zones that are ignored (optional)",
        required=False,
        max_length=ZONES_LENGTH,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
        help_text="Who stands there is not looked at. A zone a line; a point as x,y in percent "
        f"from the left and from the top: {zones.EXAMPLE}",
        error_messages={"max_length": zones.TOO_MANY},
    )

    def __init__(self, *args: Any, user: User, feed: Feed | None = None, **kwargs: Any) -> None:
        """Of `feed`, or of a camera that `user` adds."""
        super().__init__(*args, initial=feed and _of(feed), **kwargs)
        self.feed = feed
        self.stores = list(Store.objects.managed_by(user))
        if feed is not None:
            self.fields["address"].required = False
            self.fields["address"].label = "Another address (leave empty to keep the one there is)"
            self.fields["model"].initial = feed.model
            if feed.sealed_sub_address:
                self.fields["drop_sub_address"] = forms.BooleanField(
                    label="Use the smaller stream no longer", required=False
                )
        elif len(self.stores) > 1:
            self.fields["store"] = forms.ModelChoiceField(
                Store.objects.managed_by(user),
                empty_label="Choose a store",
                error_messages={
                    "required": "Choose the store that the camera is in.",
                    "invalid_choice": "You don't manage this store. Choose another one.",
                },
            )

    @property
    def place(self) -> list[BoundField]:
        names = ("store", "name", "address", "sub_address", "drop_sub_address")
        return [self[name] for name in names if name in self.fields]

    @property
    def hours(self) -> list[BoundField]:
        return [self["opens_at"], self["closes_at"]]

    @property
    def rolls(self) -> list[BoundField]:
        return [self["pre_roll"], self["post_roll"]]

    @property
    def zone_fields(self) -> list[BoundField]:
        return [self["ignored_zones"]]

    @property
    def chosen_model(self) -> object:
        return self["model"].value()

    @property
    def store(self) -> Store:
        """Of a form that is valid. Where there is only one, nobody is asked."""
        return self.cleaned_data.get("store") or self.stores[0]

    @property
    def choices_made(self) -> feeds.Choices:
        """Of a form that is valid."""
        other = ("name", "store")
        return feeds.Choices(
            **{name: value for name, value in self.cleaned_data.items() if name not in other}
        )

    def refuse(self, refusal: Refused) -> None:
        """Says it at the address, if it is about the only one that was typed."""
        typed = [name for name in ("address", "sub_address") if self.cleaned_data.get(name)]
        about = typed[0] if isinstance(refusal, AddressError) and len(typed) == 1 else None
        self.add_error(about, str(refusal))

    def clean_address(self) -> str:
        return self._read_address("address")

    def clean_sub_address(self) -> str:
        return self._read_address("sub_address")

    def clean_ignored_zones(self) -> list[zones.Zone]:
        try:
            return zones.read(self.cleaned_data["ignored_zones"])
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def _read_address(self, name: str) -> str:
        typed: str = self.cleaned_data[name]
        try:
            if typed:
                addresses.parse(typed)
        except AddressError as refusal:
            raise forms.ValidationError(str(refusal)) from None
        return typed


def _of(feed: Feed) -> dict[str, object]:
    return {
        "name": feed.camera.name,
        "opens_at": feed.opens_at,
        "closes_at": feed.closes_at,
        "pre_roll": feed.pre_roll,
        "post_roll": feed.post_roll,
        "ignored_zones": zones.written(feed.ignored_zones),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """How a camera fares at the moment `now`, in words."""

    feed: Feed
    now: datetime
    measured_at: datetime | None = None  # when the measure in force was made

    @property
    def label(self) -> str:
        if self.feed.state == FeedState.OFF and self.feed.is_enabled:
            return "Waiting"
        return self.feed.get_state_display()

    @property
    def tone(self) -> str:
        return {FeedState.FAULTY: "error", FeedState.ONLINE: "success"}.get(
            FeedState(self.feed.state), "info"
        )

    @property
    def words(self) -> str:
        return feeds.words(self.feed, now=self.now)

    @property
    def masked(self) -> str:
        return feeds.masked(self.feed)

    @property
    def masked_sub(self) -> str:
        """ "" without a smaller stream."""
        try:
            found = feeds.sub_address_of(self.feed)
        except AddressError:
            return feeds.UNREADABLE
        return found.masked if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOfModel:
    """What is known of a model on cameras that it hasn't seen, for who decides on alerts."""

    card: Card | None  # None if it can't be used

    @classmethod
    def of(cls, feed: Feed) -> KnownOfModel:
        try:
            in_use = versions.name_in_use(feed.camera.store_id, feed.model)
            return cls(card=catalog.usable(in_use))
        except Refused:
            return cls(card=None)

    @property
    def sentence(self) -> str:
        if self.card is None:
            return "The model of this camera can't be used just now, so nothing is known of it."
        people = ModelQuality(card=self.card).on_unseen_people
        return f"On people whom the model has never seen: {people} {self._elsewhere}"

    @property
    def limits(self) -> Sequence[str]:
        return self.card.limits if self.card else ()

    @property
    def _elsewhere(self) -> str:
        unknown = "On this camera nothing has been measured."
        found = self.card.metrics.get("false_alarms_elsewhere") if self.card else None
        if found is None or found.value is None:
            return f"How often it errs on other cameras was never measured. {unknown}"
        spread = ""
        if found.low is not None and found.high is not None:
            spread = f" ({100 * found.low:.0f} to {100 * found.high:.0f})"
        return (
            f"Of ordinary clips from other cameras, about {100 * found.value:.0f} of 100{spread} "
            f"got a hint, and a camera sees many ordinary minutes a day. {unknown}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a camera, in the page itself: it needs no address of its own."""

    content: bytes

    @classmethod
    def newest_of(cls, feed: Feed) -> Picture | None:
        found = live_pictures.plain(feed.pk)
        return cls(content=found) if found else None

    @property
    def source(self) -> str:
        return f"data:image/jpeg;base64,{base64.b64encode(self.content).decode()}"


def polygons(feed: Feed) -> list[str]:
    """The zones as an SVG drawing of 100 by 100 has them."""
    return zones.written(feed.ignored_zones).splitlines()
