"""A camera's own scores and thresholds, uncertain results, and acts that are planted for a test."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("video_classifier", "0026_audit_stores"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CandidateScore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(help_text="A folder.", max_length=50)),
                ("model_sha256", models.CharField(max_length=64, verbose_name="model SHA-256")),
                (
                    "detector_sha256",
                    models.CharField(blank=True, max_length=64, verbose_name="detector SHA-256"),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("score", models.FloatField(help_text="0 to 1: the mean of its best windows.")),
                (
                    "height",
                    models.FloatField(
                        blank=True,
                        help_text="Of the person, 0 to 1 of the picture's, as a median.",
                        null=True,
                    ),
                ),
                (
                    "clothing",
                    models.FloatField(
                        blank=True, help_text="How bright the clothes are, 0 to 1.", null=True
                    ),
                ),
                (
                    "light",
                    models.FloatField(
                        blank=True, help_text="How bright the whole picture is, 0 to 1.", null=True
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Measure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(help_text="A folder.", max_length=50)),
                ("model_sha256", models.CharField(max_length=64, verbose_name="model SHA-256")),
                (
                    "detector_sha256",
                    models.CharField(blank=True, max_length=64, verbose_name="detector SHA-256"),
                ),
                (
                    "made_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "budget",
                    models.FloatField(
                        help_text="At most so many on average.",
                        validators=[
                            django.core.validators.MinValueValidator(0.001),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="false hints a camera-day",
                    ),
                ),
                (
                    "thefts",
                    models.FloatField(
                        default=1.0,
                        help_text="So many of the highest scores a day may be thefts that nobody has noticed.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(20),
                        ],
                        verbose_name="thefts a day",
                    ),
                ),
                ("first_at", models.DateTimeField(help_text="Of the footage.")),
                ("last_at", models.DateTimeField()),
                ("seconds", models.FloatField(help_text="Of footage that was scored.")),
                (
                    "day_seconds",
                    models.FloatField(
                        help_text="What a day of this camera is: its hours, or 24 h."
                    ),
                ),
                (
                    "recordings",
                    models.PositiveIntegerField(
                        help_text="Files, and live hours, that it is made of."
                    ),
                ),
                ("candidates", models.PositiveIntegerField()),
                ("low", models.FloatField(help_text="Below this score: no hint.")),
                (
                    "high",
                    models.FloatField(
                        help_text="From this score on: a hint. Between both: uncertain."
                    ),
                ),
                (
                    "figures",
                    models.JSONField(
                        default=dict,
                        help_text="What the page says of it: intervals, the share of thefts noticed, and so on.",
                    ),
                ),
                (
                    "reference",
                    models.JSONField(
                        default=list,
                        help_text="Quantiles of the scores, for the comparison with later weeks.",
                    ),
                ),
                ("checked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "drift",
                    models.JSONField(
                        blank=True, default=dict, help_text="What the last check found."
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("replaced", "A newer measure"),
                            ("removed", "Somebody went back to the model's own threshold"),
                            ("model", "The camera has another model"),
                        ],
                        max_length=8,
                    ),
                ),
            ],
            options={
                "ordering": ("-made_at",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PlantedAct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "noted_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={
                "ordering": ("-started_at",),
            },
        ),
        migrations.CreateModel(
            name="ScoredTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(help_text="A folder.", max_length=50)),
                ("model_sha256", models.CharField(max_length=64, verbose_name="model SHA-256")),
                (
                    "detector_sha256",
                    models.CharField(blank=True, max_length=64, verbose_name="detector SHA-256"),
                ),
                ("is_live", models.BooleanField(default=False)),
                (
                    "start",
                    models.DateTimeField(
                        help_text="Of the recording; of live hours on the hour, UTC."
                    ),
                ),
                ("seconds", models.FloatField(default=0.0)),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.RemoveConstraint(
            model_name="analysis",
            name="analysis_prediction_has_a_score",
        ),
        migrations.RemoveConstraint(
            model_name="liveevent",
            name="liveevent_is_a_hint",
        ),
        migrations.AddField(
            model_name="analysis",
            name="low",
            field=models.FloatField(
                blank=True,
                help_text="From this score to the threshold: uncertain. None: the threshold decides alone.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="is_hint",
            field=models.BooleanField(default=True, help_text="Or uncertain."),
        ),
        migrations.AddField(
            model_name="liveevent",
            name="is_hint",
            field=models.BooleanField(
                default=True, help_text="Or uncertain: the score has not reached the threshold yet."
            ),
        ),
        migrations.AddField(
            model_name="liveevent",
            name="low",
            field=models.FloatField(
                blank=True,
                help_text="From this score to the threshold: uncertain. None: the threshold decides alone.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="prediction",
            field=models.CharField(
                blank=True,
                choices=[
                    ("hint", "Possible shoplifting"),
                    ("uncertain", "Uncertain"),
                    ("no_hint", "No hint"),
                    ("no_result", "No result"),
                ],
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="threshold_origin",
            field=models.CharField(
                choices=[("model", "The model's own"), ("camera", "Measured on its camera")],
                default="model",
                help_text="Where the threshold comes from.",
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("signed_in", "Signed in"),
                    ("sign_in_failed", "Failed to sign in"),
                    ("signed_out", "Signed out"),
                    ("trashed", "Moved to the trash"),
                    ("restored", "Restored from the trash"),
                    ("purged", "Deleted for good"),
                    ("downloaded", "Downloaded"),
                    ("exported", "Exported"),
                    ("key_created", "Created an API key"),
                    ("key_revoked", "Revoked an API key"),
                    ("feed_added", "Added a live camera"),
                    ("feed_changed", "Changed a live camera"),
                    ("feed_removed", "Removed a live camera"),
                    ("feed_enabled", "Had a camera watched live"),
                    ("feed_disabled", "Had a camera watched no longer"),
                    ("alerts_on", "Switched a camera's alerts on"),
                    ("alerts_off", "Switched a camera's alerts off"),
                    ("channel_added", "Added an alert channel"),
                    ("channel_edited", "Changed an alert channel"),
                    ("channel_gone", "Deleted an alert channel"),
                    ("channel_tested", "Sent a test alert"),
                    ("alert_retried", "Had an alert sent again"),
                    ("reset_asked", "Asked for a new password by e-mail"),
                    ("reset_done", "Chose a password by an e-mailed link"),
                    ("viewed", "Looked at footage"),
                    ("reviewed", "Answered a review"),
                    ("case_opened", "Opened a case"),
                    ("case_changed", "Changed a case"),
                    ("case_closed", "Closed a case"),
                    ("case_deleted", "Deleted a case"),
                    ("case_exported", "Had evidence exported"),
                    ("measured", "Measured a camera"),
                    ("measure_ended", "Ended a camera's measure"),
                    ("act_planted", "Noted an act for a test"),
                    ("act_removed", "Deleted an act for a test"),
                    ("retention_set", "Changed how long footage is kept"),
                    ("expired", "Deleted when its time was over"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddConstraint(
            model_name="liveevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("score__lte", 1),
                    ("threshold__gte", 0),
                    models.Q(
                        models.Q(("is_hint", True), ("score__gte", models.F("threshold"))),
                        models.Q(
                            ("is_hint", False),
                            ("score__gte", models.F("low")),
                            ("score__lt", models.F("threshold")),
                        ),
                        _connector="OR",
                    ),
                ),
                name="liveevent_is_a_hint_or_uncertain",
            ),
        ),
        migrations.AddField(
            model_name="candidatescore",
            name="camera",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="candidate_scores",
                to="video_classifier.camera",
            ),
        ),
        migrations.AddField(
            model_name="candidatescore",
            name="clip",
            field=models.ForeignKey(
                blank=True,
                help_text="The recording; none if it was watched live, or the recording is deleted.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="candidate_scores",
                to="video_classifier.clip",
            ),
        ),
        migrations.AddField(
            model_name="candidatescore",
            name="event",
            field=models.ForeignKey(
                blank=True,
                help_text="Of a recording, if it became one: its answers are this candidate's.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="video_classifier.event",
            ),
        ),
        migrations.AddField(
            model_name="candidatescore",
            name="live_event",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="video_classifier.liveevent",
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="camera",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="measures",
                to="video_classifier.camera",
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="made_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="analysis",
            name="measure",
            field=models.ForeignKey(
                blank=True,
                help_text="Of the camera, if its thresholds decided.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="video_classifier.measure",
            ),
        ),
        migrations.AddConstraint(
            model_name="analysis",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("prediction__in", ("hint", "uncertain", "no_hint")), _negated=True),
                    models.Q(
                        models.Q(("score", None), _negated=True),
                        models.Q(("threshold", None), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="analysis_prediction_has_a_score",
            ),
        ),
        migrations.AddConstraint(
            model_name="analysis",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("low", None), models.Q(("prediction", "uncertain"), _negated=True)),
                    models.Q(("low__gte", 0), ("low__lte", models.F("threshold"))),
                    _connector="OR",
                ),
                name="analysis_is_uncertain_between_two_thresholds",
            ),
        ),
        migrations.AddField(
            model_name="plantedact",
            name="camera",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="planted_acts",
                to="video_classifier.camera",
            ),
        ),
        migrations.AddField(
            model_name="plantedact",
            name="noted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="scoredtime",
            name="camera",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="scored_times",
                to="video_classifier.camera",
            ),
        ),
        migrations.AddField(
            model_name="scoredtime",
            name="clip",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="scored_times",
                to="video_classifier.clip",
            ),
        ),
        migrations.AddIndex(
            model_name="candidatescore",
            index=models.Index(
                fields=["camera", "model_sha256", "started_at"], name="candidatescore_of_camera"
            ),
        ),
        migrations.AddIndex(
            model_name="candidatescore",
            index=models.Index(fields=["started_at"], name="candidatescore_by_time"),
        ),
        migrations.AddConstraint(
            model_name="candidatescore",
            constraint=models.CheckConstraint(
                condition=models.Q(("score__range", (0, 1))), name="candidatescore_is_from_0_to_1"
            ),
        ),
        migrations.AddConstraint(
            model_name="candidatescore",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at__gte", models.F("started_at"))),
                name="candidatescore_ends_after_its_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="measure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("camera", "model_sha256", "detector_sha256"),
                name="measure_of_a_camera_holds_alone",
            ),
        ),
        migrations.AddConstraint(
            model_name="measure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("high__gte", models.F("low")), ("high__lte", 1), ("low__gte", 0)
                ),
                name="measure_low_is_not_above_high",
            ),
        ),
        migrations.AddConstraint(
            model_name="measure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end", ""), ("ended_at", None)),
                    models.Q(("ended_at__isnull", False), models.Q(("end", ""), _negated=True)),
                    _connector="OR",
                ),
                name="measure_ended_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="measure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("day_seconds__gt", 0),
                    ("last_at__gte", models.F("first_at")),
                    ("seconds__gt", 0),
                ),
                name="measure_rests_on_footage",
            ),
        ),
        migrations.AddConstraint(
            model_name="plantedact",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at__gt", models.F("started_at"))),
                name="plantedact_ends_after_its_start",
            ),
        ),
        migrations.AddIndex(
            model_name="scoredtime",
            index=models.Index(
                fields=["camera", "model_sha256", "start"], name="scoredtime_of_camera"
            ),
        ),
        migrations.AddIndex(
            model_name="scoredtime",
            index=models.Index(fields=["start"], name="scoredtime_by_time"),
        ),
        migrations.AddConstraint(
            model_name="scoredtime",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_live", True)),
                fields=("camera", "start", "model_sha256", "detector_sha256"),
                name="scoredtime_of_an_hour_is_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="scoredtime",
            constraint=models.CheckConstraint(
                condition=models.Q(("seconds__gte", 0)), name="scoredtime_has_passed"
            ),
        ),
    ]
