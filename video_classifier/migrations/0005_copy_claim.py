import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("video_classifier", "0004_trash_and_audit")]

    operations = [
        migrations.AddField(
            model_name="clip",
            name="copy_due_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                help_text="No copy is tried before: one is under way, or failed a while ago.",
            ),
        ),
        migrations.RemoveIndex(model_name="clip", name="clip_copy_wanted"),
        migrations.AddIndex(
            model_name="clip",
            index=models.Index(
                fields=["copy_due_at", "id"],
                name="clip_copy_wanted",
                condition=models.Q(playback="wanted"),
            ),
        ),
    ]
