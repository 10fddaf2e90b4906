"""The filters of the history, read from the address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from video_classifier.http.list_filters import ListFilter, day_filter, from_day, to_day
from video_classifier.http.paging import Order, Part
from video_classifier.http.permissions import sees_several_stores
from video_classifier.http.row_choices import RowFilter
from video_classifier.http.searches import Search
from video_classifier.models import Analysis, Camera, Clip, Review, Store, Tag
from video_classifier.querysets import TO_BE_LOOKED_AT, AnalysisQuerySet, ClipQuerySet
from video_classifier.services import catalog, second_opinions
from video_classifier.states import Prediction, Reason, Status, Verdict

ALL = "all"
NOBODY = "none"  # has answered
SECOND = "second"  # has a verdict that isn't shown to who is asked for a second opinion
HINTS = {
    "yes": Prediction.HINT,
    "uncertain": Prediction.UNCERTAIN,
    "no": Prediction.NO_HINT,
    "none": Prediction.NO_RESULT,
}
NEWEST = "-queued_at"
SORT, PERIOD = "sort", "period"
HINTS_ON_TOP = "hint"  # as the address has it
SHIFT = timedelta(hours=8)
TEXT = "text"
STORE = "store"  # of clips, and of analyses
UPLOADER = "clip__uploaded_by__username"
NAME = "clip__name"
PREDICTION = "prediction"
HINTS_FIRST = (  # the highest score first, but those that turned out to be false alarms
    *(Part(each, Verdict.FALSE_ALARM, is_not=True) for each in TO_BE_LOOKED_AT),
    Part("", unsorted=1),  # none yet, and no score
    *(Part(each, Verdict.FALSE_ALARM) for each in TO_BE_LOOKED_AT),
    *(Part(each, unsorted=1) for each in (Prediction.NO_HINT, Prediction.NO_RESULT)),
)
OF_CLIPS = (TEXT, STORE, "camera", "uploader", "verdict", "reason", "tag")
SELECTIVE = ("camera", "uploader", "verdict", "reason", "tag")  # of these: what may leave few clips
A_FEW, MANY = 1000, 10_000  # clips


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of time up to now that goes on with it."""

    name: str
    about: str
    start: Callable[[datetime], datetime]
    shows_start: bool = False  # which its name doesn't tell


def _midnight(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _monday(now: datetime) -> datetime:
    """Of its week, at midnight here, whatever was done to the clocks since."""
    day = timezone.localtime(now).date()
    monday = day - timedelta(days=day.weekday())
    return timezone.make_aware(datetime(monday.year, monday.month, monday.day))  # noqa: DTZ001


PERIODS = {
    "today": Period(name="Today", about="Since midnight", start=_midnight),
    "shift": Period(
        name="My shift",
        about="The last 8 hours",
        start=lambda now: now - SHIFT,
        shows_start=True,
    ),
    "week": Period(name="This week", about="Since Monday", start=_monday),
}


class SortFilter(django_filters.OrderingFilter):  # type: ignore[misc]  # untyped
    """Filters nothing, and says in which order rows are found."""

    def order(self, value: list[str] | None) -> Order:
        """Rows that sort alike are in order of time, and the whole list can be turned round."""
        name = self.get_ordering_value(value[0]) if value and value[0] else NEWEST
        field, is_turned = name.removeprefix("-"), name.startswith("-")
        rest = tuple(each for each in ("queued_at", "id") if each != field)
        if field == UPLOADER:
            known = [each.pk for each in self.parent.form.fields["uploader"].queryset]
            values = (*(reversed(known) if is_turned else known), None)
            key = field.removesuffix("__username")
            return Order(fields=(key, *rest), descending=is_turned, values=values)
        if field == PREDICTION:
            parts = tuple(reversed(HINTS_FIRST)) if is_turned else HINTS_FIRST
            fields = (field, "clip__verdict", "score", *rest)
            return Order(fields=fields, descending=not is_turned, parts=parts)
        if field == "score":
            return Order(fields=(field, *rest), descending=is_turned, may_be_empty=True)
        return Order(fields=(field, *rest), descending=is_turned)


def _uploaders(request: HttpRequest) -> QuerySet[User]:
    own = Clip.objects.visible_to(request.user).kept().filter(uploaded_by=OuterRef("pk"))
    return User.objects.filter(Exists(own)).order_by("username")


def _stores(request: HttpRequest) -> QuerySet[Store]:
    return Store.objects.visible_to(request.user)


def _cameras(request: HttpRequest) -> QuerySet[Camera]:
    return Camera.objects.visible_to(request.user).select_related("store")


def _tags(request: HttpRequest) -> QuerySet[Tag, str]:
    """Stores may have the same one."""
    visible = Tag.objects.visible_to(request.user)
    return visible.order_by("name").values_list("name", flat=True).distinct()


def _in_its_store(camera: Camera) -> str:
    """The camera first: a narrow list cuts the rest."""
    return f"{camera} ({camera.store})"


def _noted(value: object) -> str:
    if isinstance(value, Model):
        return str(value.pk)
    return ",".join(value) if isinstance(value, list) else str(value)


class HistoryFilter(ListFilter):
    """Of analyses, and the order of their list."""

    harmless = (SORT,)  # an invalid order is none

    text = django_filters.CharFilter(
        method="filter_by_text",
        label="Search",
        max_length=200,
        widget=forms.SearchInput(
            attrs={
                "placeholder": "Name, camera, note …",
                "title": "In names of clips, cameras, stores, tags, models and cases, and in notes",
            }
        ),
    )
    hint = django_filters.ChoiceFilter(
        method="filter_by_hint",
        label="Result",
        choices=[(word, prediction.label) for word, prediction in HINTS.items()],
        empty_label="Any",
    )
    verdict = django_filters.ChoiceFilter(
        method="filter_by_verdict",
        label="Verdict",
        choices=[(NOBODY, "Not answered"), (SECOND, "Second opinion"), *Verdict.choices],
        empty_label="Any",
    )
    reason = django_filters.ChoiceFilter(
        method="filter_by_reason",
        label="Reason",
        choices=Reason.choices,
        empty_label="Any",
    )
    tag = django_filters.ChoiceFilter(
        method="filter_by_tag", label="Tag", choices=(), empty_label="Any"
    )
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any")
    model = django_filters.ChoiceFilter(choices=(), empty_label="Any")
    store = RowFilter(field_name="store", queryset=_stores, label="Store", empty_label="Any")
    camera = RowFilter(field_name="camera", queryset=_cameras, label="Camera", empty_label="Any")
    uploader = RowFilter(
        field_name="uploaded_by", queryset=_uploaders, label="Uploader", empty_label="Anyone"
    )
    results = django_filters.ChoiceFilter(
        method="filter_by_age",
        label="Results",
        choices=[(ALL, "All")],
        empty_label="Latest",
    )
    since = day_filter("From", "filter_since")
    until = day_filter("To", "filter_until")
    period = django_filters.ChoiceFilter(  # of presets
        method="filter_by_period",
        label="Added",
        choices=[(word, period.name) for word, period in PERIODS.items()],
        widget=forms.HiddenInput,
    )
    sort = SortFilter(
        fields=(
            ("queued_at", "added"),
            (NAME, "clip"),
            (PREDICTION, "hint"),
            ("score", "score"),
            ("model", "model"),
            (UPLOADER, "uploader"),
        ),
        widget=forms.HiddenInput,
    )

    class Meta:
        model = Analysis
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        """Offers what `request.user` can see, and where there is a choice."""
        super().__init__(*args, request=request, **kwargs)
        visible = Analysis.objects.visible_to(request.user).kept()
        self.models = visible.models(public=catalog.names())
        self.filters["model"].extra["choices"] = [(name, name) for name in self.models]
        self.tags = list(_tags(request))
        self.filters["tag"].extra["choices"] = [(name, name) for name in self.tags]
        if not self.tags:
            self.filters["tag"].extra["widget"] = forms.HiddenInput
        self.several_stores = sees_several_stores(request.user)
        if not self.several_stores:
            self.filters["store"].extra["widget"] = forms.HiddenInput
        camera = self.form.fields["camera"]
        if not camera.queryset:
            camera.widget = forms.HiddenInput()
        elif self.several_stores:
            camera.label_from_instance = _in_its_store

    @property
    def is_of_answered(self) -> bool:
        """Whether clips that nobody has answered are left out, and so there is nothing unread."""
        asked = self.form.cleaned_data
        return asked.get("verdict") not in (None, "", NOBODY) or bool(asked.get("reason"))

    def choices_made(self) -> dict[str, str]:
        """The filters in force, as the audit log notes them: what was typed may be a name."""
        made = {name: value for name, value in self.form.cleaned_data.items() if value}
        return {name: "typed" if name == TEXT else _noted(value) for name, value in made.items()}

    def filter_by_text(self, clips: ClipQuerySet, _: str, __: str) -> ClipQuerySet:
        """None is left out; `_of` searches, by way of the models, too."""
        return clips

    def filter_by_hint(self, queryset: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        return queryset.filter(prediction=HINTS[value])

    def filter_by_verdict(self, clips: ClipQuerySet, _: str, value: str) -> ClipQuerySet:
        if value == SECOND:
            return second_opinions.wanted_of(clips, self.request.user)
        if value == NOBODY:
            return clips.filter(verdict="")
        return second_opinions.without_wanted(clips.filter(verdict=value), self.request.user)

    def filter_by_reason(self, clips: ClipQuerySet, _: str, value: str) -> ClipQuerySet:
        """False alarms for that reason, of those whose verdict the user may know."""
        said = Review.objects.standing().order_by().filter(reason=value)
        return clips.filter(pk__in=second_opinions.shown(said, self.request.user).values("clip"))

    def filter_by_tag(self, clips: ClipQuerySet, _: str, value: str) -> ClipQuerySet:
        tags = Tag.objects.visible_to(self.request.user).filter(name=value)
        return clips.filter(pk__in=Tag.clips.through.objects.filter(tag__in=tags).values("clip"))

    def filter_by_age(self, queryset: QuerySet[Any], _: str, __: str) -> QuerySet[Any]:
        """None is left out; without it `rows` leaves out what isn't the latest."""
        return queryset

    def filter_by_period(self, queryset: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        return queryset.filter(queued_at__gte=PERIODS[value].start(timezone.now()))

    def filter_since(self, queryset: QuerySet[Any], _: str, value: date) -> QuerySet[Any]:
        return from_day(queryset, "queued_at", value)

    def filter_until(self, queryset: QuerySet[Any], _: str, value: date) -> QuerySet[Any]:
        return to_day(queryset, "queued_at", value)

    @property
    def order(self) -> Order:
        chosen = None if SORT in self.form.errors else self.form.cleaned_data.get(SORT)
        order: Order = self.filters[SORT].order(chosen)
        return order

    def put_hints_on_top(self) -> None:
        """As if the address had asked for it."""
        asked: QueryDict = self.form.data.copy()
        asked[SORT] = HINTS_ON_TOP
        self.data = asked
        self.form.cleaned_data[SORT] = [HINTS_ON_TOP]

    def rows(self) -> AnalysisQuerySet:
        """In no order yet."""
        if self.invalid():
            return Analysis.objects.visible_to(self.request.user).none()
        clips = Clip.objects.visible_to(self.request.user).kept()
        for name in OF_CLIPS:
            clips = self.filters[name].filter(clips, self.form.cleaned_data[name])
        found = self._of(clips)
        for name in self.filters.keys() - {*OF_CLIPS, SORT} | {STORE}:
            found = self.filters[name].filter(found, self.form.cleaned_data[name])
        if self.form.cleaned_data["results"] != ALL:
            found = found.latest_of_clips()
        if self.order.fields[0] == NAME:  # by an index of clips, which has their store
            of_it = _stores(self.request).order_by().filter(pk=OuterRef("clip__store"))
            found = found.filter(Exists(of_it))
        return found

    def _of(self, clips: ClipQuerySet) -> AnalysisQuerySet:
        """By way of the clips where these are few; of many by way of the analyses, in their order.

        What is quick with many is slow with few, and no database knows how many bear a name.
        """
        visible = Analysis.objects.visible_to(self.request.user)
        if text := self.form.cleaned_data[TEXT]:
            return self._searched(visible, clips, text)
        if not any(self.form.cleaned_data[name] not in {"", None, NOBODY} for name in SELECTIVE):
            return visible.of(clips)
        keys = clips.order_by().values_list("pk", flat=True)
        return visible.of(clips) if keys[MANY:].exists() else visible.of_few(clips.order_by())

    def _searched(
        self, visible: AnalysisQuerySet, clips: ClipQuerySet, text: str
    ) -> AnalysisQuerySet:
        stores, cameras = (self.form.fields[name].queryset for name in ("store", "camera"))
        search = Search.of(text, self.request.user, stores=stores, cameras=cameras)
        models = [name for name in self.models if text.lower() in name.lower()]
        by_model = visible.of(clips).filter(model__in=models).order_by()
        found = search.few(clips, most=A_FEW)
        scored = list(by_model.values_list("pk", flat=True)[: A_FEW + 1]) if models else []
        if found is None or len(scored) > A_FEW:
            matching = search.narrow(clips).order_by().filter(pk=OuterRef("clip"))
            return visible.of(clips).filter(Exists(matching) | Q(model__in=models))
        return visible.filter(Q(clip__in=found) | Q(pk__in=scored))
