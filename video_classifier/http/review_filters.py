"""The filters of the review queue, read from the address."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.http import urlencode

from video_classifier.http.permissions import sees_several_stores
from video_classifier.http.row_choices import RowChoiceField
from video_classifier.models import Camera, Store
from video_classifier.querysets import Visitor
from video_classifier.services.review_queue import Filters

SCORE: Final = "score"
NEWEST: Final = "newest"
NOT_VALID = "This filter is not valid: {}. Clear it to see all that waits."


class ReviewFilter(forms.Form):
    """Store, camera and order of the queue, of what `user` sees."""

    store = RowChoiceField(Store.objects.none(), required=False, empty_label="Any store")
    camera = RowChoiceField(Camera.objects.none(), required=False, empty_label="Any camera")
    order = forms.ChoiceField(
        choices=((SCORE, "Highest score first"), (NEWEST, "Newest first")), required=False
    )

    def __init__(self, params: QueryDict, *, user: Visitor) -> None:
        super().__init__({"order": SCORE} | params.dict())
        fields: dict[str, Any] = self.fields
        fields["store"].queryset = Store.objects.visible_to(user)
        fields["camera"].queryset = Camera.objects.visible_to(user)
        if not sees_several_stores(user):
            fields["store"].widget = forms.HiddenInput()

    @property
    def stores(self) -> Any:
        """Those that can be chosen."""
        fields: dict[str, Any] = self.fields
        return fields["store"].queryset

    @property
    def problem(self) -> str:
        """Why nothing is shown: a filter that makes no sense must not pass for none."""
        labels = ", ".join(str(self.fields[name].label or name.title()) for name in self.errors)
        return NOT_VALID.format(labels) if labels else ""

    @property
    def filters(self) -> Filters:
        chosen = self.cleaned_data
        return Filters(
            store=chosen["store"] and chosen["store"].pk,
            camera=chosen["camera"] and chosen["camera"].pk,
            order=NEWEST if chosen["order"] == NEWEST else SCORE,
        )

    @property
    def is_narrowed(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("store", "camera"))

    @property
    def query(self) -> str:
        """The same filters as a part of an address; "" without any."""
        chosen = {name: str(self.data.get(name, "")) for name in self.fields}
        if chosen["order"] == SCORE:
            chosen["order"] = ""
        return urlencode({name: value for name, value in chosen.items() if value})
