"""What people send, checked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User

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
        return " ".join(map(str, self.errors.get("model", ())))
