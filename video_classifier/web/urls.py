"""The addresses of the pages and of the files they show."""

from __future__ import annotations

from django.urls import path

from video_classifier.web import views

app_name = "web"
urlpatterns = [
    path("", views.upload, name="upload"),
    path("uploads/", views.resumable_uploads, name="resumable-uploads"),
    path("uploads/<uuid:pk>/", views.resumable_upload, name="resumable-upload"),
    path("results/<uuid:pk>/", views.result, name="result"),
    path("results/<uuid:pk>/again/", views.again, name="again"),
    path("results/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("results/<uuid:pk>/pause/", views.pause, name="pause"),
    path("results/<uuid:pk>/resume/", views.resume, name="resume"),
    path("results/<uuid:pk>/events/<int:number>/", views.event, name="event"),
    path("results/<uuid:pk>/events/<int:number>/still.jpg", views.event_still, name="event-still"),
    path("results/<uuid:pk>/frames/<int:number>.jpg", views.frame, name="frame"),
    path("results/<uuid:pk>/tracks/<int:track>/<int:number>.jpg", views.crop, name="crop"),
    path("results/<uuid:pk>/heat-map/", views.heat_map, name="heat-map"),
    path("results/<uuid:pk>/heat-map/<int:number>.jpg", views.heat, name="heat"),
    path(
        "results/<uuid:pk>/events/<int:number>/download",
        views.event_download,
        name="event-download",
    ),
    path("clips/<uuid:pk>/file", views.clip_file, name="clip-file"),
    path("clips/<uuid:pk>/segments/<int:number>", views.segment_copy, name="segment-copy"),
    path("clips/<uuid:pk>/player/", views.player, name="player"),
    path("clips/<uuid:pk>/copy/", views.ask_for_copy, name="ask-for-copy"),
    path("clips/<uuid:pk>/delete/", views.delete_clip, name="delete-clip"),
    path("clips/<uuid:pk>/restore/", views.restore_clip, name="restore-clip"),
    path("clips/<uuid:pk>/purge/", views.purge_clip, name="purge-clip"),
    path("accounts/keys/", views.api_key_list, name="api-keys"),
    path("accounts/keys/<uuid:pk>/revoke/", views.revoke_api_key, name="revoke-api-key"),
    path("cameras/", views.camera_list, name="cameras"),
    path("cameras/new/", views.new_camera, name="new-camera"),
    path("cameras/duties/", views.camera_duties, name="camera-duties"),
    path("cameras/<int:pk>/settings/", views.camera_settings, name="camera-settings"),
    path("cameras/<int:pk>/test/", views.test_camera, name="test-camera"),
    path("cameras/<int:pk>/switch/", views.switch_camera, name="switch-camera"),
    path("cameras/<int:pk>/alerts/", views.switch_alerts, name="switch-alerts"),
    path("cameras/<int:pk>/delete/", views.delete_camera, name="delete-camera"),
    path("alerts/snapshots/<str:token>.jpg", views.alert_snapshot, name="alert-snapshot"),
    path("alerts/news/", views.news, name="news"),
    path("alerts/<uuid:pk>/", views.alert, name="alert"),
    path("trash/", views.trash_list, name="trash"),
    path("history/", views.history, name="history"),
    path("live/<slug:rows>/", views.live, name="live"),
    path("live/", views.wall, name="wall"),
    path("cameras/<int:pk>/", views.camera, name="camera"),
    path("cameras/<int:pk>/link/", views.camera_link, name="camera-link"),
    path("cameras/<int:pk>/still.jpg", views.camera_still, name="camera-still"),
    path("video/<int:pk>", views.video, name="video"),
    path("history.csv", views.export_csv, {"what": "history"}, name="history-csv"),
    path("history.xlsx", views.export_workbook, {"what": "history"}, name="history-xlsx"),
    path("events.csv", views.export_csv, {"what": "events"}, name="events-csv"),
    path("events.xlsx", views.export_workbook, {"what": "events"}, name="events-xlsx"),
]
