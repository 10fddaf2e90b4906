"""The forms of the pages, and how they are validated."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User

from video_classifier.models import Camera, Clip, Store
from video_classifier.services import catalog


class NewPasswordForm(PasswordChangeForm):
    """What is wrong with a new password stands at its field, not at the one that repeats it."""

    def validate_password_for_user(self, user: User, password_field_name: str = "") -> None:
        super().validate_password_for_user(user, "new_password1")


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

    def clean_store(self) -> Store:
        """Where there is only one, nobody is asked."""
        chosen: Store | None = self.cleaned_data["store"]
        return chosen or self.stores[0]
