"""The administrators' view: everything to be found, no verdict to be edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from video_classifier.models import Analysis, Clip
from video_classifier.services import analyses, catalog, clips

admin.site.site_header = "Shoplift administration"
admin.site.site_title = "Shoplift"


class ReadOnlyAdmin(admin.ModelAdmin):
    """To be looked at, analyzed again and deleted; everything else services write."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def clips_of(self, chosen: QuerySet[Any]) -> QuerySet[Clip]:
        raise NotImplementedError

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Those of the class, and “Analyze again” with each model that can be used."""
        found: dict[str, Any] = super().get_actions(request)
        if request.user.has_perm("video_classifier.add_analysis"):
            for choice in catalog.available():
                if choice.card:
                    name = f"again_{choice.name}"
                    found[name] = (_again(choice.name), name, f"Analyze again with {choice.name}")
        return found


def _again(model: str) -> Callable[[ReadOnlyAdmin, HttpRequest, QuerySet[Any]], None]:
    def again(site: ReadOnlyAdmin, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        wanted = site.clips_of(chosen)
        for clip in wanted:
            analyses.enqueue(clip, model=model, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Queued for {model}: {len(wanted)}.")

    return again


@admin.register(Clip)
class ClipAdmin(ReadOnlyAdmin):
    date_hierarchy = "uploaded_at"
    list_display = ("name", "uploaded_at", "uploaded_by", "length", "size", "runs")
    list_filter = ("container", "codec", "playback", "uploaded_by")
    list_select_related = ("uploaded_by",)
    search_fields = ("name", "sha256")
    # The files have no address of their own: the result page shows them.
    exclude = ("file", "playable")
    readonly_fields = ("uploaded_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request).annotate(analysis_count=Count("analyses"))
        return cast("QuerySet[Any]", found)

    @admin.display(ordering="duration")
    def length(self, clip: Clip) -> str:
        return f"{clip.duration:.1f} s"

    @admin.display(ordering="size_bytes")
    def size(self, clip: Clip) -> str:
        return filesizeformat(clip.size_bytes)

    @admin.display(description="Analyses", ordering="analysis_count")
    def runs(self, clip: Any) -> int:
        return int(clip.analysis_count)

    def clips_of(self, chosen: QuerySet[Clip]) -> QuerySet[Clip]:
        return chosen

    def delete_model(self, request: HttpRequest, obj: Clip) -> None:
        clips.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Clip]) -> None:
        for clip in queryset:
            clips.delete(clip)


@admin.register(Analysis)
class AnalysisAdmin(ReadOnlyAdmin):
    date_hierarchy = "queued_at"
    list_display = ("clip", "status", "verdict", "rounded", "model", "requested_by", "queued_at")
    list_filter = ("status", "verdict", "view", "model", "requested_by")
    list_select_related = ("clip", "requested_by")
    search_fields = ("clip__name", "clip__sha256", "error")
    readonly_fields = ("queued_at",)

    @admin.display(description="Score", ordering="score", empty_value="-")
    def rounded(self, analysis: Analysis) -> str | None:
        return None if analysis.score is None else f"{analysis.score:.2f}"

    def clips_of(self, chosen: QuerySet[Analysis]) -> QuerySet[Clip]:
        return Clip.objects.filter(analyses__in=chosen).distinct()
