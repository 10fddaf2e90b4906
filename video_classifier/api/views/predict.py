"""A clip, and at once what it comes to; or a picture, and the people in it."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.urls import reverse as path_of
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from video_classifier.api import idempotency, receiving
from video_classifier.api.documented import LOCATION, RETRY, documented
from video_classifier.api.problems import Problem
from video_classifier.api.serializers import (
    NOTE,
    AnalysisDetailSerializer,
    AnalysisSerializer,
    ClipPredictionSerializer,
    PictureOrClipSerializer,
    PicturePredictionSerializer,
    TrackSerializer,
)
from video_classifier.api.views.shared import accepted
from video_classifier.models import Analysis, Clip, Track
from video_classifier.services import pictures
from video_classifier.states import Status

CANCELLED = "The analysis was cancelled before its end."


class Predict(GenericAPIView[Clip]):
    """Nothing is stored of a picture; a clip is in the history as if it had been uploaded there."""

    serializer_class = ClipPredictionSerializer
    queryset = Clip.objects.none()
    parser_classes = (MultiPartParser,)

    @documented(
        {
            200: PolymorphicProxySerializer(
                component_name="Predicted",
                serializers=[ClipPredictionSerializer, PicturePredictionSerializer],
                resource_type_field_name="kind",
            ),
            202: AnalysisDetailSerializer,
        },
        *(409, 413, 415, 422, 503, 507),
        summary="What a short clip comes to, or who is in a picture",
        description="Waits up to `wait` seconds for the result of a clip; if it isn't there by "
        "then, the answer is 202 with the analysis. One picture shows no movement, so it gets no "
        "prediction: the answer is where people are.",
        request={"multipart/form-data": PictureOrClipSerializer},
        parameters=[
            receiving.wait_parameter(receiving.MOST_SECONDS),
            *(idempotency.PARAMETER, LOCATION, RETRY),
        ],
    )
    def post(self, request: Request) -> Response:
        seconds = receiving.seconds_to_wait(request, default=receiving.MOST_SECONDS)
        file = receiving.the_file(request)

        def act(note: idempotency.Note) -> Response:
            if pictures.is_picture(file):
                return _people(file)

            def then(analysis: Analysis) -> None:
                note(lambda: _came_to(request, analysis))

            analysis = receiving.accept(request, file, then=then)
            receiving.wait_for(analysis, seconds=seconds)
            return _came_to(request, analysis)

        return idempotency.once(request, act)


def _people(file: UploadedFile[bytes]) -> Response:
    found = pictures.people_in(file)
    people = [
        {
            "box": {side: getattr(box, side) for side in ("left", "top", "right", "bottom")},
            "score": score,
        }
        for box, score in found.people
    ]
    told = {
        "kind": "picture",
        "prediction": None,
        "sentence": pictures.NO_MOVEMENT,
        "people": people,
        "detector_sha256": found.detector_sha256,
    }
    return Response(PicturePredictionSerializer(told).data)


def _came_to(request: Request, analysis: Analysis) -> Response:
    if not analysis.is_finished:
        return accepted(request, analysis)
    if analysis.status != Status.DONE:
        raise Problem(422, analysis.error or CANCELLED)
    whole = AnalysisSerializer(analysis, context={"request": request}).data
    tracks = list(analysis.tracks.select_related("segment").order_by("number", "id"))
    told = {
        "kind": "clip",
        "sentence": analysis.reason or analysis.get_prediction_display(),
        "tracks": [TrackSerializer(each).data for each in tracks],
        "looked_at": _looked_at(analysis, tracks),
        "analysis": reverse("api:analysis", args=[analysis.pk], request=request),
        "note": NOTE,
        **{
            name: whole[name]
            for name in (
                *("prediction", "confidence", "score", "threshold", "model", "warnings", "page"),
            )
        },
    }
    return Response(told)


def _looked_at(analysis: Analysis, tracks: list[Track]) -> dict[str, Any] | None:
    """The window that decided."""
    if analysis.score is None:
        return None
    deciding = [each for each in tracks if each.number == analysis.decided_by]
    if not deciding:
        return {"track": None, "times_s": analysis.frame_times, "boxes": []}
    track = max(deciding, key=lambda each: each.score)
    boxes = TrackSerializer(track).data["boxes"]
    times = track.crop_times
    start, end = (times[0], times[-1]) if times else (track.times[0], track.times[-1])
    within = [box for box in boxes if start <= box["time_s"] <= end]
    return {"track": track.number, "times_s": times, "boxes": within}


def moved(request: HttpRequest) -> HttpResponse:
    """From the address that the projects before this one had; the method and the body stay."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponse(
        status=308, headers={"Location": path_of("api:predict") + (f"?{query}" if query else "")}
    )
