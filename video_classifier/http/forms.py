"""The forms of the pages, and how they are validated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
)
from django.contrib.auth.models import User

from video_classifier.models import Camera, Clip, Store
from video_classifier.services import catalog, recording_times, uploads
from video_classifier.services.errors import Refused


class NewPasswordForm(PasswordChangeForm):
    """What is wrong with a new password stands at its field, not at the one that repeats it."""

    def validate_password_for_user(self, user: User, password_field_name: str = "") -> None:
        super().validate_password_for_user(user, "new_password1")


class ForgottenForm(PasswordResetForm):
    """Only asks for the address: services.password_links does the rest."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


# Django 5.2's forms take no type arguments at run time.
class ChosenPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """The same, of who came by an e-mailed link."""

    def validate_password_for_user(self, user: User, password_field_name: str = "") -> None:
        super().validate_password_for_user(user, "new_password1")


class NewAccountForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """Where links are sent, an administrator needs no password for a new account."""

    email = forms.EmailField(label="E-mail address", required=False, max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = cast("forms.ChoiceField", self.fields["usable_password"])
        first.label = "First sign-in"
        first.help_text = "A link goes to the e-mail address, and is good for a day."
        first.choices = [("true", "By this password"), ("false", "By a link, to choose a password")]

    def clean(self) -> None:
        super().clean()
        if not self.cleaned_data["set_usable_password"] and not self.cleaned_data.get("email"):
            self.add_error("email", "Type the address to which the link is sent.")


class ModelForm(forms.Form):
    """The choice of a model, of those that can be used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        default = catalog.default_name()
        self.choices = sorted(
            catalog.available(), key=lambda choice: (choice.name != default, not choice.card)
        )
        self.fields["model"] = forms.ChoiceField(
            choices=[(choice.name, choice.name) for choice in self.choices if choice.card],
            initial=default,
            error_messages={
                "required": "Choose a model.",
                "invalid_choice": "This model can't be used just now. Choose another one.",
            },
        )

    @property
    def problem(self) -> str:
        """What is wrong with the choice, in a sentence."""
        return " ".join(str(sentence) for each in self.errors.values() for sentence in each)


class UploadForm(ModelForm):
    """Also the store that the clips are of, and perhaps the camera."""

    def __init__(self, *args: Any, user: User, last: Clip | None = None, **kwargs: Any) -> None:
        """`last` is what `user` uploaded last: the next clips are likely of the same camera."""
        super().__init__(*args, **kwargs)
        stores = Store.objects.open_to(user)
        self.stores = list(stores.prefetch_related("cameras"))
        self.has_cameras = any(store.cameras.all() for store in self.stores)
        self.fields["store"] = forms.ModelChoiceField(
            stores,
            required=len(self.stores) > 1,
            initial=last and last.store_id,
            error_messages={
                "required": "Choose the store that the clip is of.",
                "invalid_choice": "You can't upload to this store. Choose another one.",
            },
        )
        self.fields["camera"] = forms.ModelChoiceField(
            Camera.objects.visible_to(user).filter(store__in=self.stores),
            required=False,
            initial=last and last.camera_id,
            error_messages={"invalid_choice": "There is no such camera. Choose another one."},
        )
        self.fields["recorded_at"] = forms.CharField(required=False, max_length=40)
        self.fields["pattern"] = forms.CharField(
            required=False,
            max_length=recording_times.PATTERN_LENGTH,
            error_messages={"max_length": "The pattern is too long."},
        )

    def clean_store(self) -> Store:
        """Where there is only one, nobody is asked."""
        chosen: Store | None = self.cleaned_data["store"]
        return chosen or self.stores[0]

    def clean_pattern(self) -> str:
        pattern: str = self.cleaned_data["pattern"]
        with _as_error():
            if pattern:
                recording_times.compiled(pattern)
        return pattern

    def clean(self) -> None:
        """A time is one of the store's, unless it says otherwise."""
        text, store = self.cleaned_data.get("recorded_at"), self.cleaned_data.get("store")
        self.cleaned_data["recorded_at"] = None
        if text and store:
            with _as_error():
                self.cleaned_data["recorded_at"] = _moment(text, store)

    @property
    def chosen(self) -> uploads.Choices:
        """Of a form that is valid."""
        return uploads.Choices(**self.cleaned_data)


NO_TIME = "The recording time can't be read. Write it as 2026-11-26 14:30, or leave it empty."
NEVER = "Nothing was recorded at that time: write one of this century, or leave it empty."


def _moment(text: str, store: Store) -> datetime:
    try:
        moment = recording_times.read(text, zone=store.time_zone)
    except ValueError as error:
        raise forms.ValidationError(NO_TIME) from error
    except OverflowError as error:  # of the first year, or the last
        raise forms.ValidationError(NEVER) from error
    if not recording_times.is_possible(moment):
        raise forms.ValidationError(NEVER)
    return moment


@contextmanager
def _as_error() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise forms.ValidationError(str(refusal)) from refusal
