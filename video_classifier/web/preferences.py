"""What the page of preferences asks, and the addresses that somebody can start with."""

from __future__ import annotations

from django import forms
from django.urls import reverse

from video_classifier.models import Preferences
from video_classifier.states import StartPage

START_PAGES = {
    StartPage.UPLOAD: "web:upload",
    StartPage.DASHBOARD: "web:dashboard",
    StartPage.REVIEW: "web:review",
    StartPage.HISTORY: "web:history",
    StartPage.LIVE: "web:wall",
}


def start_address(preferences: Preferences) -> str:
    """The upload page, if the one that was chosen isn't there (any more)."""
    names: dict[str, str] = {page.value: name for page, name in START_PAGES.items()}
    return reverse(names.get(preferences.start_page, START_PAGES[StartPage.UPLOAD]))


class PreferencesForm(forms.Form):
    start_page = forms.ChoiceField(
        label="Start page",
        help_text="Where you arrive after signing in.",
        error_messages={
            "required": "Choose a start page.",
            "invalid_choice": "There is no such start page. Choose one of those that are offered.",
        },
    )
    has_keys = forms.BooleanField(
        label="Keyboard shortcuts of a single key",
        required=False,
        help_text="Switch them off if you use speech input, or press keys by accident. Arrow keys, "
        "Tab, Enter and Space work all the same.",
    )

    def __init__(self, data: object = None, *, preferences: Preferences) -> None:
        initial = {"start_page": preferences.start_page, "has_keys": preferences.has_keys}
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        choices = [(page.value, page.label) for page in StartPage if page in START_PAGES]
        self.fields["start_page"].choices = choices  # type: ignore[attr-defined]

    def clean_start_page(self) -> StartPage:
        return StartPage(self.cleaned_data["start_page"])
