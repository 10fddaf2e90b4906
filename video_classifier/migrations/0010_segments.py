"""Analyses so far become one segment each, which is the job from now on; persons become tracks."""

from functools import partial
from typing import Any

import django.db.models.deletion
import django.utils.timezone
import video_classifier.models.jobs
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery

# What moves from an analysis to its segment, and back.
JOB = (
    *("status", "requested_by_id", "priority", "waiting_since", "not_before", "version"),
    *("worker", "attempts", "claimed_at", "heartbeat_at", "deadline", "error"),
)
MOVED = tuple(name for name in JOB if name not in ("status", "requested_by_id", "error"))
# What the segment has, too: the analysis is the sum of its segments.
RESULT = (
    *("score", "threshold", "reason", "model_sha256", "detector_sha256", "view", "tracks_found"),
    *("decided_by", "frame_times", "warnings"),
    *("seconds_reading", "seconds_finding", "seconds_classifying"),
)


def cut(apps: Any, schema_editor: Any) -> None:
    models, using = partial(apps.get_model, "video_classifier"), schema_editor.connection.alias
    analyses, segments = models("Analysis").objects.using(using), models("Segment").objects.using(using)
    segments.bulk_create(
        (
            models("Segment")(
                analysis=analysis,
                number=1,
                **{name: getattr(analysis, name) for name in (*JOB, *RESULT)},
            )
            for analysis in analyses.iterator(chunk_size=500)
        ),
        batch_size=500,
    )
    tracks = models("Track").objects.using(using)
    of_analysis = segments.filter(analysis=OuterRef("analysis")).values("pk")
    tracks.update(segment=Subquery(of_analysis[:1]), number_in_segment=F("number"))
    schema_editor.connection.check_constraints()  # or PostgreSQL would not change the tables now


def join(apps: Any, schema_editor: Any) -> None:
    """The analysis is the job again; of several segments the first stands for all."""
    models, using = partial(apps.get_model, "video_classifier"), schema_editor.connection.alias
    analyses, segments = models("Analysis").objects.using(using), models("Segment").objects.using(using)
    for segment in segments.filter(number=1).only("analysis_id", *MOVED).iterator(chunk_size=500):
        changes = {name: getattr(segment, name) for name in MOVED}
        analyses.filter(pk=segment.analysis_id).update(**changes)
    # Of which no run is left, though they say so: then it is a running row that needs one.
    begun = segments.filter(number=1, status="running").values("analysis")
    idle = analyses.filter(status="running").exclude(pk__in=begun)
    idle.update(status="queued", stage="", started_at=None)
    schema_editor.connection.check_constraints()


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0009_jobs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='analysis',
            name='detector_sha256',
            field=models.CharField(blank=True, help_text='Of the weights that found the people; empty for a model of whole pictures.', max_length=64, verbose_name='detector SHA-256'),
        ),
        migrations.AlterField(
            model_name='analysis',
            name='stage',
            field=models.CharField(blank=True, choices=[('reading', 'Reading'), ('finding', 'Looking for people'), ('classifying', 'Classifying')], max_length=11),
        ),
        migrations.RenameModel("Person", "Track"),
        migrations.AlterModelOptions("track", {"ordering": ("number",)}),
        migrations.RemoveConstraint("track", "person_number_stands_for_one"),
        migrations.RemoveConstraint("track", "person_number_is_from_one"),
        migrations.RemoveConstraint("track", "person_score_is_from_0_to_1"),
        migrations.AlterField(
            "track",
            "analysis",
            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tracks', to='video_classifier.analysis'),
        ),
        migrations.AlterField(
            "track",
            "number",
            models.PositiveSmallIntegerField(help_text='From 1, in order of segments and of appearance in them.'),
        ),
        migrations.RenameField("analysis", "persons_found", "tracks_found"),
        migrations.AlterField(
            "analysis",
            "tracks_found",
            models.PositiveSmallIntegerField(default=0, help_text='More than were looked at, if there were too many.'),
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=9)),
                ('priority', models.SmallIntegerField(default=0, help_text='Higher goes first.')),
                ('waiting_since', models.DateTimeField(default=django.utils.timezone.now, editable=False, help_text="Its place in the user's own queue.")),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now, editable=False, help_text='Until then a failed attempt rests.')),
                ('version', models.PositiveSmallIntegerField(default=video_classifier.models.jobs.job_version, editable=False, help_text='Of the code that queued it; a worker leaves jobs newer than itself alone.')),
                ('worker', models.CharField(blank=True, max_length=100)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('claimed_at', models.DateTimeField(blank=True, help_text='The last time: users take turns by it.', null=True)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('deadline', models.DateTimeField(blank=True, help_text='When the run at hand has to be over.', null=True)),
                ('error', models.TextField(blank=True)),
                ('score', models.FloatField(blank=True, help_text='Score, 0 to 1.', null=True)),
                ('threshold', models.FloatField(blank=True, help_text='From this score on: a hint at possible shoplifting.', null=True)),
                ('reason', models.TextField(blank=True, help_text='Why there is no result, and what to do: sentences for the uploader.')),
                ('model_sha256', models.CharField(blank=True, max_length=64, verbose_name='model SHA-256')),
                ('detector_sha256', models.CharField(blank=True, help_text='Of the weights that found the people; empty for a model of whole pictures.', max_length=64, verbose_name='detector SHA-256')),
                ('view', models.CharField(choices=[('frame', 'The whole picture'), ('person', 'Each person')], default='frame', help_text='What the model looks at.', max_length=6)),
                ('tracks_found', models.PositiveSmallIntegerField(default=0, help_text='More than were looked at, if there were too many.')),
                ('decided_by', models.PositiveSmallIntegerField(blank=True, help_text='The number of the track whose it is.', null=True, verbose_name='highest score')),
                ('frame_times', models.JSONField(blank=True, default=list, help_text='Seconds, one a frame.')),
                ('warnings', models.JSONField(blank=True, default=list, help_text='Sentences for the uploader.')),
                ('seconds_reading', models.FloatField(blank=True, null=True)),
                ('seconds_finding', models.FloatField(blank=True, null=True)),
                ('seconds_classifying', models.FloatField(blank=True, null=True)),
                ('number', models.PositiveSmallIntegerField(help_text='From 1, in order of time.')),
                ('start', models.FloatField(default=0.0, help_text="Seconds since the clip's first picture.")),
                ('end', models.FloatField(blank=True, help_text="Seconds; none: the clip's end.", null=True)),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.AddField(
            model_name='segment',
            name='analysis',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='video_classifier.analysis'),
        ),
        migrations.AddField(
            model_name='segment',
            name='requested_by',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Users take turns.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='segment',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['requested_by', 'priority', 'waiting_since'], name='segment_queue'),
        ),
        migrations.AddIndex(
            model_name='segment',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['heartbeat_at'], name='segment_running'),
        ),
        migrations.AddIndex(
            model_name='segment',
            index=models.Index(condition=models.Q(('claimed_at__isnull', False)), fields=['requested_by', 'claimed_at'], name='segment_turns'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'running'), _negated=True), models.Q(models.Q(('heartbeat_at', None), _negated=True), models.Q(('claimed_at', None), _negated=True)), _connector='OR'), name='segment_running_shows_life'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'running'), _negated=True), models.Q(('deadline', None), _negated=True), _connector='OR'), name='segment_running_has_a_deadline'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='segment_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(('score', None), ('score__range', (0, 1)), _connector='OR'), name='segment_score_is_from_0_to_1'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_by', None), ('view', 'frame')), models.Q(('decided_by__gte', 1), ('decided_by__isnull', False), ('view', 'person')), models.Q(('decided_by', None), ('score', None), ('view', 'person')), _connector='OR'), name='segment_score_is_a_tracks_in_its_view'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.UniqueConstraint(fields=('analysis', 'number'), name='segment_number_stands_for_one'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='segment_number_is_from_one'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(('start__gte', 0), models.Q(('end', None), ('end__gt', models.F('start')), _connector='OR')), name='segment_ends_after_its_start'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('status', 'done'), _negated=True), ('reason', ''), ('score', None)), models.Q(('score', None), ('status', 'done'), models.Q(('reason', ''), _negated=True)), models.Q(('reason', ''), ('status', 'done'), models.Q(('score', None), _negated=True), models.Q(('threshold', None), _negated=True)), _connector='OR'), name='segment_has_a_result_when_done_and_only_then'),
        ),
        migrations.AddField(
            "track",
            "segment",
            models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tracks', to='video_classifier.segment'),
        ),
        migrations.AddField(
            "track",
            "number_in_segment",
            models.PositiveSmallIntegerField(default=1, help_text='From 1, in order of appearance.'),
        ),
        migrations.AddField(
            model_name='analysis',
            name='threshold_origin',
            field=models.CharField(choices=[('model', "The model's own")], default='model', help_text='Where the threshold comes from.', max_length=6),
        ),
        migrations.RemoveConstraint(
            model_name='analysis',
            name='analysis_running_shows_life',
        ),
        migrations.RemoveConstraint(
            model_name='analysis',
            name='analysis_running_has_a_deadline',
        ),
        migrations.RemoveIndex(
            model_name='analysis',
            name='analysis_running',
        ),
        migrations.RemoveIndex(
            model_name='analysis',
            name='analysis_queue',
        ),
        migrations.RemoveIndex(
            model_name='analysis',
            name='analysis_turns',
        ),
        migrations.RunPython(cut, join),
        migrations.AlterField(
            "track",
            "segment",
            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tracks', to='video_classifier.segment'),
        ),
        migrations.AlterField(
            "track",
            "number_in_segment",
            models.PositiveSmallIntegerField(help_text='From 1, in order of appearance.'),
        ),
        migrations.AddConstraint(
            model_name='track',
            constraint=models.UniqueConstraint(fields=('analysis', 'number'), name='track_number_stands_for_one'),
        ),
        migrations.AddConstraint(
            model_name='track',
            constraint=models.UniqueConstraint(fields=('segment', 'number_in_segment'), name='track_number_in_segment_stands_for_one'),
        ),
        migrations.AddConstraint(
            model_name='track',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1), ('number_in_segment__gte', 1)), name='track_numbers_are_from_one'),
        ),
        migrations.AddConstraint(
            model_name='track',
            constraint=models.CheckConstraint(condition=models.Q(('score__range', (0, 1))), name='track_score_is_from_0_to_1'),
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='attempts',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='claimed_at',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='deadline',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='heartbeat_at',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='not_before',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='priority',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='version',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='waiting_since',
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='worker',
        ),
        migrations.AddIndex(
            model_name='analysis',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['started_at'], name='analysis_running'),
        ),
    ]
