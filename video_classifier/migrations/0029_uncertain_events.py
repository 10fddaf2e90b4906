"""The review queue shows hints before what is uncertain, and the dashboard counts them apart."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("video_classifier", "0028_versions"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="event",
            name="event_queue_by_score",
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="event_current",
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("waits_for", ""), _negated=True),
                fields=["is_hint", "score", "store", "id"],
                name="event_queue_by_score",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("is_current", True)),
                fields=["happened_at", "store", "verdict", "is_hint"],
                name="event_current",
            ),
        ),
    ]
