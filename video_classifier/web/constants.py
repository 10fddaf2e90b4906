"""Constants that Python, templates and scripts share, defined here only.

Templates get one by `{% constant "NAME" %}`, scripts from a `data-` attribute of their root.
"""

from __future__ import annotations

from video_classifier.ml.contracts import SLACK

# Names of clips, in characters.
CLIP_NAME_LONGEST = 32  # a longer one is cut where there is no room,
CLIP_NAME_ENDING = 20  # but for so much: camera and time stand at the end

# In the place of a verdict, for those who aren't to know it yet.
SECOND_OPINION = "Somebody has answered; you are asked for a second opinion."
SECOND_OPINION_SHORT = "Second opinion"  # in a list

# How often a part of a page asks whether there is anything new.
ANALYSIS_EVERY = "1s"
COPY_EVERY = "2s"
HEAT_MAP_EVERY = "2s"
LIVE_ROWS_EVERY = "2s"
WALL_EVERY = "3s"
CAMERA_EVERY = "3s"
LEARNING_EVERY = "3s"
NEWS_EVERY = "10s"
QUEUE_EVERY = "10s"  # of the review queue, once nothing is left in it
CHANNEL_TEST_EVERY = "1s"
STILL_MILLISECONDS = 2000  # from one still of a live camera to the next
STREAM_RETRY_MILLISECONDS = 10_000  # until one is asked for again for which there was no room
STREAM_STUCK_MILLISECONDS = 10_000  # without a new picture, until it is asked for again
STREAM_LOOK_MILLISECONDS = 2000  # from look to look whether it still moves
STREAM_STRIP = 40  # pixels at its lower edge that change with the clock
RELOAD_SECONDS = 3  # of a whole page, without scripts
LIVE_ROWS_AT_ONCE = 40  # an address has its limits

# The tone of new hints, and how it is made louder.
TONE_HERTZ = 660
TONE_SECONDS = 0.16  # of each of its two notes
TONE_LATEST_MILLISECONDS = 2000  # a browser that waits for a click plays nothing later than that
VOLUME_LEAST = 10  # percent
VOLUME_USUAL = 50
VOLUME_STEP = 10
VOLUME_MOST = 100

# Moments in a clip, in seconds.
SAME_FRAME = SLACK
MOMENT_STEP = 0.001  # pages give moments to the millisecond, and may round them down
FRAMES_PER_SECOND = 25  # of a step from picture to picture, where nobody knows better
END_SLACK = 0.5  # so late a player may say that it came to the end of an event

# Of a picture's height: above a box, for its number to stand there and hide nobody.
NUMBER_ROOM = 0.13

# Zones of a camera's picture that are ignored, drawn by hand: in percent of the picture.
ZONE_STEP = 2  # of the crosshair, by an arrow key,
ZONE_SMALL_STEP = 0.5  # and with Shift
ZONE_CLOSE = 2  # so near to its first point a zone ends

# Pieces of an upload, in bytes: larger ones are fewer, of smaller ones less is sent again.
KILOBYTE = 1024
PIECE_BYTES = 8 * KILOBYTE**2
PIECE_LEAST = 256 * KILOBYTE  # after connections that were lost
RETRY_SECONDS_MOST = 30  # between two tries
CHECK_SECONDS = 2  # from look to look what became of it
MILLISECONDS = 1000  # of a second
