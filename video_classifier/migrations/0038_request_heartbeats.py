"""A keyed request whose process died is known by its heartbeat."""

from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("video_classifier", "0037_appearance_of_windows"),
    ]

    operations = [
        migrations.AddField(
            model_name="repeatablerequest",
            name="heartbeat_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                help_text="When the process that works on it showed life.",
            ),
        ),
    ]
