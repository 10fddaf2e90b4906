"""What people send, checked."""

from __future__ import annotations

from typing import Any

from django import forms

from video_classifier.services import catalog


class ModelForm(forms.Form):
    """The choice of a model, of those that can be used."""

    model = forms.ChoiceField(
        error_messages={
            "required": "Choose a model.",
            "invalid_choice": "This model can’t be used just now. Choose another one.",
        }
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        default = catalog.default_name()
        self.choices = sorted(
            catalog.available(), key=lambda choice: (choice.name != default, not choice.card)
        )
        model = self.fields["model"]
        assert isinstance(model, forms.ChoiceField)
        model.choices = [(choice.name, choice.name) for choice in self.choices if choice.card]
        model.initial = default
