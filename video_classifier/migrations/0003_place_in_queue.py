from typing import Any

from django.db import migrations, models
from django.db.models import F
import django.utils.timezone


def wait_since_queued(apps: Any, _: Any) -> None:
    analyses = apps.get_model("video_classifier", "Analysis")
    analyses.objects.update(waiting_since=F("queued_at"))


class Migration(migrations.Migration):
    dependencies = [("video_classifier", "0002_persons")]

    operations = [
        migrations.AddField(
            model_name="analysis",
            name="waiting_since",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                help_text="Its place in the queue.",
            ),
        ),
        migrations.RunPython(wait_since_queued, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="analysis", name="analysis_queue"),
        migrations.AddIndex(
            model_name="analysis",
            index=models.Index(
                fields=["waiting_since", "id"],
                name="analysis_queue",
                condition=models.Q(status="queued"),
            ),
        ),
        migrations.RemoveIndex(model_name="heatmap", name="heat_map_queue"),
        migrations.RenameField(model_name="heatmap", old_name="queued_at", new_name="waiting_since"),
        migrations.AddIndex(
            model_name="heatmap",
            index=models.Index(
                fields=["waiting_since"],
                name="heat_map_queue",
                condition=models.Q(status="queued"),
            ),
        ),
    ]
