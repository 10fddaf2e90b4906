"""The shapes of answers. docs/glossary.md says what the words mean, docs/exports.md the columns."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from video_classifier.models import Analysis, Camera, Clip, Event, LiveEvent, Review, Track
from video_classifier.services import confidence, progress, second_opinions
from video_classifier.services.catalog import Choice
from video_classifier.states import (
    Answer,
    Closing,
    Prediction,
    Reason,
    RecordedFrom,
    Stage,
    Status,
    ThresholdOrigin,
    Verdict,
    View,
)

LOW = "From this score to the threshold: uncertain. Null: the threshold decides alone."
IS_HINT = "False: it is uncertain, so that a person should look, and nobody is told of it."
VERDICT = (
    "What people's answers come to; of a clip the gravest of its current events, or of the clip "
    "itself. Null: no answer yet, or none that you may know before you give the second one."
)
NOTE = "A hint for a person to check, never an accusation."


class Moment(serializers.DateTimeField):
    """ISO 8601, in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class Choosing(serializers.ChoiceField):
    """One of the words of `states`; null where there is none yet."""

    def to_representation(self, value: Any) -> Any:
        return value or None


class Discreet(serializers.Serializer[Any]):
    """Has a verdict, but none that is withheld from a person who is to answer without knowing."""

    @extend_schema_field(Choosing(choices=Verdict.choices, allow_null=True))
    def get_verdict(self, row: Clip | Event) -> str | None:
        return None if row.pk in self._withheld() else row.verdict or None

    def _withheld(self) -> frozenset[Any]:
        """Keys of clips and events of the whole answer, found out once for all its rows."""
        context: Any = self.context
        if "withheld" not in context:
            rows = self.root.instance
            rows = rows if isinstance(rows, list) else [rows]
            context["withheld"] = second_opinions.withheld(
                context["request"].user, map(_clip_of, rows)
            )
        withheld: frozenset[Any] = context["withheld"]
        return withheld


def _clip_of(row: Clip | Analysis | Event) -> UUID:
    if isinstance(row, Clip):
        return row.pk
    analysis = row.analysis if isinstance(row, Event) else row
    return analysis.clip_id


class StoreSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    time_zone = serializers.CharField(help_text="Of the clocks there, as IANA names it.")


class CameraSerializer(serializers.Serializer[Camera]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    store = serializers.IntegerField(source="store_id", help_text="Its store's id.")


class ClipSerializer(Discreet):
    id = serializers.UUIDField()
    url = serializers.HyperlinkedIdentityField(view_name="api:clip", lookup_field="pk")
    name = serializers.CharField(help_text="As the uploader called it.")
    sha256 = serializers.CharField()
    size_bytes = serializers.IntegerField()
    container = serializers.CharField()
    codec = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    frame_rate = serializers.FloatField(allow_null=True)
    duration_s = serializers.FloatField(source="duration")
    store = serializers.IntegerField(source="store_id", help_text="Its store's id.")
    camera = serializers.IntegerField(
        source="camera_id", allow_null=True, help_text="Its camera's id."
    )
    recorded_at = Moment(allow_null=True)
    recorded_from = Choosing(choices=RecordedFrom.choices, allow_null=True)
    uploaded_by = serializers.SerializerMethodField(help_text="The name of the account.")
    uploaded_at = Moment()
    verdict = serializers.SerializerMethodField(help_text=VERDICT)
    reviews = serializers.HyperlinkedIdentityField(
        view_name="api:clip-reviews", lookup_field="pk", help_text="What people said of it."
    )

    def get_uploaded_by(self, clip: Clip) -> str | None:
        return clip.uploaded_by.get_username() if clip.uploaded_by else None


class ConfidenceSerializer(serializers.Serializer[Any]):
    """How often clips with such a score had that label, in an equal mix of both."""

    value = serializers.FloatField()
    low = serializers.FloatField(help_text="Of the 95 % interval.")
    high = serializers.FloatField()
    means = serializers.CharField(help_text="The same in a sentence, with the mix it holds for.")


class ProgressSerializer(serializers.Serializer[Any]):
    done_s = serializers.FloatField(source="done_seconds")
    whole_s = serializers.FloatField(source="whole_seconds")
    left_s = serializers.FloatField(
        source="seconds_left", allow_null=True, help_text="Until it is done; null: not known yet."
    )
    segments_done = serializers.IntegerField()
    segments = serializers.IntegerField()


class AnalysisSerializer(serializers.Serializer[Analysis]):
    id = serializers.UUIDField()
    url = serializers.HyperlinkedIdentityField(view_name="api:analysis", lookup_field="pk")
    page = serializers.SerializerMethodField(help_text="Of the result, for people.")
    clip = ClipSerializer()
    model = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    stage = Choosing(choices=Stage.choices, allow_null=True)
    prediction = Choosing(
        choices=Prediction.choices,
        allow_null=True,
        help_text="A hint for a person to check, or none, or uncertain: between both thresholds of "
        "its camera's measure; null until the analysis is done.",
    )
    reason = serializers.CharField(help_text="Why there is no result.")
    score = serializers.FloatField(
        allow_null=True,
        help_text="0 to 1, higher looks more like shoplifting; no probability.",
    )
    threshold = serializers.FloatField(allow_null=True, help_text="From this score on: a hint.")
    low_threshold = serializers.FloatField(source="low", allow_null=True, help_text=LOW)
    threshold_origin = serializers.ChoiceField(choices=ThresholdOrigin.choices)
    confidence = serializers.SerializerMethodField()
    view = serializers.ChoiceField(choices=View.choices, help_text="What the model looks at.")
    tracks_found = serializers.IntegerField()
    highest_score_track = serializers.IntegerField(source="decided_by", allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField(help_text="Why the analysis failed, or was cancelled.")
    model_sha256 = serializers.CharField()
    detector_sha256 = serializers.CharField()
    queued_at = Moment()
    started_at = Moment(allow_null=True)
    finished_at = Moment(allow_null=True)
    note = serializers.SerializerMethodField(help_text="To be shown with a prediction.")

    def get_page(self, analysis: Analysis) -> str:
        return self._request.build_absolute_uri(analysis.get_absolute_url())

    @extend_schema_field(ConfidenceSerializer(allow_null=True))
    def get_confidence(self, analysis: Analysis) -> dict[str, object] | None:
        share = confidence.of(analysis)
        if share is None:
            return None
        is_hint = analysis.prediction == Prediction.HINT
        means = confidence.sentence(share, hint=is_hint)
        return {**share._asdict(), "means": means}

    def get_note(self, _: Analysis) -> str:
        return NOTE

    @property
    def _request(self) -> HttpRequest:
        request: HttpRequest = self.context["request"]
        return request


class AnalysisDetailSerializer(AnalysisSerializer):
    """One by itself."""

    progress = serializers.SerializerMethodField(help_text="Of an unfinished one.")
    events = serializers.HyperlinkedIdentityField(
        view_name="api:analysis-events", lookup_field="pk"
    )
    tracks = serializers.HyperlinkedIdentityField(
        view_name="api:analysis-tracks", lookup_field="pk"
    )
    same_bytes = serializers.SerializerMethodField(
        help_text="The latest analysis of an earlier upload of the same bytes, if there is one."
    )

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, analysis: Analysis) -> Any:
        if analysis.is_finished:
            return None
        return ProgressSerializer(progress.of(analysis)).data

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_same_bytes(self, analysis: Analysis) -> str | None:
        visible = Analysis.objects.visible_to(self._request.user)
        earlier = visible.kept().of_earlier_twins(analysis.clip).first()
        if earlier is None:
            return None
        return reverse("api:analysis", args=[earlier.pk], request=self._request)


class BoxSerializer(serializers.Serializer[Any]):
    """Parts of the picture: 0 is its left or upper edge, 1 the other."""

    left = serializers.FloatField()
    top = serializers.FloatField()
    right = serializers.FloatField()
    bottom = serializers.FloatField()


class PlacedBoxSerializer(BoxSerializer):
    time_s = serializers.FloatField(help_text="Seconds since the clip's first picture.")


class TrackSerializer(serializers.Serializer[Track]):
    """Somebody followed through a clip, as nothing but a number."""

    number = serializers.IntegerField()
    segment = serializers.IntegerField(source="segment.number")
    score = serializers.FloatField()
    start_s = serializers.SerializerMethodField()
    end_s = serializers.SerializerMethodField()
    boxes = serializers.SerializerMethodField()

    def get_start_s(self, track: Track) -> float:
        return float(track.times[0])

    def get_end_s(self, track: Track) -> float:
        return float(track.times[-1])

    @extend_schema_field(PlacedBoxSerializer(many=True))
    def get_boxes(self, track: Track) -> list[dict[str, float]]:
        sides = ("left", "top", "right", "bottom")
        return [
            {"time_s": time, **dict(zip(sides, box, strict=True))}
            for time, box in zip(track.times, track.boxes, strict=True)
        ]


class EventSerializer(Discreet):
    """A stretch whose score reached the threshold, or makes it uncertain.

    Seconds are since the clip's first picture.
    """

    analysis = serializers.UUIDField(source="analysis_id")
    number = serializers.IntegerField()
    url = serializers.SerializerMethodField()
    page = serializers.SerializerMethodField(help_text="Which plays its seconds, for people.")
    start_s = serializers.FloatField(source="start")
    end_s = serializers.FloatField(source="end")
    peak_s = serializers.FloatField(source="peak")
    peak_at = serializers.SerializerMethodField(help_text="If it is known when it was recorded.")
    score = serializers.FloatField()
    is_hint = serializers.BooleanField(help_text=IS_HINT)
    threshold = serializers.FloatField(source="analysis.threshold")
    low_threshold = serializers.FloatField(source="analysis.low", allow_null=True, help_text=LOW)
    track = serializers.IntegerField(source="track.number", allow_null=True, default=None)
    clip = serializers.UUIDField(source="analysis.clip_id")
    camera = serializers.IntegerField(source="analysis.clip.camera_id", allow_null=True)
    store = serializers.IntegerField(source="analysis.clip.store_id")
    model = serializers.CharField(source="analysis.model")
    verdict = serializers.SerializerMethodField(help_text=VERDICT)

    def get_url(self, event: Event) -> str:
        return self._address("api:event", event)

    def get_page(self, event: Event) -> str:
        return self._address("web:event", event)

    @extend_schema_field(Moment(allow_null=True))
    def get_peak_at(self, event: Event) -> str | None:
        at = event.analysis.clip.moment_of(event.peak)
        return None if at is None else Moment().to_representation(at)

    def _address(self, name: str, event: Event) -> str:
        number = [event.analysis_id, event.number]
        return str(reverse(name, args=number, request=self.context["request"]))


class ReviewSerializer(serializers.Serializer[Review]):
    """An answer of a person; to undo one is another row. Seconds are of the clip."""

    id = serializers.IntegerField()
    clip = serializers.UUIDField(source="clip_id")
    analysis = serializers.UUIDField(
        source="analysis_id",
        allow_null=True,
        help_text="The latest with a result then; null: there was none, or it is deleted.",
    )
    event = serializers.IntegerField(
        source="event.number",
        allow_null=True,
        default=None,
        help_text="Its number in the analysis; null: the clip, a stretch of it, or a deleted one.",
    )
    start_s = serializers.FloatField(
        source="start", allow_null=True, help_text="Null: it is about the whole clip."
    )
    end_s = serializers.FloatField(source="end", allow_null=True)
    answer = serializers.ChoiceField(choices=Answer.choices)
    reason = Choosing(choices=Reason.choices, allow_null=True, help_text="Of a false alarm.")
    note = serializers.CharField()
    by = serializers.SerializerMethodField(help_text="The name of the account; null: deleted.")
    at = Moment()
    is_blind = serializers.BooleanField(help_text="Neither score nor box was shown.")
    undoes = serializers.IntegerField(
        source="undoes_id", allow_null=True, help_text="The answer that this one withdraws."
    )
    is_withdrawn = serializers.SerializerMethodField(help_text="By a later one.")

    def get_by(self, review: Review) -> str | None:
        return review.by.get_username() if review.by else None

    def get_is_withdrawn(self, review: Review) -> bool:
        return hasattr(review, "undone_by")


class LiveEventSerializer(serializers.Serializer[LiveEvent]):
    """An event as it was seen on a live camera. Times are those of the server's clock."""

    id = serializers.UUIDField()
    camera = serializers.IntegerField(source="camera_id", help_text="Its camera's id.")
    store = serializers.IntegerField(source="camera.store_id", help_text="Its store's id.")
    page = serializers.SerializerMethodField(help_text="Of the camera, for people.")
    started_at = Moment(help_text="Of its first window.")
    peak_at = Moment(help_text="The middle of its best window.")
    ended_at = Moment(help_text="Of its last window, so far.")
    opened_at = Moment(help_text="When the score reached the threshold, or became uncertain.")
    closed_at = Moment(allow_null=True, help_text="Null while it goes on.")
    closing = Choosing(choices=Closing.choices, allow_null=True, help_text="Why it ended.")
    model = serializers.CharField()
    model_sha256 = serializers.CharField()
    score = serializers.FloatField(
        help_text="0 to 1, higher looks more like shoplifting; no probability."
    )
    is_hint = serializers.BooleanField(help_text=IS_HINT)
    threshold = serializers.FloatField(help_text="From this score on: a hint.")
    low_threshold = serializers.FloatField(source="low", allow_null=True, help_text=LOW)
    clip = serializers.UUIDField(
        source="clip_id", allow_null=True, help_text="That was cut, once it is closed."
    )
    no_clip = serializers.CharField(help_text="Why there is none, or empty.")
    note = serializers.SerializerMethodField(help_text="To be shown with it.")

    def get_page(self, event: LiveEvent) -> str:
        return str(reverse("web:camera", args=[event.camera_id], request=self.context["request"]))

    def get_note(self, _: LiveEvent) -> str:
        return NOTE


class ModelSerializer(serializers.Serializer[Choice]):
    name = serializers.CharField()
    is_default = serializers.SerializerMethodField()
    is_usable = serializers.SerializerMethodField()
    problem = serializers.CharField(help_text="Why it can't be used, or empty.")
    summary = serializers.SerializerMethodField()
    sha256 = serializers.SerializerMethodField()
    threshold = serializers.SerializerMethodField()
    measured = serializers.SerializerMethodField(help_text="How its figures came about.")
    metrics = serializers.SerializerMethodField(help_text="Each with its 95 % interval.")

    def get_is_default(self, choice: Choice) -> bool:
        return bool(choice.name == self.context["default"])

    def get_is_usable(self, choice: Choice) -> bool:
        return choice.card is not None

    def get_summary(self, choice: Choice) -> str | None:
        return choice.card.summary if choice.card else None

    def get_sha256(self, choice: Choice) -> str | None:
        return choice.card.sha256 if choice.card else None

    def get_threshold(self, choice: Choice) -> float | None:
        return choice.card.threshold if choice.card else None

    def get_measured(self, choice: Choice) -> str | None:
        return choice.card.measured if choice.card else None

    @extend_schema_field(
        {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {end: {"type": "number"} for end in ("value", "low", "high")},
            },
        }
    )
    def get_metrics(self, choice: Choice) -> dict[str, dict[str, float]]:
        found = choice.card.metrics if choice.card else {}
        return {
            name: {end: getattr(figure, end) for end in ("value", "low", "high")}
            for name, figure in found.items()
        }


# Requests


class AgainSerializer(serializers.Serializer[Any]):
    """Which clip is to be analyzed, and by which model."""

    clip = serializers.UUIDField()
    model = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=50,
        help_text="The default model if none is named.",
    )


class UploadSerializer(serializers.Serializer[Any]):
    """A form, for the schema; http.forms.UploadForm reads it."""

    file = serializers.FileField(help_text="One video.")
    model = serializers.CharField(required=False, max_length=50)
    store = serializers.IntegerField(
        required=False, help_text="Its id; may be left out by members of one store."
    )
    camera = serializers.IntegerField(required=False, help_text="Its id.")
    recorded_at = serializers.CharField(
        required=False,
        max_length=40,
        help_text="As 2026-11-26 14:30, in the store's time zone; else as the file's name or the "
        "file itself says.",
    )
    pattern = serializers.CharField(
        required=False, help_text="Of times in names, such as till*%d%m%Y-%H%M%S."
    )


class PictureOrClipSerializer(UploadSerializer):
    file = serializers.FileField(help_text="One short video, or one picture.")


# Answers to /predict


class LookedAtSerializer(serializers.Serializer[Any]):
    """The window that decided."""

    track = serializers.IntegerField(allow_null=True, help_text="Null: the whole picture.")
    times_s = serializers.ListField(child=serializers.FloatField())
    boxes = PlacedBoxSerializer(many=True, help_text="Where that person is meanwhile.")


class ClipPredictionSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[("clip", "clip")])
    prediction = serializers.ChoiceField(choices=Prediction.choices)
    sentence = serializers.CharField(help_text="What to show.")
    confidence = ConfidenceSerializer(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    threshold = serializers.FloatField(allow_null=True)
    model = serializers.CharField()
    tracks = TrackSerializer(many=True)
    looked_at = LookedAtSerializer(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    analysis = serializers.URLField()
    page = serializers.URLField()
    note = serializers.CharField()


class PersonSerializer(serializers.Serializer[Any]):
    box = BoxSerializer()
    score = serializers.FloatField(help_text="How certain the person detector is, 0 to 1.")


class PicturePredictionSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[("picture", "picture")])
    prediction = serializers.CharField(allow_null=True, help_text="Always null.")
    sentence = serializers.CharField()
    people = PersonSerializer(many=True)
    detector_sha256 = serializers.CharField()
