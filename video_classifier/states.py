"""The words for where an analysis is, and for what it came to."""

from __future__ import annotations

from django.db import models

from video_classifier.ml.contracts import Region as MlRegion
from video_classifier.ml.contracts import Stage as MlStage


class Status(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"  # by somebody; goes on where it stopped when they say so
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"  # by somebody, or with its clip, which is in the trash


class Stage(models.TextChoices):
    """What a running analysis is busy with."""

    READING = MlStage.READING.value, "Reading"
    FINDING = MlStage.FINDING.value, "Looking for people"
    CLASSIFYING = MlStage.CLASSIFYING.value, "Classifying"


class View(models.TextChoices):
    """What a model looks at."""

    FRAME = MlRegion.FRAME.value, "The whole picture"
    PERSON = MlRegion.PERSON.value, "Each person"


class Prediction(models.TextChoices):
    """A hint for a person who looks, never an accusation; or none; or nothing to judge."""

    HINT = "hint", "Possible shoplifting"
    UNCERTAIN = "uncertain", "Uncertain"  # between both thresholds of a camera's own measure
    NO_HINT = "no_hint", "No hint"
    NO_RESULT = "no_result", "No result"


class ThresholdOrigin(models.TextChoices):
    """Which threshold decides between a hint and none."""

    MODEL = "model", "The model's own"
    CAMERA = "camera", "Measured on its camera"


class EndOfMeasure(models.TextChoices):
    """Why the thresholds of a camera's measure hold no longer."""

    REPLACED = "replaced", "A newer measure"
    REMOVED = "removed", "Somebody went back to the model's own threshold"
    MODEL = "model", "The camera has another model"


class Playback(models.TextChoices):
    """How a browser gets to show a clip."""

    ORIGINAL = "original", "The file as uploaded"
    WANTED = "wanted", "A copy is still to be made"
    COPY = "copy", "A copy that browsers play"
    SEGMENTS = "segments", "A copy of each segment"  # made or not: the copies say
    NONE = "none", "Download only"


class VersionState(models.TextChoices):
    """Where a store's own version of a model is on its way."""

    CANDIDATE = "candidate", "Candidate"  # made, and measured on what it has not seen
    SHADOW = "shadow", "In the shadow"  # scores along, and decides nothing
    ACTIVE = "active", "In use"
    RETIRED = "retired", "Retired"  # results may name it


IN_USE = (VersionState.ACTIVE, VersionState.SHADOW)  # they score


class RecordedFrom(models.TextChoices):
    """How it is known when a clip was recorded."""

    GIVEN = "given", "As given at the upload"
    NAME = "name", "From the file's name"
    FILE = "file", "From the file itself, whose clock may be off"
    LIVE = "live", "By this server's clock, as the pictures came in"


class UploadStatus(models.TextChoices):
    """Where a file is that comes in piece by piece."""

    RECEIVING = "receiving", "Arriving"
    CHECKING = "checking", "Being checked"  # all bytes are there
    ACCEPTED = "accepted", "Accepted"
    REFUSED = "refused", "Refused"  # or in the trash already; its bytes are gone


class Origin(models.TextChoices):
    """Where a clip came from."""

    UPLOAD = "upload", "Uploaded"
    EVENT = "event", "An event of a live camera"
    SAMPLE = "sample", "Ten ordinary seconds of a live camera, drawn at random"


class FeedState(models.TextChoices):
    """How a camera fares that is watched live."""

    OFF = "off", "Off"  # by its settings, or no watcher runs
    CONNECTING = "connecting", "Connecting"
    ONLINE = "online", "Live"
    FAULTY = "faulty", "Offline"


class Fault(models.TextChoices):
    """Why a camera gives no pictures that could be scored; services.feeds says what to do."""

    ADDRESS = "address", "The address is not allowed"
    NAME = "name", "The name is not found"
    REFUSED = "refused", "No connection"
    PASSWORD = "password", "The password is wrong"
    NO_DATA = "no_data", "It sends nothing"
    STALLED = "stalled", "The pictures stopped"
    NO_VIDEO = "no_video", "There is no video in it"
    NO_KEYFRAME = "no_keyframe", "No keyframe for 10 s"
    CLOCK = "clock", "Its clock jumps"
    SIZE = "size", "The resolution changed"
    TOO_LARGE = "too_large", "The pictures are too large"
    REDIRECT = "redirect", "It sends us elsewhere"
    MODEL = "model", "The model can't be used"
    DISK = "disk", "The disk is full"
    BROKEN = "broken", "Something broke on our side"


class Closing(models.TextChoices):
    """Why a live event ended."""

    GONE = "gone", "Nothing more was seen"
    LONGEST = "longest", "It reached the longest that an event may last"
    CUT_OFF = "cut_off", "The camera stopped"


class ChannelKind(models.TextChoices):
    """How a channel's messages travel."""

    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    APPRISE = "apprise", "Another service"  # that Apprise speaks to


class AlertKind(models.TextChoices):
    """What somebody may have to know."""

    LIVE = "live", "Possible shoplifting"  # just now, by a live camera
    RECORDING = "recording", "Possible shoplifting in a recording"
    OFFLINE = "offline", "Camera offline"
    BACK = "back", "Camera back"
    DISK = "disk", "Disk nearly full"
    TEST = "test", "Test"


class Gathering(models.TextChoices):
    """Why alerts are sent together."""

    QUIET = "quiet", "Held back in quiet hours"
    FLOOD = "flood", "Many in a short time"


class Suppression(models.TextChoices):
    """Why an alert isn't sent by itself."""

    DIGEST = "digest", "In a digest"
    CAMERA = "camera", "Too soon after another of the camera"
    CHANNEL = "channel", "Too soon after another on the channel"
    TRASHED = "trashed", "Its clip is in the trash"
    GONE = "gone", "What it told of is deleted"
    OFF = "off", "The channel was switched off"
    DELETED = "deleted", "The channel was deleted"


class Role(models.TextChoices):
    """What a member of a store may do there; docs/access.md has the table."""

    ANALYST = "analyst", "Analyst"  # uploads and analyzes clips
    REVIEWER = "reviewer", "Reviewer"  # looks at results
    MANAGER = "manager", "Manager"  # as an analyst, and deletes and restores every clip


class Action(models.TextChoices):
    """What the audit log notes."""

    SIGNED_IN = "signed_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Failed to sign in"
    SIGNED_OUT = "signed_out", "Signed out"
    SESSIONS_ENDED = "sessions_ended", "Ended sessions"
    FACTOR_ON = "factor_on", "Set a second factor up"
    FACTOR_OFF = "factor_off", "Turned a second factor off"
    FACTOR_RESET = "factor_reset", "Reset somebody's second factor"
    FACTOR_PASSED = "factor_passed", "Gave the code of a second factor"
    FACTOR_FAILED = "factor_failed", "Gave a wrong code of a second factor"
    RECOVERY_USED = "recovery_used", "Gave a recovery code"
    RECOVERY_MADE = "recovery_made", "Made recovery codes"
    TRASHED = "trashed", "Moved to the trash"
    RESTORED = "restored", "Restored from the trash"
    PURGED = "purged", "Deleted for good"
    DOWNLOADED = "downloaded", "Downloaded"
    EXPORTED = "exported", "Exported"
    KEY_CREATED = "key_created", "Created an API key"
    KEY_REVOKED = "key_revoked", "Revoked an API key"
    FEED_ADDED = "feed_added", "Added a live camera"
    FEED_CHANGED = "feed_changed", "Changed a live camera"
    FEED_REMOVED = "feed_removed", "Removed a live camera"
    FEED_ENABLED = "feed_enabled", "Had a camera watched live"
    FEED_DISABLED = "feed_disabled", "Had a camera watched no longer"
    ALERTS_ON = "alerts_on", "Switched a camera's alerts on"
    ALERTS_OFF = "alerts_off", "Switched a camera's alerts off"
    CHANNEL_ADDED = "channel_added", "Added an alert channel"
    CHANNEL_CHANGED = "channel_edited", "Changed an alert channel"
    CHANNEL_REMOVED = "channel_gone", "Deleted an alert channel"
    CHANNEL_TESTED = "channel_tested", "Sent a test alert"
    DELIVERY_RETRIED = "alert_retried", "Had an alert sent again"
    RESET_ASKED = "reset_asked", "Asked for a new password by e-mail"
    RESET_DONE = "reset_done", "Chose a password by an e-mailed link"
    ACCOUNT_ADDED = "account_added", "Added an account"
    ACCOUNT_CHANGED = "account_edited", "Changed an account"
    ACCOUNT_REMOVED = "account_gone", "Deleted an account"
    PASSWORD_SET = "password_set", "Set somebody's password"
    ROLE_GIVEN = "role_given", "Added a role in a store"
    ROLE_TAKEN = "role_taken", "Removed a role in a store"
    GROUP_CHANGED = "group_changed", "Changed a group's permissions"
    VIEWED = "viewed", "Looked at footage"
    REVIEWED = "reviewed", "Answered a review"
    CASE_OPENED = "case_opened", "Opened a case"
    CASE_CHANGED = "case_changed", "Changed a case"
    CASE_CLOSED = "case_closed", "Closed a case"
    CASE_DELETED = "case_deleted", "Deleted a case"
    CASE_EXPORTED = "case_exported", "Had evidence exported"
    MEASURED = "measured", "Measured a camera"
    MEASURE_ENDED = "measure_ended", "Ended a camera's measure"
    IMPROVEMENT_ASKED = "improve_asked", "Had a model learn from reviews"
    IMPROVEMENT_CANCELLED = "improve_ended", "Stopped a model that was learning"
    SHADOW_STARTED = "shadow_started", "Had a version score in the shadow"
    SHADOW_ENDED = "shadow_ended", "Ended a version's shadow"
    VERSION_ACTIVATED = "activated", "Changed the version of a model in use"
    VERSION_DELETED = "version_gone", "Deleted a version of a model"
    ACT_PLANTED = "act_planted", "Noted an act for a test"
    ACT_REMOVED = "act_removed", "Deleted an act for a test"
    RETENTION_CHANGED = "retention_set", "Changed how long footage is kept"
    EXPIRED = "expired", "Deleted when its time was over"
    ERASED = "erased", "Erased footage of a camera on request"


class Answer(models.TextChoices):
    """What a person says of an event, or of a clip. Never of a person."""

    CONFIRMED = "confirmed", "Confirmed"
    FALSE_ALARM = "false_alarm", "False alarm"  # of a blind look: nothing of the kind
    UNSURE = "unsure", "Can't tell"
    MISSED = "missed", "Missed"  # a stretch in which the model said nothing
    WITHDRAWN = "withdrawn", "Withdrawn"  # what the same person said before


AT_THE_DESK = (Answer.CONFIRMED, Answer.FALSE_ALARM, Answer.UNSURE)


class Reason(models.TextChoices):
    """Why it was a false alarm."""

    OWN_ITEM = "own_item", "Own bag or phone"
    PUT_BACK = "put_back", "Put back"
    STAFF = "staff", "Staff"
    NOBODY = "nobody", "Nobody there"
    BAD_BOX = "bad_box", "Bad box"
    OTHER = "other", "Other"


class Verdict(models.TextChoices):
    """What the answers to an event or clip come to; none as long as nobody has answered."""

    CONFIRMED = "confirmed", "Confirmed"
    MISSED = "missed", "Missed"  # of clips alone: marked where the model said nothing
    FALSE_ALARM = "false_alarm", "False alarm"
    UNSURE = "unsure", "Can't tell"
    DISPUTED = "disputed", "Disputed"  # people disagree


# Somebody saw possible shoplifting, and nobody disagrees.
SEEN = frozenset({Verdict.CONFIRMED, Verdict.MISSED})


class Turn(models.TextChoices):
    """Whose answer an event in the review queue waits for; none if it isn't in it."""

    FIRST = "first", "A first answer"
    SECOND = "second", "A second person's"


class StartPage(models.TextChoices):
    """Where somebody arrives after signing in."""

    UPLOAD = "upload", "Upload"
    DASHBOARD = "dashboard", "Dashboard"
    REVIEW = "review", "Review"
    HISTORY = "history", "History"
    LIVE = "live", "Live cameras"


class ListPage(models.TextChoices):
    """Lists whose filters can be saved as a view."""

    HISTORY = "history", "History"
    REVIEW = "review", "Review queue"


class CaseState(models.TextChoices):
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class Scope(models.TextChoices):
    """What an API key is good for, as far as its user may do it; docs/api-keys.md has the list."""

    READ = "results:read", "Read clips, analyses and events"
    WRITE = "clips:write", "Upload clips, have them analyzed, and delete them"
