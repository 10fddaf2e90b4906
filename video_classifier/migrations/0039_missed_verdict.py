"""What somebody marked as missed is a verdict of its own, and not a confirmed hint.

And the history finds false alarms by their reason.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import Exists, OuterRef

VERDICTS = [
    ("confirmed", "Confirmed"),
    ("missed", "Missed"),
    ("false_alarm", "False alarm"),
    ("unsure", "Can't tell"),
    ("disputed", "Disputed"),
]


def name_missed(apps: Any, _: Any) -> None:
    """Of clips that are confirmed by marks alone; others are added up anew with the next answer."""
    review, event = (apps.get_model("video_classifier", name) for name in ("Review", "Event"))
    standing = review.objects.filter(clip=OuterRef("pk"), undone_by=None)
    events = event.objects.filter(analysis__clip=OuterRef("pk"))
    confirmed = apps.get_model("video_classifier", "Clip").objects.filter(verdict="confirmed")
    by_marks = confirmed.filter(
        Exists(standing.filter(answer="missed")),
        ~Exists(standing.filter(answer="confirmed")),
        ~Exists(events.filter(verdict="confirmed")),
    )
    by_marks.filter(Exists(events.filter(verdict="disputed", is_current=True))).update(
        verdict="disputed"
    )
    by_marks.update(verdict="missed")


def name_confirmed(apps: Any, _: Any) -> None:
    """As the version before calls them."""
    clips = apps.get_model("video_classifier", "Clip").objects
    clips.filter(verdict="missed").update(verdict="confirmed")


class Migration(migrations.Migration):
    dependencies = [
        ("video_classifier", "0038_request_heartbeats"),
    ]

    operations = [
        migrations.AlterField(
            model_name="candidatescore",
            name="verdict",
            field=models.CharField(
                blank=True,
                choices=VERDICTS,
                help_text="Of a clip that is deleted: what people said.",
                max_length=11,
            ),
        ),
        migrations.AlterField(
            model_name="clip",
            name="verdict",
            field=models.CharField(
                blank=True,
                choices=VERDICTS,
                editable=False,
                help_text="The gravest of its current events: confirmed, disputed, unsure, false "
                "alarm; without events, of the clip itself. Missed: marked where the model said "
                "nothing.",
                max_length=11,
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="verdict",
            field=models.CharField(
                blank=True,
                choices=VERDICTS,
                editable=False,
                help_text="None: no answer yet.",
                max_length=11,
            ),
        ),
        migrations.AlterField(
            model_name="eventcount",
            name="verdict",
            field=models.CharField(blank=True, choices=VERDICTS, max_length=11),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["reason", "clip"], name="review_by_reason"),
        ),
        migrations.RunPython(name_missed, name_confirmed),
    ]
