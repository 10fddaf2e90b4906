"""Where models lie that are in storage, and which numbers of versions were given."""

from __future__ import annotations

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("video_classifier", "0039_missed_verdict"),
    ]

    operations = [
        migrations.CreateModel(
            name="GivenNumber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(max_length=50, unique=True)),
                ("number", models.PositiveIntegerField()),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="StoredModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="As results name it.", max_length=50, unique=True),
                ),
                (
                    "token",
                    models.UUIDField(
                        default=uuid.uuid4, help_text="In the files' names.", unique=True
                    ),
                ),
                (
                    "files",
                    models.JSONField(
                        help_text="Size and SHA-256 of each, by its name in the folder."
                    ),
                ),
                (
                    "card",
                    models.JSONField(
                        help_text="As card.json has it: what lists say needs no file."
                    ),
                ),
                ("stored_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "version",
                    models.OneToOneField(
                        blank=True,
                        help_text="None: a model that was imported.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stored",
                        to="video_classifier.modelversion",
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("version", None), models.Q(("name__contains", "@"), _negated=True)
                            ),
                            models.Q(("name__contains", "@"), ("version__isnull", False)),
                            _connector="OR",
                        ),
                        name="storedmodel_version_is_named_as_one",
                    )
                ],
            },
        ),
    ]
