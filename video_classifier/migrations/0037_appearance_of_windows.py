"""How bright clothes and pictures are in each window is kept until an analysis closes."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("video_classifier", "0036_cancelled_improvements"),
    ]

    operations = [
        migrations.AddField(
            model_name="segment",
            name="appearance",
            field=models.JSONField(blank=True, default=dict, editable=False, help_text="Until the analysis closes: how bright clothes and picture are in each window, 0 to 1, by the number of its track, or 0."),
        ),
    ]
