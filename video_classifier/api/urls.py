"""The addresses of the API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.urls import path, re_path

from video_classifier.api.views import analyses, clips, docs, live, predict, surroundings

app_name = "api"
urlpatterns = [
    path("clips", clips.Clips.as_view(), name="clips"),
    path("clips/<uuid:pk>", clips.OneClip.as_view(), name="clip"),
    path("clips/<uuid:pk>/reviews", clips.ReviewsOfClip.as_view(), name="clip-reviews"),
    path("analyses", analyses.Analyses.as_view(), name="analyses"),
    path("analyses/<uuid:pk>", analyses.OneAnalysis.as_view(), name="analysis"),
    path("analyses/<uuid:pk>/cancel", analyses.Cancel.as_view(), name="cancel"),
    path("analyses/<uuid:pk>/pause", analyses.Pause.as_view(), name="pause"),
    path("analyses/<uuid:pk>/resume", analyses.Resume.as_view(), name="resume"),
    path("analyses/<uuid:pk>/tracks", analyses.Tracks.as_view(), name="analysis-tracks"),
    path("analyses/<uuid:pk>/events", analyses.EventsOfAnalysis.as_view(), name="analysis-events"),
    path("analyses/<uuid:pk>/events/<int:number>", analyses.OneEvent.as_view(), name="event"),
    path("events", analyses.Events.as_view(), name="events"),
    path("live-events", live.LiveEvents.as_view(), name="live-events"),
    path("stores", surroundings.Stores.as_view(), name="stores"),
    path("cameras", surroundings.Cameras.as_view(), name="cameras"),
    path("models", surroundings.Models.as_view(), name="models"),
    path("models/<str:name>", surroundings.OneModel.as_view(), name="model"),
    path("predict", predict.Predict.as_view(), name="predict"),
    path("schema", docs.Schema.as_view(), name="schema"),
    path("docs", login_required(docs.Docs.as_view()), name="docs"),
    re_path("", docs.Nowhere.as_view(), name="nowhere"),
]
