"""What the page on how long footage is kept asks managers."""

from __future__ import annotations

from dataclasses import asdict

from django import forms
from django.http import QueryDict

from video_classifier.models import Retention
from video_classifier.services.retention import MOST_DAYS, WRONG_DAYS, Days


def _days(label: str, help_text: str) -> forms.IntegerField:
    messages = dict.fromkeys(("invalid", "min_value", "max_value"), WRONG_DAYS)
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        error_messages=messages,
    )


class RetentionForm(forms.Form):
    """Days, by the names of Retention; services.retention has the last word."""

    ordinary = _days("Days without a hint", "Also without a result.")
    waiting = _days(
        "Days with a hint that nobody has answered",
        "Also where people can't tell, and until the first result is there.",
    )
    false_alarm = _days("Days of false alarms", "What people agree on.")
    confirmed = _days(
        "Days of confirmed clips",
        "Also where people disagree, and where somebody marked what the model missed.",
    )

    def __init__(self, sent: QueryDict | None, *, now: Days) -> None:
        super().__init__(sent, initial=asdict(now))

    @property
    def days(self) -> Days:
        """Of a form that is valid."""
        return Days(**{name: self.cleaned_data[name] for name in Retention.STATES})
