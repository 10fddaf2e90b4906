"""Indexes of long lists: each says in the model who reads it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import migrations, models


TRIGRAMS = "pg_trgm"  # comes with PostgreSQL, but not each package of it has the contributed parts


def find_parts_of_names(apps: Any, schema_editor: Any) -> None:
    """An index of trigrams for the search in names, where PostgreSQL has that extension.

    SQLite goes through its index of names, which is quick enough; so is PostgreSQL without the
    extension with some ten thousand clips.
    """
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT installed_version IS NOT NULL OR "
            "(SELECT has_database_privilege(current_database(), 'CREATE')) "
            "FROM pg_available_extensions WHERE name = %s",
            [TRIGRAMS],
        )
        if cursor.fetchone() not in (None, (False,)):
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {TRIGRAMS}")
            cursor.execute(
                "CREATE INDEX clip_trigrams ON video_classifier_clip "
                "USING gin (UPPER(name::text) gin_trgm_ops)"
            )


def forget_parts_of_names(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS clip_trigrams")


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0013_uploads'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='analysis',
            name='analysis_history',
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['queued_at', 'id'], name='analysis_history'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['status', 'queued_at', 'id'], name='analysis_by_status'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['prediction', 'queued_at', 'id'], name='analysis_by_prediction'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['score', 'queued_at', 'id'], name='analysis_by_score'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['prediction', 'score', 'queued_at', 'id'], name='analysis_hints_by_score'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['model', 'queued_at', 'id'], name='analysis_by_model'),
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(fields=['requested_by', 'queued_at', 'id'], name='analysis_by_requester'),
        ),
        migrations.AddIndex(
            model_name='clip',
            index=models.Index(fields=['uploaded_at', 'id'], name='clip_by_upload'),
        ),
        migrations.AddIndex(
            model_name='clip',
            index=models.Index(fields=['name', 'store', 'trashed_at', 'id'], name='clip_by_name'),
        ),
        migrations.AddIndex(
            model_name='clip',
            index=models.Index(fields=['uploaded_by', 'store', 'trashed_at'], name='clip_by_uploader'),
        ),
        migrations.RunPython(find_parts_of_names, forget_parts_of_names),
    ]
