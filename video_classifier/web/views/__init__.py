"""Thin functions from a request to a page, a part of a page, or a file."""

from __future__ import annotations

from video_classifier.web.views.alert_log import alert_log, retry_delivery
from video_classifier.web.views.alert_snapshots import alert_snapshot
from video_classifier.web.views.answers import answers
from video_classifier.web.views.api_keys import api_key_list, revoke_api_key
from video_classifier.web.views.audit_log import audit_csv, audit_log
from video_classifier.web.views.bulk import bulk, undo_bulk
from video_classifier.web.views.cameras import (
    camera_duties,
    camera_list,
    camera_settings,
    delete_camera,
    new_camera,
    switch_alerts,
    switch_camera,
    test_camera,
)
from video_classifier.web.views.case_exports import case_export, delete_case_export, export_case
from video_classifier.web.views.cases import (
    case,
    case_list,
    case_settings,
    clip_to_case,
    delete_case,
    event_to_case,
    new_case,
    note_on_case,
    remove_from_case,
    switch_case,
)
from video_classifier.web.views.channels import (
    channel_kinds,
    channel_list,
    channel_settings,
    delete_channel,
    new_channel,
    renew_channel_key,
    switch_channel,
    test_channel,
)
from video_classifier.web.views.clips import ask_for_copy, clip_file, player, segment_copy
from video_classifier.web.views.dashboard import dashboard, dashboard_csv
from video_classifier.web.views.event_files import event_download
from video_classifier.web.views.events import event, event_still
from video_classifier.web.views.evidence import crop, frame, heat, heat_map
from video_classifier.web.views.exports import export_csv, export_workbook
from video_classifier.web.views.history import history
from video_classifier.web.views.live import live
from video_classifier.web.views.live_pages import camera, camera_link, camera_still, wall
from video_classifier.web.views.measures import (
    end_measure,
    measure,
    plant_act,
    remove_act,
    restore_act,
)
from video_classifier.web.views.news import alert, news
from video_classifier.web.views.personal_data import (
    erase_requested_footage,
    export_requested_footage,
    personal_data_page,
    requested_footage,
)
from video_classifier.web.views.preferences import preferences
from video_classifier.web.views.results import again, cancel, pause, result, resume
from video_classifier.web.views.resumable import resumable_upload, resumable_uploads
from video_classifier.web.views.retention import retention_settings, retention_stores
from video_classifier.web.views.review import (
    review,
    review_reason,
    reviews_left,
    undo_review,
    waiting,
)
from video_classifier.web.views.saved_views import delete_view, save_view, view_counts
from video_classifier.web.views.second_factor import (
    check_second_factor,
    new_recovery_codes,
    second_factor_page,
    second_factor_picture,
    set_up_second_factor,
    turn_off_second_factor,
)
from video_classifier.web.views.sessions import end_other_sessions, end_session, session_list
from video_classifier.web.views.tags import tag_clip
from video_classifier.web.views.trash import delete_clip, purge_clip, restore_clip, trash_list
from video_classifier.web.views.uploads import retry, upload
from video_classifier.web.views.versions import (
    activate_version,
    cancel_improvement,
    delete_version,
    roll_back_version,
    shadow_version,
    version,
    versions,
)
from video_classifier.web.views.video import video

__all__ = [
    "activate_version",
    "again",
    "alert",
    "alert_log",
    "alert_snapshot",
    "answers",
    "api_key_list",
    "ask_for_copy",
    "audit_csv",
    "audit_log",
    "bulk",
    "camera",
    "camera_duties",
    "camera_link",
    "camera_list",
    "camera_settings",
    "camera_still",
    "cancel",
    "cancel_improvement",
    "case",
    "case_export",
    "case_list",
    "case_settings",
    "channel_kinds",
    "channel_list",
    "channel_settings",
    "check_second_factor",
    "clip_file",
    "clip_to_case",
    "crop",
    "dashboard",
    "dashboard_csv",
    "delete_camera",
    "delete_case",
    "delete_case_export",
    "delete_channel",
    "delete_clip",
    "delete_version",
    "delete_view",
    "end_measure",
    "end_other_sessions",
    "end_session",
    "erase_requested_footage",
    "event",
    "event_download",
    "event_still",
    "event_to_case",
    "export_case",
    "export_csv",
    "export_requested_footage",
    "export_workbook",
    "frame",
    "heat",
    "heat_map",
    "history",
    "live",
    "measure",
    "new_camera",
    "new_case",
    "new_channel",
    "new_recovery_codes",
    "news",
    "note_on_case",
    "pause",
    "personal_data_page",
    "plant_act",
    "player",
    "preferences",
    "purge_clip",
    "remove_act",
    "remove_from_case",
    "renew_channel_key",
    "requested_footage",
    "restore_act",
    "restore_clip",
    "result",
    "resumable_upload",
    "resumable_uploads",
    "resume",
    "retention_settings",
    "retention_stores",
    "retry",
    "retry_delivery",
    "review",
    "review_reason",
    "reviews_left",
    "revoke_api_key",
    "roll_back_version",
    "save_view",
    "second_factor_page",
    "second_factor_picture",
    "segment_copy",
    "session_list",
    "set_up_second_factor",
    "shadow_version",
    "switch_alerts",
    "switch_camera",
    "switch_case",
    "switch_channel",
    "tag_clip",
    "test_camera",
    "test_channel",
    "trash_list",
    "turn_off_second_factor",
    "undo_bulk",
    "undo_review",
    "upload",
    "version",
    "versions",
    "video",
    "view_counts",
    "waiting",
    "wall",
]
