"""The store of an analysis, in the indexes that lists are found by."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


FIELDS = {
    "analysis_history": ["queued_at", "id"],
    "analysis_by_status": ["status", "queued_at", "id"],
    "analysis_by_prediction": ["prediction", "queued_at", "id"],
    "analysis_by_score": ["score", "queued_at", "id"],
    "analysis_hints_by_score": ["prediction", "score", "queued_at", "id"],
    "analysis_by_model": ["model", "queued_at", "id"],
}


def copy_stores(apps: Any, schema_editor: Any) -> None:
    """From the clips, in one statement."""
    clips = apps.get_model("video_classifier", "Clip").objects.filter(pk=OuterRef("clip_id"))
    analyses = apps.get_model("video_classifier", "Analysis").objects
    analyses.update(store_id=Subquery(clips.values("store_id")))
    schema_editor.connection.check_constraints()


def store(**how: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        "video_classifier.store",
        django.db.models.deletion.PROTECT,
        related_name="+",
        editable=False,
        db_index=False,
        **how,
    )


class Migration(migrations.Migration):
    """The indexes go first: SQLite makes the table anew, and would make them with it."""

    dependencies = [
        ("video_classifier", "0016_segment_copies"),
    ]

    operations = [
        *(migrations.RemoveIndex(model_name="analysis", name=name) for name in FIELDS),
        migrations.AddField(model_name="analysis", name="store", field=store(null=True)),
        migrations.RunPython(copy_stores, migrations.RunPython.noop),
        migrations.AlterField(model_name="analysis", name="store", field=store()),
        *(
            migrations.AddIndex(
                model_name="analysis", index=models.Index(fields=[*fields, "store"], name=name)
            )
            for name, fields in FIELDS.items()
        ),
    ]
