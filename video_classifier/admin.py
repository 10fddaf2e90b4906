"""The administrators' view: everything to be found, no prediction to be edited."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from axes.admin import AccessAttemptAdmin
from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db import DataError, transaction
from django.db.models import Count, Exists, FloatField, OuterRef, QuerySet, Subquery
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.functional import cached_property

from video_classifier.http.forms import NewAccountForm
from video_classifier.http.limits import limited
from video_classifier.models import (
    Activation,
    Alert,
    AlertsRead,
    Analysis,
    ApiKey,
    AuditEntry,
    AuditSeal,
    BrowserCopy,
    Camera,
    CandidateScore,
    Case,
    CaseExport,
    CaseItem,
    CaseNote,
    ChangedEvents,
    Channel,
    Clip,
    CountedStore,
    Delivery,
    Event,
    EventCount,
    Feed,
    FeedHour,
    GivenNumber,
    HeatMap,
    Improvement,
    LiveEvent,
    Measure,
    Membership,
    ModelVersion,
    OneTimePassword,
    Opened,
    PlantedAct,
    Preferences,
    RepeatableRequest,
    RequestCount,
    Retention,
    Review,
    SavedView,
    ScoredTime,
    Segment,
    SegmentCopy,
    SignedIn,
    Store,
    StoredModel,
    Tag,
    Track,
    Upload,
    Visit,
    WaitingClip,
)
from video_classifier.models.api_keys import MARK
from video_classifier.querysets import DELETE_CLIPS
from video_classifier.services import (
    account_log,
    analyses,
    api_keys,
    cases,
    catalog,
    confidence,
    files,
    limits,
    moments,
    password_links,
    second_factor,
    trash,
)
from video_classifier.services.errors import Refused
from video_classifier.states import Role

admin.site.site_header = "Shoplift administration"
admin.site.site_title = "Shoplift"
admin.site.login = limited(limits.SIGN_INS, methods=("POST",))(admin.site.login)  # type: ignore[assignment, method-assign]


NO_SUCH_FILTER = "Nothing can be looked for in this way. All rows are shown instead."
MOST_WORDS = 30  # that are searched at once
TOO_MANY_WORDS = f"At most {MOST_WORDS} words are searched at once. All rows are shown instead."
MOST_COUNTED = 2000  # rows
MOST_FOUND = 1000  # clips by a part of their names
TOO_MANY = (
    "More than {most:,} clips have that in their names. What belongs to the first {most:,} is "
    "searched; type more of the name to find the rest."
)


class LongPaginator(Paginator):
    """Counts no further than anybody pages: filters and the search lead to what lies behind."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list).order_by().values("pk")
        return min(rows[: MOST_COUNTED + 1].count(), MOST_COUNTED)


class TooManyWordsError(IncorrectLookupParameters):
    """Each is another condition."""


class OurChangeList(ChangeList):
    """Django leads to all rows where it can't look for some; here, too, if that shows late."""

    def get_queryset(self, request: HttpRequest, *more: Any, **named: Any) -> QuerySet[Any]:
        if len(self.query.split()) > MOST_WORDS:
            raise TooManyWordsError
        found: QuerySet[Any] = super().get_queryset(request, *more, **named)
        return found

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (ArithmeticError, DataError, LookupError, ValueError) as error:
            raise IncorrectLookupParameters from error


class OurAdmin(admin.ModelAdmin):
    """Of every class that is registered here."""

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return OurChangeList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            is_long = isinstance(error, TooManyWordsError)
            messages.warning(request, TOO_MANY_WORDS if is_long else NO_SUCH_FILTER)
            raise

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """No regular expression: one can keep a process busy for ever.

        Nor what isn't shown: who asks whether it begins with a letter, and so on, learns it.
        """
        if lookup.endswith("regex") or lookup.partition(LOOKUP_SEP)[0] in (self.exclude or ()):
            return False
        return super().lookup_allowed(lookup, value, request)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:  # type: ignore[override]
        """Django looks for what was ticked as it was sent, and breaks on what can be no row."""
        for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.clean(chosen, None)
            except ValidationError as error:
                msg = "There is no such row."
                raise BadRequest(msg) from error
        return super().response_action(request, queryset)


class ReadOnlyAdmin(OurAdmin):
    """To be looked at; everything else services write."""

    search_hint = ""  # what is searched; as Django's search_help_text it would be the field's name
    list_per_page = 50
    show_full_result_count = False
    paginator = LongPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        floats = {field.name for field in self.opts.fields if isinstance(field, FloatField)}
        names = super().get_fields(request, obj)
        return [_in_words(name) if name in floats else name for name in names]


class OfClipsAdmin(ReadOnlyAdmin):
    """Of what belongs to clips, is shown while these are not in the trash, and found by name."""

    way_to_clip = "analysis__clip"
    search_hint = "A part of the clip's name, or its whole SHA-256."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Row by row, in the order of the list: a join would be sorted as a whole."""
        mine = {
            "clip": {"pk": OuterRef("clip")},
            "analysis__clip": {"analyses": OuterRef("analysis")},
        }
        kept = Clip.objects.kept().filter(**mine[self.way_to_clip])
        found: QuerySet[Any] = super().get_queryset(request).filter(Exists(kept))
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The clips first: there may be a million rows that belong to them."""
        if not search_term:
            return queryset, False
        keys = list(_searched(search_term).values_list("pk", flat=True)[: MOST_FOUND + 1])
        if len(keys) > MOST_FOUND:
            messages.warning(request, TOO_MANY.format(most=MOST_FOUND))
        return queryset.filter(**{f"{self.way_to_clip}__in": keys[:MOST_FOUND]}), False


def _searched(term: str) -> QuerySet[Clip]:
    if re.fullmatch("[0-9a-f]{64}", term.strip().lower()):
        return Clip.objects.filter(sha256=term.strip().lower()).order_by()
    return Clip.objects.named(term.strip()).order_by()


class AnalyzableAdmin(ReadOnlyAdmin):
    """Of what can be analyzed again."""

    def clips_of(self, chosen: QuerySet[Any]) -> QuerySet[Clip]:
        raise NotImplementedError

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Those of the class, and “Analyze again” with each model that can be used."""
        found: dict[str, Any] = super().get_actions(request)
        if _shows_trash(request):
            return found
        if request.user.has_perm("video_classifier.add_analysis"):
            for choice in catalog.available():
                if choice.card:
                    name = f"again_{choice.name}"
                    found[name] = (_again(choice.name), name, f"Analyze again with {choice.name}")
        return found


OF_A_CLIP = ("duration", "start", "end", "peak")  # seconds of it


def _in_words(name: str) -> Callable[[Any], str]:
    """The field `name`: a time of a clip as pages show it, other figures to about four digits."""

    @admin.display(description=name.replace("_", " "), ordering=name)
    def in_words(row: Any) -> str:
        value = getattr(row, name)
        if value is None:
            return "-"
        if name in OF_A_CLIP:
            return moments.clock(value)
        return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"  # noqa: PLR2004

    return in_words


def _again(model: str) -> Callable[[AnalyzableAdmin, HttpRequest, QuerySet[Any]], None]:
    def again(site: AnalyzableAdmin, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        queued = 0
        try:
            for clip in site.clips_of(chosen):
                analyses.enqueue(clip, model=model, user=request.user)  # type: ignore[arg-type]
                queued += 1
        except Refused as refusal:
            messages.error(request, str(refusal))
        messages.success(request, f"Queued for {model}: {queued}.")

    return again


TRASH = "trash"  # in the address


def _shows_trash(request: HttpRequest) -> bool:
    return request.GET.get(TRASH) == "yes"


class TrashFilter(admin.SimpleListFilter):
    """What is in the trash shows only if that is asked for."""

    title = "trash"
    parameter_name = TRASH

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "In the trash")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        everything, *rest = super().choices(changelist)
        yield everything | {"display": "Not in the trash"}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(trashed_at__isnull=self.value() != "yes")


@admin.register(Clip)
class ClipAdmin(AnalyzableAdmin):
    """Deleting moves to the trash; what is there already goes for good."""

    actions = ("move_to_trash", "restore")
    list_display = (
        *("name", "store", "camera", "uploaded_at", "uploaded_by"),
        *("length", "size", "runs"),
    )
    list_filter = (TrashFilter, "uploaded_at", "store", "playback", "uploaded_by")
    list_select_related = ("store", "camera", "uploaded_by")
    search_fields = ("name",)
    search_hint = OfClipsAdmin.search_hint
    # The files have no address of their own: the result page shows them.
    exclude = ("file", "playable")
    readonly_fields = ("uploaded_at", "trashed_at", "trashed_by")

    def view_on_site(self, obj: Clip) -> str | None:
        """A clip is shown by its latest result."""
        latest = obj.analyses.order_by("-queued_at").first()
        return latest.get_absolute_url() if latest and not obj.trashed_at else None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The analyses are counted of the rows that are shown, one by one."""
        own = Analysis.objects.filter(clip=OuterRef("pk")).order_by().values("clip")
        count = Subquery(own.annotate(count=Count("pk")).values("count"))
        return cast("QuerySet[Any]", super().get_queryset(request).annotate(analysis_count=count))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = queryset & _searched(search_term) if search_term else queryset
        return found, False

    @admin.display(ordering="duration")
    def length(self, clip: Clip) -> str:
        return moments.clock(clip.duration)

    @admin.display(ordering="size_bytes")
    def size(self, clip: Clip) -> str:
        return filesizeformat(clip.size_bytes)

    @admin.display(description="Analyses")
    def runs(self, clip: Any) -> int:
        return clip.analysis_count or 0

    def clips_of(self, chosen: QuerySet[Clip]) -> QuerySet[Clip]:
        return chosen

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if missing := files.missing():
            messages.warning(
                request,
                f"Clips whose file was missing at the last daily sweep: {missing}. The server's "
                "log has their ids; restore the files from a backup, or delete the clips.",
            )
        return super().changelist_view(request, *args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is in a case can't be deleted by anybody."""
        is_held = obj is not None and cases.is_held(obj)
        return request.user.has_perm(DELETE_CLIPS) and not is_held

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """In the trash: to restore, and to delete for good; outside: to move there."""
        found = super().get_actions(request)
        if "delete_selected" in found:
            act, name, _ = found["delete_selected"]
            found["delete_selected"] = (act, name, "Delete for good")
        unfit = {"move_to_trash"} if _shows_trash(request) else {"restore", "delete_selected"}
        return {name: action for name, action in found.items() if name not in unfit}

    @admin.action(description="Move to the trash", permissions=["delete"])
    def move_to_trash(self, request: HttpRequest, chosen: QuerySet[Clip]) -> None:
        moved = 0
        for clip in chosen:
            try:
                moved += trash.put(clip, by=request.user)  # type: ignore[arg-type]
            except Refused as refusal:  # it is in a case
                messages.warning(request, str(refusal))
        messages.success(request, f"Moved to the trash: {moved}.")

    @admin.action(description="Restore from the trash", permissions=["delete"])
    def restore(self, request: HttpRequest, chosen: QuerySet[Clip]) -> None:
        restored = sum(trash.restore(clip, by=request.user) for clip in chosen)  # type: ignore[arg-type]
        messages.success(request, f"Restored: {restored}.")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Clips alone: what was made of them goes with them, whoever may delete what."""
        names = [str(clip) for clip in objs]
        return names, {"clips": len(names)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Clip) -> None:
        leave = trash.purge if obj.trashed_at else trash.put
        leave(obj, by=request.user)  # type: ignore[arg-type]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Clip]) -> None:
        for clip in queryset:
            self.delete_model(request, clip)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Clip]) -> list[Any]:
        """Not in Django's own log, which would keep the names: the audit log notes it."""
        return []


class ModelFilter(admin.SimpleListFilter):
    """The models that were asked, found without reading all analyses."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = Analysis.objects.models(public=catalog.names())
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model=self.value()) if self.value() else queryset


@admin.register(Analysis)
class AnalysisAdmin(OfClipsAdmin, AnalyzableAdmin):
    way_to_clip = "clip"
    list_display = (
        *("clip", "status", "prediction", "rounded", "confidence"),
        *("model", "requested_by", "queued_at"),
    )
    list_filter = (
        *("queued_at", "status", "prediction", "view"),
        *("clip__store", ModelFilter, "requested_by"),
    )
    list_select_related = ("clip", "requested_by")
    search_fields = ("clip__name",)
    readonly_fields = ("queued_at",)

    @admin.display(description="Score", ordering="score", empty_value="-")
    def rounded(self, analysis: Analysis) -> str | None:
        return None if analysis.score is None else f"{analysis.score:.2f}"

    @admin.display(description="Confidence", empty_value="-")
    def confidence(self, analysis: Analysis) -> str | None:
        share = confidence.of(analysis)
        return share and f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"

    def clips_of(self, chosen: QuerySet[Analysis]) -> QuerySet[Clip]:
        return Clip.objects.filter(analyses__in=chosen).distinct()


class JobAdmin(OfClipsAdmin):
    """A job: where it is in its queue, and who runs it."""

    list_display = (
        *("__str__", "status", "requested_by", "waiting_since"),
        *("worker", "attempts", "heartbeat_at", "deadline"),
    )
    list_filter = ("status", "requested_by")
    list_select_related = ("requested_by",)
    readonly_fields = ("waiting_since", "not_before", "version")


@admin.register(Segment)
class SegmentAdmin(JobAdmin):
    ordering = ("-pk",)
    search_fields = ("analysis__clip__name",)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return ("__str__", "analysis", *JobAdmin.list_display[1:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("analysis", "requested_by")


@admin.register(Track)
class TrackAdmin(OfClipsAdmin):
    ordering = ("-pk",)
    list_display = ("__str__", "analysis", "number_in_segment", "segment", "rounded")
    list_select_related = ("analysis", "segment")
    search_fields = ("analysis__clip__name",)

    @admin.display(description="Score", ordering="score")
    def rounded(self, track: Track) -> str:
        return f"{track.score:.2f}"


@admin.register(Event)
class EventAdmin(OfClipsAdmin):
    ordering = ("-pk",)
    list_display = (
        *("__str__", "analysis", _in_words("start"), _in_words("end"), "rounded"),
        *("verdict", "waits_for"),
    )
    list_select_related = ("analysis",)
    search_fields = ("analysis__clip__name",)

    @admin.display(description="Score", ordering="score")
    def rounded(self, event: Event) -> str:
        return f"{event.score:.2f}"


@admin.register(Review)
class ReviewAdmin(OfClipsAdmin):
    way_to_clip = "clip"
    list_display = ("at", "answer", "reason", "clip", "event", "by", "is_blind")
    list_filter = ("answer", "reason", "is_blind", "at")
    list_select_related = ("clip", "event", "by")
    readonly_fields = ("at",)


@admin.register(Visit)
class VisitAdmin(ReadOnlyAdmin):
    list_display = ("event", "by", "until")
    list_select_related = ("event", "by")


@admin.register(Opened)
class OpenedAdmin(OfClipsAdmin):
    way_to_clip = "clip"
    ordering = ("-pk",)
    list_display = ("clip", "by", "at")
    list_select_related = ("clip", "by")
    search_fields = ("clip__name",)


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    """Changed on its own page, which notes who did what; its clips are held as long as it is."""

    list_display = ("name", "store", "state", "opened_by", "opened_at", "closed_at")
    list_filter = ("state", "store", "opened_at")
    list_select_related = ("store", "opened_by")
    search_fields = ("name",)
    search_hint = "A part of its name."
    readonly_fields = ("opened_at",)


@admin.register(CaseItem)
class CaseItemAdmin(OfClipsAdmin):
    way_to_clip = "clip"
    ordering = ("-pk",)
    list_display = ("case", "clip", _in_words("start"), _in_words("end"), "added_by", "added_at")
    list_select_related = ("case", "clip", "added_by")
    search_fields = ("clip__name",)
    readonly_fields = ("added_at",)


@admin.register(CaseNote)
class CaseNoteAdmin(ReadOnlyAdmin):
    ordering = ("-pk",)
    list_display = ("__str__", "case", "by", "at")
    list_select_related = ("case", "by")
    search_fields = ("case__name",)
    search_hint = "A part of the case's name."
    readonly_fields = ("at",)


@admin.register(CaseExport)
class CaseExportAdmin(ReadOnlyAdmin):
    """A job; its file is downloaded from the case's page, which notes who did."""

    exclude = ("file",)
    list_display = ("case", "status", "requested_by", "waiting_since", "finished_at", "size")
    list_filter = ("status",)
    list_select_related = ("case", "requested_by")
    search_fields = ("case__name",)
    search_hint = "A part of the case's name."
    readonly_fields = ("waiting_since", "not_before", "version")

    @admin.display(ordering="size_bytes")
    def size(self, export: CaseExport) -> str:
        return filesizeformat(export.size_bytes) if export.size_bytes is not None else "-"


@admin.register(Retention)
class RetentionAdmin(ReadOnlyAdmin):
    """Changed on the store's page of it, which notes who did."""

    list_display = ("store", *Retention.STATES)
    list_select_related = ("store",)


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    list_display = ("name", "page", "owner", "shared_in")
    list_filter = ("page", "shared_in")
    list_select_related = ("owner", "shared_in")
    search_fields = ("name", "owner__username")
    search_hint = "A part of its name, or of its owner's."


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    exclude = ("clips",)  # there may be thousands
    list_display = ("name", "store")
    list_filter = ("store",)
    list_select_related = ("store",)
    search_fields = ("name",)
    search_hint = "A part of the word."


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """What is on its way. Discarding is its uploader's, and time's."""

    list_display = ("name", "user", "store", "status", "come", "size", "expires_at")
    list_filter = ("status", "store", "user")
    list_select_related = ("user", "store")
    readonly_fields = ("status", "created_at")

    @admin.display(description="Arrived", ordering="received_bytes")
    def come(self, upload: Upload) -> str:
        return filesizeformat(upload.received_bytes)

    @admin.display(ordering="size_bytes")
    def size(self, upload: Upload) -> str:
        return filesizeformat(upload.size_bytes)


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    """Managers change it on the site's own pages. Addresses are shown there alone, and masked."""

    exclude = ("sealed_address", "sealed_sub_address")
    list_display = (
        *("camera", "store", "is_enabled", "state", "fault", "since"),
        *("last_picture_at", "stride", "alerts", "worker"),
    )
    list_filter = ("is_enabled", "state", "fault", "alerts", "camera__store")
    list_select_related = ("camera__store",)
    search_fields = ("camera__name", "camera__store__name")
    search_hint = "A part of the camera's or its store's name."

    @admin.display(ordering="camera__store__name")
    def store(self, feed: Feed) -> str:
        return str(feed.camera.store)


@admin.register(FeedHour)
class FeedHourAdmin(ReadOnlyAdmin):
    ordering = ("-start", "camera")
    list_display = (
        *("camera", "start", "seconds_online", "reconnects"),
        *("scorings", "longest_stride", "events"),
    )
    list_filter = ("start", "camera__store")
    list_select_related = ("camera",)
    search_fields = ("camera__name",)
    search_hint = "A part of the camera's name."


@admin.register(LiveEvent)
class LiveEventAdmin(ReadOnlyAdmin):
    list_display = (
        *("camera", "started_at", "ended_at", "rounded", "threshold"),
        *("model", "closing", "clip"),
    )
    list_filter = ("opened_at", "closing", "camera__store")
    list_select_related = ("camera", "clip")
    search_fields = ("camera__name",)
    search_hint = "A part of the camera's name."
    exclude = ("still",)  # as of clips: files have no address of their own

    @admin.display(description="Score", ordering="score")
    def rounded(self, event: LiveEvent) -> str:
        return f"{event.score:.2f}"


@admin.register(WaitingClip)
class WaitingClipAdmin(ReadOnlyAdmin):
    list_display = ("live_event", "waiting_since", "place", "size_bytes")
    list_select_related = ("live_event__camera",)


@admin.register(CandidateScore)
class CandidateScoreAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "camera", "model", "score")
    list_select_related = ("camera__store",)
    ordering = ("-started_at",)


@admin.register(ScoredTime)
class ScoredTimeAdmin(ReadOnlyAdmin):
    list_display = ("start", "camera", "model", "is_live", "seconds")
    list_select_related = ("camera__store",)
    ordering = ("-start",)


@admin.register(CountedStore)
class CountedStoreAdmin(ReadOnlyAdmin):
    list_display = ("store", "time_zone", "since")
    list_select_related = ("store",)
    ordering = ("store__name",)


@admin.register(EventCount)
class EventCountAdmin(ReadOnlyAdmin):
    """Of a day; the dashboard adds them up."""

    list_display = ("day", "store", "camera", "model", "verdict", "is_hint", "events")
    list_select_related = ("store", "camera__store")
    ordering = ("-day", "pk")


@admin.register(ChangedEvents)
class ChangedEventsAdmin(ReadOnlyAdmin):
    list_display = ("store", "first", "last")
    list_select_related = ("store",)
    ordering = ("pk",)


@admin.register(Measure)
class MeasureAdmin(ReadOnlyAdmin):
    """Made on the camera's page of it, which notes who did."""

    list_display = ("made_at", "camera", "model", "budget", "low", "high", "end")
    list_select_related = ("camera__store",)
    readonly_fields = ("made_at", "checked_at", "ended_at")


@admin.register(PlantedAct)
class PlantedActAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "camera", "note", "noted_by")
    list_select_related = ("camera__store", "noted_by")
    readonly_fields = ("noted_at",)


@admin.register(Improvement)
class ImprovementAdmin(ReadOnlyAdmin):
    list_display = ("waiting_since", "store", "model", "status", "requested_by")
    list_filter = ("status",)
    list_select_related = ("store", "requested_by")
    readonly_fields = ("waiting_since", "not_before", "version")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Moved on the page of a store's versions, which notes who did."""

    list_display = ("name", "store", "state", "made_at", "shadow_since")
    list_filter = ("state",)
    list_select_related = ("store",)
    readonly_fields = ("state", "made_at", "shadow_since")


@admin.register(StoredModel)
class StoredModelAdmin(ReadOnlyAdmin):
    list_display = ("name", "stored_at", "folder")
    readonly_fields = ("stored_at",)


@admin.register(GivenNumber)
class GivenNumberAdmin(ReadOnlyAdmin):
    list_display = ("model", "number")


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin):
    list_display = ("at", "store", "model", "version", "by", "why")
    list_select_related = ("store", "version", "by")
    readonly_fields = ("at",)


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    """Managers change it on the site's own pages, and its target is shown there alone, masked."""

    exclude = ("sealed_target", "sealed_key")
    list_display = ("name", "kind", "is_enabled", "all_stores", "quiet_from", "quiet_until")
    list_filter = ("kind", "is_enabled", "stores")
    search_fields = ("name",)
    search_hint = "A part of the channel's name."


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "happened_at", "store", "camera", "rounded")
    list_filter = ("created_at", "kind", "store")
    list_select_related = ("store", "camera")
    search_fields = ("camera__name",)
    search_hint = "A part of the camera's name."
    readonly_fields = ("created_at",)

    @admin.display(description="Score", ordering="score", empty_value="-")
    def rounded(self, alert: Alert) -> str | None:
        return None if alert.score is None else f"{alert.score:.2f}"


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Managers have what failed sent again on the site's own pages."""

    list_display = (
        *("created_at", "channel_name", "alert", "gathers", "status", "suppression"),
        *("sent_at", "not_before", "attempts", "time_outs"),
    )
    list_filter = ("created_at", "status", "suppression", "gathers", "channel_kind", "channel")
    list_select_related = ("alert",)
    search_fields = ("channel_name",)
    search_hint = "A part of the channel's name, as of then."
    readonly_fields = ("created_at", "waiting_since", "not_before", "version")


@admin.register(AlertsRead)
class AlertsReadAdmin(ReadOnlyAdmin):
    list_display = ("user", "until")
    list_select_related = ("user",)


@admin.register(OneTimePassword)
class OneTimePasswordAdmin(ReadOnlyAdmin):
    list_display = ("user",)


@admin.register(Preferences)
class PreferencesAdmin(ReadOnlyAdmin):
    list_display = ("user", "start_page", "has_keys")
    list_select_related = ("user",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Users create their own keys; here they are listed and revoked."""

    actions = ("revoke",)
    list_display = (
        *("masked", "user", "name", "scopes", "created_at"),
        *("expires_at", "last_used_at", "revoked_at"),
    )
    list_filter = ("created_at", "expires_at", "revoked_at", "user")
    list_select_related = ("user",)
    search_fields = ("name", "=prefix", "user__username")
    search_hint = "A part of its name or of its user's, or the key as it is listed."
    readonly_fields = ("created_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A key also as the list shows it."""
        term = search_term.strip().removeprefix(MARK).removesuffix("…")
        return super().get_search_results(request, queryset, term)

    @admin.display(description="Key", ordering="prefix")
    def masked(self, key: ApiKey) -> str:
        return key.masked

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("video_classifier.revoke_apikey")

    @admin.action(description="Revoke: nobody can undo that", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        revoked = sum(api_keys.revoke(key, by=request.user) for key in chosen)  # type: ignore[arg-type]
        messages.success(request, f"Revoked: {revoked}.")


@admin.register(HeatMap)
class HeatMapAdmin(JobAdmin):
    search_fields = ("analysis__clip__name",)


@admin.register(BrowserCopy)
class BrowserCopyAdmin(JobAdmin):
    way_to_clip = "clip"
    search_fields = ("clip__name",)


@admin.register(SegmentCopy)
class SegmentCopyAdmin(JobAdmin):
    way_to_clip = "clip"
    ordering = ("-pk",)
    search_fields = ("clip__name",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "actor", "object_type", "object_id", "details")
    list_filter = ("action", "at", "object_type")
    search_fields = ("=actor", "=object_id")
    search_hint = "The id of an account, or of what it is about."
    readonly_fields = ("at",)


@admin.register(AuditSeal)
class AuditSealAdmin(ReadOnlyAdmin):
    """Whether the chain holds, `manage.py verify_audit` finds out."""

    ordering = ("-pk",)
    list_display = ("sealed_at", "first", "last", "count", "sha256")
    readonly_fields = ("sealed_at",)


@admin.register(RepeatableRequest)
class RepeatableRequestAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "key", "status")
    search_fields = ("=key",)
    search_hint = "A whole idempotency key."
    readonly_fields = ("created_at",)


COUNTED = (CountedStore, EventCount, ChangedEvents)


@admin.register(RequestCount)
class RequestCountAdmin(ReadOnlyAdmin):
    list_display = ("key", "count", "ends")


@admin.register(SignedIn)
class SignedInAdmin(ReadOnlyAdmin):
    """Without the key of the session, by which somebody could take its place."""

    exclude = ("session",)
    list_display = ("user", "device", "address", "since", "last_seen")
    list_display_links = None
    list_select_related = ("user",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The list alone: a row's own page would show it."""
        return obj is None and super().has_view_permission(request, obj)


@admin.register(Store)
class StoreAdmin(OurAdmin):
    list_display = ("name", "time_zone")
    search_fields = ("name",)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is counted of a store goes with it, though nobody deletes that by itself."""
        names, counts, refused, kept = super().get_deleted_objects(objs, request)
        counted = {str(each._meta.verbose_name) for each in COUNTED}  # noqa: SLF001
        return names, counts, {each for each in refused if each not in counted}, kept

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Store) -> None:
        """The roles in it end with it."""
        account_log.roles(obj.memberships.all(), (), by=request.user)  # type: ignore[arg-type]
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Store]) -> None:
        ended = Membership.objects.filter(store__in=queryset)
        account_log.roles(ended, (), by=request.user)  # type: ignore[arg-type]
        super().delete_queryset(request, queryset)


@admin.register(Camera)
class CameraAdmin(OurAdmin):
    list_display = ("name", "store")
    list_filter = ("store",)
    list_select_related = ("store",)
    search_fields = ("name", "store__name")

    def get_readonly_fields(self, request: HttpRequest, obj: Camera | None = None) -> list[str]:
        """A camera takes no clips along to another store."""
        return ["store"] if obj else []


@admin.register(Membership)
class MembershipAdmin(OurAdmin):
    list_display = ("user", "store", "role")
    list_filter = ("store", "role")
    list_select_related = ("user", "store")
    search_fields = ("user__username", "store__name")

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:  # noqa: FBT001  (Django's)
        before = list(Membership.objects.filter(pk=obj.pk)) if change else []
        super().save_model(request, obj, form, change)
        account_log.roles(before, [obj], by=request.user)  # type: ignore[arg-type]

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        account_log.roles([obj], (), by=request.user)  # type: ignore[arg-type]
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        account_log.roles(queryset, (), by=request.user)  # type: ignore[arg-type]
        super().delete_queryset(request, queryset)


class MembershipInline(admin.TabularInline):
    model = Membership

    def get_extra(self, request: HttpRequest, obj: User | None = None, **_: Any) -> int:
        return 1 if obj else len(self.usual())

    def usual(self) -> list[dict[str, object]]:
        """What a new user is where there is one store: there is no choice to make."""
        stores = Store.objects.all()[:2]
        if len(stores) != 1:
            return []
        return [{"store": stores[0].pk, "role": role} for role in (Role.ANALYST, Role.REVIEWER)]


admin.site.unregister(Group)


@admin.register(Group)
class NotedGroupAdmin(OurAdmin, GroupAdmin):
    """Django's; what is done to a group is done to all who are in it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001  (Django's)
        super().save_related(request, form, formsets, change)
        done = "changed" if change else "added"
        account_log.group(form.instance, done, by=request.user)  # type: ignore[arg-type]

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        account_log.group(obj, "deleted", by=request.user)  # type: ignore[arg-type]
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        for group in queryset:
            account_log.group(group, "deleted", by=request.user)  # type: ignore[arg-type]
        super().delete_queryset(request, queryset)


admin.site.unregister(User)


@admin.register(User)
class MemberAdmin(OurAdmin, UserAdmin):
    """Django's, with the stores in which somebody works.

    Who may change accounts could else make a superuser of themselves, or sign in as one.
    """

    inlines = (MembershipInline,)
    actions = ("send_link", "reset_second_factor")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        if not password_links.are_sent():
            found.pop("send_link", None)
        return found

    @admin.action(description="Send a link to choose a password", permissions=["change"])
    def send_link(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        for user in chosen:
            if _may_touch(request, user):
                self._invite(request, user)
            else:
                messages.error(request, f"“{user}” is a superuser, whom only superusers change.")

    @admin.action(description="Reset the second factor, which is lost", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        for user in chosen:
            if not _may_touch(request, user):
                messages.error(request, f"“{user}” is a superuser, whom only superusers change.")
            elif second_factor.reset(user, by=request.user):  # type: ignore[arg-type]
                messages.success(
                    request, f"“{user}” signs in by password alone, and is signed out."
                )
            else:
                messages.warning(request, f"“{user}” has no second factor.")

    def _invite(self, request: HttpRequest, user: User) -> None:
        try:
            password_links.invite(user, by=request.user)  # type: ignore[arg-type]
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"A link to choose a password goes to “{user}”.")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is not None or not password_links.are_sent():
            return super().get_fieldsets(request, obj)
        fields = ("username", "email", "usable_password", "password1", "password2")
        return ((None, {"classes": ("wide",), "fields": fields}),)

    def get_form(
        self, request: HttpRequest, obj: User | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        if obj is None and password_links.are_sent():
            kwargs.setdefault("form", NewAccountForm)
        return super().get_form(request, obj, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001  (Django's)
        super().save_related(request, form, formsets, change)
        if not change and password_links.are_sent() and not form.instance.has_usable_password():
            self._invite(request, form.instance)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001  (Django's)
        super().save_model(request, obj, form, change)
        if change:
            account_log.changed(obj, form.changed_data, by=request.user)  # type: ignore[arg-type]
        else:
            account_log.added(obj, by=request.user)  # type: ignore[arg-type]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001  (Django's)
        own = Membership.objects.filter(user=form.instance)
        before = list(own)
        super().save_formset(request, form, formset, change)
        account_log.roles(before, own.all(), by=request.user)  # type: ignore[arg-type]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002  (Django's)
        """Noted by what it comes to: a password may be set, or switched off."""
        with transaction.atomic():
            before = self.get_object(request, unquote(id))
            answer = super().user_change_password(request, id, form_url)
            after = self.get_object(request, unquote(id))
            if before and after and before.password != after.password:
                account_log.password_set(after, by=request.user)  # type: ignore[arg-type]
        return answer

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: User) -> None:
        account_log.removed(obj, by=request.user)  # type: ignore[arg-type]
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            account_log.removed(user, by=request.user)  # type: ignore[arg-type]
        super().delete_queryset(request, queryset)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if request.user.is_superuser:
            return super().get_readonly_fields(request, obj)
        return ("is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is an account's alone goes with it, though nobody deletes it by itself."""
        names, counts, refused, kept = super().get_deleted_objects(objs, request)
        alone = (AlertsRead, ApiKey, OneTimePassword, Preferences, SignedIn, Upload)
        own = map(self.admin_site.get_model_admin, alone)
        return names, counts, set(refused) - {each.opts.verbose_name for each in own}, kept

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        """Shows a new user's usual roles; what is sent is what is wanted."""
        found: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        if isinstance(inline, MembershipInline) and request.method == "GET" and obj.pk is None:
            found["initial"] = inline.usual()
        return found


def _may_touch(request: HttpRequest, account: User | None) -> bool:
    """Superusers are for superusers to change."""
    return account is None or not account.is_superuser or request.user.is_superuser


@admin.register(AccessAttempt)
class FailedSignInAdmin(OurAdmin, AccessAttemptAdmin):  # type: ignore[misc]
    """Deleting a row lets that name at that address in again."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start", "path_info")
    list_filter = ("attempt_time",)
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "failures_since_start", "attempt_time", "path_info")
    fieldsets = None
    readonly_fields = fields
    actions = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
