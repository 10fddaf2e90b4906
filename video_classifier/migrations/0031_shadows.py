"""Scores of versions in the shadow wait with a segment until its analysis closes."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0030_account_actions'),
    ]

    operations = [
        migrations.AddField(
            model_name='segment',
            name='shadows',
            field=models.JSONField(blank=True, default=dict, editable=False, help_text="Until the analysis closes: by the SHA-256 of a head that scored along, the score of each window, by the number of its track, or 0."),
        ),
    ]
