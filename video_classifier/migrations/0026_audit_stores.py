"""Of which store an audit entry is, and indexes for the filters of its page."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("video_classifier", "0025_clip_by_verdict"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditentry",
            name="store",
            field=models.BigIntegerField(
                blank=True,
                help_text="Id of the store whose managers see it; none: nobody's.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["actor", "at", "id"], name="auditentry_by_actor"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["action", "at", "id"], name="auditentry_by_action"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["store", "at", "id"], name="auditentry_by_store"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["object_id", "at", "id"], name="auditentry_by_object"),
        ),
    ]
