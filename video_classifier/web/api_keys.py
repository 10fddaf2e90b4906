"""What the page of API keys asks, and what it says of each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django import forms

from video_classifier.models import ApiKey
from video_classifier.models.api_keys import NAME_LENGTH
from video_classifier.services import api_keys
from video_classifier.states import Scope

NEVER = "never"


def _days(answer: str) -> int | None:
    return None if answer == NEVER else int(answer)


class KeyForm(forms.Form):
    """What a key is to be; services.api_keys has the last word."""

    # Chosen with the form: who sends it twice, as a reload does, makes one key.
    key = forms.UUIDField(required=False, initial=uuid.uuid4, widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=NAME_LENGTH,
        help_text="What will use it, such as “Nightly export”.",
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": api_keys.NO_NAME, "max_length": api_keys.LONG_NAME},
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do, as far as you may",
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": api_keys.NO_SCOPE,
            "invalid_choice": "There is no such thing to allow. Choose of those that are offered.",
        },
    )
    days = forms.TypedChoiceField(
        label="Expires",
        choices=((30, "In 30 days"), (90, "In 90 days"), (365, "In a year"), (NEVER, "Never")),
        coerce=_days,
        initial=api_keys.USUAL_DAYS,
        error_messages={
            "required": "Choose when the key expires.",
            "invalid_choice": "Choose one of the times that are offered.",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """Whether a key lets its user in at the moment `now`, in words."""

    key: ApiKey
    now: datetime

    @property
    def is_live(self) -> bool:
        expires_at = self.key.expires_at
        return self.key.revoked_at is None and (expires_at is None or expires_at > self.now)

    @property
    def words(self) -> str:
        """They go on with the moment, if there is one."""
        if self.key.revoked_at is not None:
            return "Revoked"
        if self.key.expires_at is None:
            return "Valid until it is revoked"
        return "Valid until" if self.is_live else "Expired"

    @property
    def moment(self) -> datetime | None:
        return self.key.revoked_at or self.key.expires_at

    @property
    def scopes(self) -> list[str]:
        """In words; one that a newer version of the site gave, as it is stored."""
        known = dict(Scope.choices)
        return [str(known.get(scope, scope)) for scope in self.key.scopes]
