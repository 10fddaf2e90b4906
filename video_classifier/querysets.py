"""The questions the project asks about clips and analyses, each by its name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import connections, models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import RowNumber

from video_classifier.states import (
    AlertKind,
    Answer,
    CaseState,
    Prediction,
    Role,
    Status,
    UploadStatus,
)

if TYPE_CHECKING:
    from video_classifier.models import (  # noqa: F401
        Activation,
        Alert,
        Analysis,
        ApiKey,
        AuditEntry,
        AuditSeal,
        BrowserCopy,
        Camera,
        CandidateScore,
        Case,
        CaseExport,
        Channel,
        Clip,
        Delivery,
        Event,
        Feed,
        FeedHour,
        HeatMap,
        Improvement,
        Job,
        LiveEvent,
        Measure,
        ModelVersion,
        PlantedAct,
        Review,
        SavedView,
        ScoredTime,
        Segment,
        SegmentCopy,
        Store,
        Tag,
        Track,
        Upload,
    )

Row = TypeVar("Row", bound=models.Model)

AnyJob = TypeVar("AnyJob", bound="Job")

Visitor = User | AnonymousUser

DELETE_CLIPS = "video_classifier.delete_clip"  # the permission
ACTIVE = (Status.QUEUED, Status.RUNNING)
UNFINISHED = (*ACTIVE, Status.PAUSED)
UPLOADERS = (Role.ANALYST, Role.MANAGER)
CASE_WORKERS = (Role.REVIEWER, Role.MANAGER)
HINTS = (AlertKind.LIVE, AlertKind.RECORDING)
_MODELS = """
WITH RECURSIVE found(model) AS (
    SELECT MIN(model) FROM {0} WHERE model > ''
    UNION ALL
    SELECT (SELECT MIN(model) FROM {0} WHERE model > found.model) FROM found WHERE found.model > ''
)
SELECT model FROM found WHERE model > '' ORDER BY model
"""
_CLOSED = Q(live_event__closed_at__isnull=False)
_GONE = Q(kind=AlertKind.RECORDING, analysis=None) | Q(kind=AlertKind.LIVE) & (
    Q(live_event=None) | _CLOSED & Q(live_event__clip=None, live_event__no_clip="")
)
TO_BE_LOOKED_AT = (Prediction.HINT, Prediction.UNCERTAIN)  # those that have events
_HINTS_YET = Q(analyses__is_latest=True) & (
    Q(analyses__prediction__in=TO_BE_LOOKED_AT) | Q(analyses__status__in=UNFINISHED)
)
_CLIP_HINTS_YET = Q(clip__analyses__is_latest=True) & (
    Q(clip__analyses__prediction__in=TO_BE_LOOKED_AT) | Q(clip__analyses__status__in=UNFINISHED)
)
_TELLS = {AlertKind.LIVE: "tells_live", AlertKind.RECORDING: "tells_recordings"}


class InStoreQuerySet(models.QuerySet[Row]):
    """Of rows that belong to a store, which `way_to_store` leads to."""

    way_to_store = "store"

    def visible_to(self, user: Visitor) -> Self:
        """Those of the stores that `user` is a member of, in any role; superusers see all.

        This is the one rule of who sees what: pages, files and exports query nothing without it.
        """
        return self.in_stores_of(user, *Role)

    def in_stores_of(self, user: Visitor, *roles: Role) -> Self:
        """Those of the stores in which `user` has one of the `roles`; a superuser has all."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        stores = user.memberships.filter(role__in=roles).values("store")
        return self.filter(**{f"{self.way_to_store}__in": stores})


class StoreQuerySet(InStoreQuerySet["Store"]):
    way_to_store = "pk"

    def open_to(self, user: Visitor) -> Self:
        """Those to which `user` may upload clips, and whose clips they may analyze again."""
        return self.in_stores_of(user, *UPLOADERS)

    def managed_by(self, user: Visitor) -> Self:
        """Those whose live cameras `user` may add and change."""
        return self.in_stores_of(user, Role.MANAGER)

    def with_cases_of(self, user: Visitor) -> Self:
        """Those in which `user` works on cases."""
        return self.in_stores_of(user, *CASE_WORKERS)


class CameraQuerySet(InStoreQuerySet["Camera"]):
    def without_feed(self) -> Self:
        """Those whose recordings come in as files alone."""
        return self.filter(feed=None)

    def managed_by(self, user: Visitor) -> Self:
        """Those that `user` may measure."""
        return self.in_stores_of(user, Role.MANAGER)


class ClipQuerySet(InStoreQuerySet["Clip"]):
    def kept(self) -> Self:
        """Not in the trash: all that pages, lists and jobs may know of."""
        return self.filter(trashed_at=None)

    def in_trash(self) -> Self:
        return self.filter(trashed_at__isnull=False)

    def named(self, part: str) -> Self:
        """With this in their names, in capitals or not."""
        found = self.filter(name__icontains=part)
        if connections[self.db].vendor != "sqlite":
            return found
        return found.filter(name__gte="")  # all; but it reads the index of names, and not the rows

    def trashed_before(self, moment: datetime) -> Self:
        """Trashed before `moment`, oldest first."""
        return self.filter(trashed_at__lt=moment).order_by("trashed_at")

    def deletable_by(self, user: Visitor) -> Self:
        """Which `user` may move to the trash and out of it.

        Analysts their own, managers all of their stores, users with the permission all that they
        see. http.permissions.may_delete decides the same for one clip.
        """
        if user.has_perm(DELETE_CLIPS):
            return self.visible_to(user)
        own = self.in_stores_of(user, Role.ANALYST).filter(uploaded_by=user.pk)
        return own | self.in_stores_of(user, Role.MANAGER)

    def unheld(self) -> Self:
        """In no case, so that they may be deleted."""
        return self.filter(case_items=None)

    def hinting(self) -> Self:
        """With a latest result that somebody has to look at, or one that isn't finished yet.

        That is a hint, or uncertain.
        """
        return self.filter(_HINTS_YET).distinct()


AT_ONCE = timedelta(seconds=1)  # between the two moments of a job that is not to rest
SKEW = timedelta(minutes=1)  # that clocks which agree may differ


def _is_dead(now: datetime, lease: timedelta) -> Q:
    """A heartbeat far ahead is of before the clock was set back: who lives has another soon."""
    return Q(heartbeat_at__lt=now - lease) | Q(heartbeat_at__gt=now + lease)


class JobQuerySet(InStoreQuerySet[AnyJob]):
    """Of rows that are also the jobs in a queue."""

    def waiting(self) -> Self:
        return self.filter(status=Status.QUEUED)

    def known_to(self, version: int) -> Self:
        """Jobs that this version of the code can run."""
        return self.filter(version__lte=version)

    def in_turn(self) -> Self:
        """By priority, and within one users take turns, each with the longest waiting job.

        Each user's first job comes before anybody's second. The user served longest ago goes
        first, and before all one who was never served. Jobs without a user count as one user's.
        """
        nth = Window(
            RowNumber(),
            partition_by=[F("requested_by"), F("priority")],
            order_by=[F("waiting_since").asc(), F("pk").asc()],
        )
        served = F("last_served").asc(nulls_first=True)
        return self.annotate(nth=nth, last_served=self._last_served()).order_by(
            "-priority", "nth", served, "waiting_since", "pk"
        )

    def _last_served(self) -> models.Case:
        """When the last job of the row's user was claimed."""
        claimed = type(self)(self.model).filter(claimed_at__isnull=False).order_by("-claimed_at")
        latest = claimed.values("claimed_at")
        return models.Case(
            models.When(requested_by=None, then=Subquery(latest.filter(requested_by=None)[:1])),
            default=Subquery(latest.filter(requested_by=OuterRef("requested_by"))[:1]),
        )

    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)

    def held(self, job: AnyJob) -> Self:
        """The row of `job`, while it still belongs to this very run of this worker."""
        return self.filter(
            pk=job.pk, status=Status.RUNNING, worker=job.worker, attempts=job.attempts
        )

    def due(self, *, now: datetime) -> Self:
        """Those that don't rest.

        What was never to rest is due even if it seems to be queued long after `now`: the clock was
        set back since.
        """
        set_back = Q(waiting_since__gt=now + SKEW, not_before__lte=F("waiting_since") + AT_ONCE)
        return self.filter(Q(not_before__lte=now) | set_back)

    def stalled(self, *, now: datetime, lease: timedelta) -> Self:
        """Running, without a heartbeat for so long: their worker is dead, lost or stuck."""
        found = self.filter(_is_dead(now, lease), status=Status.RUNNING)
        return found.order_by("heartbeat_at")


class SegmentQuerySet(JobQuerySet["Segment"]):
    way_to_store = "analysis__store"

    def of_paused_analyses(self) -> Self:
        """Those that wait though their analysis is paused: they were just put back."""
        return self.waiting().filter(analysis__status=Status.PAUSED)


class AnalysisQuerySet(InStoreQuerySet["Analysis"]):
    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)

    def active(self) -> Self:
        """Unfinished ones that nobody has paused."""
        return self.filter(status__in=ACTIVE)

    def paused(self) -> Self:
        return self.filter(status=Status.PAUSED)

    def latest_of_clips(self) -> Self:
        """One of each clip."""
        return self.filter(is_latest=True)

    def idle(self) -> Self:
        """Running by name, but none of their segments is running or ended: all were put back."""
        begun = (Status.RUNNING, Status.DONE, Status.FAILED)
        return self.filter(status=Status.RUNNING).exclude(segments__status__in=begun).order_by()

    def kept(self) -> Self:
        """Rows whose clip is not in the trash."""
        return self.filter(clip__trashed_at=None)

    def of(self, clips: ClipQuerySet) -> Self:
        """Those of the clips, which are looked up analysis by analysis, in the order asked for.

        That is quick where a page of a long list is full soon; not so where few are among many.
        """
        return self.filter(Exists(clips.order_by().filter(pk=OuterRef("clip"))))

    def of_few(self, clips: ClipQuerySet | list[UUID]) -> Self:
        """The same for few clips, or their keys: all their analyses are found, and then sorted."""
        return self.filter(clip__in=clips)

    def of_earlier_twins(self, clip: Clip) -> Self:
        """Of the same bytes, uploaded before; the latest analysis first."""
        same = self.filter(clip__sha256=clip.sha256, clip__uploaded_at__lt=clip.uploaded_at)
        return same.order_by("-queued_at")

    def models(self, *, public: Collection[str]) -> list[str]:
        """The names of the models that were asked, as far as these rows show.

        It takes a step in an index for each, however many rows there are; and rows are only
        looked for of models that are not `public`.
        """
        with connections[self.db].cursor() as cursor:
            cursor.execute(_MODELS.format(self.model._meta.db_table))  # noqa: SLF001
            found = [name for (name,) in cursor]
        return [name for name in found if name in public or self.filter(model=name).exists()]

    def for_listing(self) -> Self:
        """Those outside the trash, with what a row of a table shows, in one query."""
        done = type(self)(self.model).filter(clip=OuterRef("clip"), status=Status.DONE)
        first = done.order_by("finished_at").values("finished_at")[:1]
        return (
            self.kept()
            .select_related(
                *("clip", "clip__store", "clip__camera", "clip__uploaded_by", "requested_by"),
                "clip__store__retention",
            )
            .annotate(
                clip_is_held=Exists(self._of_row(Q(clip__case_items__isnull=False))),
                clip_hints=Exists(self._of_row(_CLIP_HINTS_YET)),
                clip_first_result_at=Subquery(first),
            )
            .order_by("-queued_at", "-pk")
        )

    def _of_row(self, condition: Q) -> Self:
        """The row itself, if that holds of its clip."""
        return type(self)(self.model).filter(condition, pk=OuterRef("pk"))


class HeatMapQuerySet(JobQuerySet["HeatMap"]):
    way_to_store = "analysis__store"


class TrackQuerySet(InStoreQuerySet["Track"]):
    way_to_store = "analysis__store"


class EventQuerySet(InStoreQuerySet["Event"]):
    def bulk_create(self, objs: Iterable[Event], *args: Any, **kwargs: Any) -> list[Event]:
        """Says of each in which store it is, and when it happened, as `save` does."""
        rows = list(objs)
        for row in rows:
            row.place()
        return super().bulk_create(rows, *args, **kwargs)

    def strongest_first(self) -> Self:
        return self.order_by("-score", "number")

    def hints(self) -> Self:
        """Without the uncertain ones."""
        return self.filter(is_hint=True)

    def current(self) -> Self:
        """Of the latest results of clips that are not in the trash."""
        return self.filter(is_current=True)

    def waiting(self) -> Self:
        """In the review queue."""
        return self.exclude(waits_for="")


class BrowserCopyQuerySet(JobQuerySet["BrowserCopy"]):
    way_to_store = "clip__store"


class SegmentCopyQuerySet(JobQuerySet["SegmentCopy"]):
    way_to_store = "clip__store"

    def looked_at(self) -> Self:
        """Those that somebody sees the player wait for, and what comes after these."""
        return self.filter(priority__gt=0)


class FeedQuerySet(InStoreQuerySet["Feed"]):
    way_to_store = "camera__store"

    def managed_by(self, user: Visitor) -> Self:
        """Those whose settings `user` may change."""
        return self.in_stores_of(user, Role.MANAGER)

    def enabled(self) -> Self:
        return self.filter(is_enabled=True)

    def held_by(self, worker: str) -> Self:
        return self.filter(worker=worker)

    def free(self, *, now: datetime, lease: timedelta) -> Self:
        """Of no watcher, or of a dead one."""
        return self.filter(Q(worker="") | _is_dead(now, lease))

    def abandoned(self, *, now: datetime, lease: timedelta) -> Self:
        """Of a dead watcher."""
        return self.exclude(worker="").filter(_is_dead(now, lease))


class FeedHourQuerySet(InStoreQuerySet["FeedHour"]):
    way_to_store = "camera__store"


class LiveEventQuerySet(InStoreQuerySet["LiveEvent"]):
    way_to_store = "camera__store"

    def open(self) -> Self:
        return self.filter(closed_at=None)

    def hints(self) -> Self:
        """Without the uncertain ones."""
        return self.filter(is_hint=True)


class CandidateScoreQuerySet(InStoreQuerySet["CandidateScore"]):
    way_to_store = "camera__store"


class ScoredTimeQuerySet(InStoreQuerySet["ScoredTime"]):
    way_to_store = "camera__store"


class MeasureQuerySet(InStoreQuerySet["Measure"]):
    way_to_store = "camera__store"

    def in_force(self) -> Self:
        return self.filter(ended_at=None)


class PlantedActQuerySet(InStoreQuerySet["PlantedAct"]):
    way_to_store = "camera__store"


class ImprovementQuerySet(JobQuerySet["Improvement"]):
    """Jobs, of stores."""


class ModelVersionQuerySet(InStoreQuerySet["ModelVersion"]):
    """Of stores."""


class AlertQuerySet(InStoreQuerySet["Alert"]):
    def hints(self) -> Self:
        return self.filter(kind__in=HINTS)

    def trashed(self) -> Self:
        """Of clips that are in the trash."""
        of_event = Q(live_event__clip__trashed_at__isnull=False)
        return self.filter(of_event | Q(analysis__clip__trashed_at__isnull=False))

    def gone(self) -> Self:
        """Of clips that were deleted for good. An event's that made room for newer ones is told."""
        return self.filter(_GONE)

    def there(self) -> Self:
        """Neither of what is in the trash, nor of what was deleted for good."""
        shown = self.filter(live_event__clip__trashed_at=None, analysis__clip__trashed_at=None)
        return shown.exclude(_GONE)


class ChannelQuerySet(models.QuerySet["Channel"]):
    def wanting(self, alert: Alert) -> Self:
        """Those in use that are to hear of it; of what concerns the whole site, whatever stores
        they have.
        """
        kind = AlertKind(alert.kind)
        found = self.filter(is_enabled=True, **{_TELLS.get(kind, "tells_faults"): True})
        if kind in HINTS:
            found = found.filter(least_score__lte=alert.score)
        if alert.store_id is None:
            return found
        stores = self.model.stores.through.objects.filter(channel=OuterRef("pk"))
        cameras = self.model.cameras.through.objects.filter(channel=OuterRef("pk"))
        return found.filter(
            Q(all_stores=True) | Exists(stores.filter(store=alert.store_id)),
            ~Exists(cameras) | Exists(cameras.filter(camera=alert.camera_id)),
        )

    def managed_by(self, user: Visitor) -> Self:
        """Those whose stores `user` manages, all of them; superusers manage all channels."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        stores = user.memberships.filter(role=Role.MANAGER).values("store")
        inside = self.model.stores.through.objects.filter(channel=OuterRef("pk"))
        return self.filter(
            Exists(inside), ~Exists(inside.exclude(store__in=stores)), all_stores=False
        )


class DeliveryQuerySet(JobQuerySet["Delivery"]):
    way_to_store = "alert__store"

    def digests(self) -> Self:
        return self.exclude(gathers="")

    def managed_by(self, user: Visitor) -> Self:
        """Those to channels that `user` manages; superusers see those to deleted ones, too.

        But for alerts of other stores, which a channel may have told before it was narrowed.
        """
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        channels = ChannelQuerySet(self.model._meta.get_field("channel").related_model)  # noqa: SLF001
        stores = user.memberships.filter(role=Role.MANAGER).values("store")
        of_stores = Q(alert__store=None) | Q(alert__store__in=stores)
        return self.filter(of_stores, channel__in=channels.managed_by(user))


class UploadQuerySet(models.QuerySet["Upload"]):
    """An upload is its user's alone, whatever the stores: its bytes are no clip yet."""

    def of(self, user: Visitor) -> Self:
        return self.filter(user=user.pk)

    def unfinished(self) -> Self:
        return self.filter(status__in=(UploadStatus.RECEIVING, UploadStatus.CHECKING))

    def alive(self, *, now: datetime) -> Self:
        return self.filter(expires_at__gt=now)

    def expired(self, *, now: datetime) -> Self:
        return self.filter(expires_at__lte=now)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """A key is its user's alone; administrators find all in the administration."""

    def of(self, user: Visitor) -> Self:
        return self.filter(user=user.pk)

    def unrevoked(self) -> Self:
        return self.filter(revoked_at=None)

    def live(self, *, now: datetime) -> Self:
        """Neither revoked nor expired. Whether their users may come in is not looked at."""
        return self.unrevoked().filter(Q(expires_at=None) | Q(expires_at__gt=now))

    def revoked_last(self) -> Self:
        """And the newest first."""
        return self.order_by(F("revoked_at").desc(nulls_first=True), "-created_at", "pk")

    def unused_since(self, moment: datetime) -> Self:
        return self.filter(Q(last_used_at=None) | Q(last_used_at__lt=moment))


class CaseQuerySet(InStoreQuerySet["Case"]):
    def open_to(self, user: Visitor) -> Self:
        """Those that `user` sees and works on: as a reviewer or a manager of their stores."""
        return self.in_stores_of(user, *CASE_WORKERS)

    def in_state(self, state: CaseState) -> Self:
        return self.filter(state=state)


class CaseExportQuerySet(JobQuerySet["CaseExport"]):
    way_to_store = "case__store"

    def open_to(self, user: Visitor) -> Self:
        """Those of cases that are open to `user`."""
        return self.in_stores_of(user, *CASE_WORKERS)

    def finished_before(self, moment: datetime) -> Self:
        """Done or failed before `moment`."""
        return self.filter(finished_at__lt=moment)


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def open_to(self, user: Visitor) -> Self:
        """Their own, and those shared in their stores."""
        if not user.is_authenticated:
            return self.none()
        shared = Q(shared_in__isnull=False)
        if not user.is_superuser:
            shared = Q(shared_in__in=user.memberships.values("store"))
        return self.filter(Q(owner=user.pk) | shared)


class TagQuerySet(InStoreQuerySet["Tag"]):
    """Tags need no queries of their own."""


class AppendOnlyError(TypeError):
    """A row that is written once was to be changed or removed."""

    def __init__(self) -> None:
        super().__init__("This is append-only: rows are neither changed nor removed.")


class AppendOnlyQuerySet(models.QuerySet[Row]):
    """To be read and added to."""

    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyError

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[Row]:
        if kwargs.get("update_conflicts"):
            raise AppendOnlyError
        return super().bulk_create(*args, **kwargs)


class AuditEntryQuerySet(AppendOnlyQuerySet["AuditEntry"]):
    def managed_by(self, user: Visitor) -> Self:
        """Of the stores that `user` manages; superusers see all, those of no store among them."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(store__in=user.memberships.filter(role=Role.MANAGER).values("store"))


class ActivationQuerySet(  # type: ignore[override]
    AppendOnlyQuerySet["Activation"], InStoreQuerySet["Activation"]
):
    """Of stores; never changed."""


class AuditSealQuerySet(AppendOnlyQuerySet["AuditSeal"]):
    """Seals need no queries of their own."""


# django-stubs makes a manager of each base, and takes the two for rivals.
class ReviewQuerySet(  # type: ignore[override]
    AppendOnlyQuerySet["Review"], InStoreQuerySet["Review"]
):
    way_to_store = "clip__store"

    def standing(self) -> Self:
        """Answers that were not withdrawn."""
        return self.filter(undone_by=None).exclude(answer=Answer.WITHDRAWN)
