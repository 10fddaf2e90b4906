"""Reviews and their queue, cases, saved views and tags, retention, and seals of the audit log."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import video_classifier.models.jobs
from django.conf import settings
from django.db import migrations, models
from django.db.models import OuterRef, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils import timezone


def mark(apps: Any, schema_editor: Any) -> None:
    """What is known of rows there are: events of the last month wait for an answer.

    Older ones don't: a queue of thousands from before there was one would be of no use.
    """
    Analysis = apps.get_model("video_classifier", "Analysis")
    Event = apps.get_model("video_classifier", "Event")
    of_clip = Analysis.objects.filter(clip=OuterRef("clip")).order_by("-queued_at", "-pk")
    Analysis.objects.exclude(pk=Subquery(of_clip.values("pk")[:1])).update(is_latest=False)
    of_event = Analysis.objects.filter(pk=OuterRef("analysis_id"))
    Event.objects.update(store_id=Subquery(of_event.values("store_id")))
    recorded = Event.objects.filter(analysis__clip__recorded_at__isnull=False)
    Event.objects.update(happened_at=Subquery(of_event.values("clip__uploaded_at")))
    rows = recorded.values_list("pk", "start", "analysis__clip__recorded_at")
    for pk, start, at in rows.iterator():
        Event.objects.filter(pk=pk).update(happened_at=at + timedelta(seconds=start))
    # In one sort: a subquery for each event walks over all that is done, as SQLite plans it.
    newest_first = Window(RowNumber(), partition_by="clip", order_by=["-queued_at", "-pk"])
    done = Analysis.objects.filter(status="done", clip__trashed_at=None)
    latest = done.annotate(place=newest_first).filter(place=1)
    Event.objects.filter(analysis__in=latest.values("pk")).update(is_current=True)
    newest = timezone.now() - timedelta(days=30)
    waiting = Event.objects.filter(is_current=True, happened_at__gte=newest)
    waiting.update(waits_for="first")
    # PostgreSQL alters no table whose foreign keys are still to be checked.
    schema_editor.connection.check_constraints()


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('video_classifier', '0023_alerts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditSeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sealed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('first', models.BigIntegerField(help_text='Id of the first entry.')),
                ('last', models.BigIntegerField(help_text='Id of the last one.', unique=True)),
                ('count', models.PositiveIntegerField()),
                ('previous', models.CharField(blank=True, help_text='Hash of the seal before.', max_length=64)),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
            ],
            options={
                'ordering': ('id',),
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('state', models.CharField(choices=[('open', 'Open'), ('closed', 'Closed')], default='open', max_length=6)),
                ('loss', models.DecimalField(blank=True, decimal_places=2, help_text='If it is known.', max_digits=10, null=True)),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-opened_at',),
            },
        ),
        migrations.CreateModel(
            name='CaseExport',
            fields=[
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('paused', 'Paused'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=9)),
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
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('file', models.FileField(blank=True, upload_to='evidence/%Y/%m/')),
                ('size_bytes', models.PositiveBigIntegerField(blank=True, null=True)),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('has_originals', models.BooleanField(default=True, verbose_name='with the original files')),
                ('is_blurred', models.BooleanField(default=True, verbose_name='with everybody else blurred')),
                ('done', models.PositiveIntegerField(default=0, help_text='Events that are in it so far.')),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CaseItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.FloatField(default=0.0, help_text="Seconds since the clip's first picture.")),
                ('end', models.FloatField(blank=True, help_text="None: the clip's end.", null=True)),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='CaseNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(max_length=2000)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='Opened',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name_plural': 'opened',
            },
        ),
        migrations.CreateModel(
            name='Preferences',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='preferences', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('start_page', models.CharField(choices=[('upload', 'Upload'), ('dashboard', 'Dashboard'), ('review', 'Review'), ('history', 'History'), ('live', 'Live cameras')], default='upload', max_length=9)),
                ('has_keys', models.BooleanField(default=True, verbose_name='single keys work')),
            ],
            options={
                'verbose_name_plural': 'preferences',
            },
        ),
        migrations.CreateModel(
            name='Retention',
            fields=[
                ('store', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='retention', serialize=False, to='video_classifier.store')),
                ('ordinary', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='days without a hint')),
                ('waiting', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='days with a hint that nobody has answered, or nobody can tell')),
                ('false_alarm', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='days of false alarms')),
                ('confirmed', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='days of confirmed events')),
            ],
            options={
                'verbose_name_plural': 'retention',
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.FloatField(blank=True, help_text='Seconds; none: the whole clip.', null=True)),
                ('end', models.FloatField(blank=True, null=True)),
                ('answer', models.CharField(choices=[('confirmed', 'Confirmed'), ('false_alarm', 'False alarm'), ('unsure', "Can't tell"), ('missed', 'Missed'), ('withdrawn', 'Withdrawn')], max_length=11)),
                ('reason', models.CharField(blank=True, choices=[('own_item', 'Own bag or phone'), ('put_back', 'Put back'), ('staff', 'Staff'), ('nobody', 'Nobody there'), ('bad_box', 'Bad box'), ('other', 'Other')], max_length=8)),
                ('note', models.TextField(blank=True, max_length=2000)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('seconds', models.FloatField(blank=True, help_text='From when it was shown to the answer.', null=True)),
                ('is_blind', models.BooleanField(default=False, help_text='Neither score nor box was shown: it measures model and people.')),
                ('score', models.FloatField(blank=True, null=True)),
                ('threshold', models.FloatField(blank=True, null=True)),
                ('model', models.CharField(blank=True, max_length=50)),
                ('model_sha256', models.CharField(blank=True, max_length=64, verbose_name='model SHA-256')),
            ],
            options={
                'ordering': ('-id',),
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(choices=[('history', 'History'), ('review', 'Review queue')], max_length=7)),
                ('name', models.CharField(max_length=60)),
                ('query', models.TextField(blank=True, help_text='The filters, as in the address.', max_length=2000)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=30)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Visit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='analysis',
            name='is_latest',
            field=models.BooleanField(default=True, editable=False, help_text='Of its clip: the one that lists show.'),
        ),
        migrations.AddField(
            model_name='clip',
            name='verdict',
            field=models.CharField(blank=True, choices=[('confirmed', 'Confirmed'), ('false_alarm', 'False alarm'), ('unsure', "Can't tell"), ('disputed', 'Disputed')], editable=False, help_text="The gravest of its current events: confirmed, disputed, unsure, false alarm; without events, of the clip itself.", max_length=11),
        ),
        migrations.AddField(
            model_name='event',
            name='happened_at',
            field=models.DateTimeField(editable=False, help_text='Its start; of a clip whose time is unknown: of the upload.', null=True),
        ),
        migrations.AddField(
            model_name='event',
            name='is_current',
            field=models.BooleanField(default=False, editable=False, help_text='Of the latest result of its clip, which is not in the trash.'),
        ),
        migrations.AddField(
            model_name='event',
            name='store',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='video_classifier.store'),
        ),
        migrations.AddField(
            model_name='event',
            name='verdict',
            field=models.CharField(blank=True, choices=[('confirmed', 'Confirmed'), ('false_alarm', 'False alarm'), ('unsure', "Can't tell"), ('disputed', 'Disputed')], editable=False, help_text='None: no answer yet.', max_length=11),
        ),
        migrations.AddField(
            model_name='event',
            name='waits_for',
            field=models.CharField(blank=True, choices=[('first', 'A first answer'), ('second', "A second person's")], editable=False, help_text='None: for nobody.', max_length=6),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('signed_in', 'Signed in'), ('sign_in_failed', 'Failed to sign in'), ('signed_out', 'Signed out'), ('trashed', 'Moved to the trash'), ('restored', 'Restored from the trash'), ('purged', 'Deleted for good'), ('downloaded', 'Downloaded'), ('exported', 'Exported'), ('key_created', 'Created an API key'), ('key_revoked', 'Revoked an API key'), ('feed_added', 'Added a live camera'), ('feed_changed', 'Changed a live camera'), ('feed_removed', 'Removed a live camera'), ('feed_enabled', 'Had a camera watched live'), ('feed_disabled', 'Had a camera watched no longer'), ('alerts_on', "Switched a camera's alerts on"), ('alerts_off', "Switched a camera's alerts off"), ('channel_added', 'Added an alert channel'), ('channel_edited', 'Changed an alert channel'), ('channel_gone', 'Deleted an alert channel'), ('channel_tested', 'Sent a test alert'), ('alert_retried', 'Had an alert sent again'), ('reset_asked', 'Asked for a new password by e-mail'), ('reset_done', 'Chose a password by an e-mailed link'), ('viewed', 'Looked at footage'), ('reviewed', 'Answered a review'), ('case_opened', 'Opened a case'), ('case_changed', 'Changed a case'), ('case_closed', 'Closed a case'), ('case_deleted', 'Deleted a case'), ('case_exported', 'Had evidence exported'), ('retention_set', 'Changed how long footage is kept'), ('expired', 'Deleted when its time was over')], max_length=14),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="event",
            name="store",
            field=models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="video_classifier.store"),
        ),
        migrations.AlterField(
            model_name="event",
            name="happened_at",
            field=models.DateTimeField(editable=False, help_text="Its start; of a clip whose time is unknown: of the upload."),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('waits_for', ''), _negated=True), fields=['score', 'store', 'id'], name='event_queue_by_score'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('waits_for', ''), _negated=True), fields=['happened_at', 'store', 'id'], name='event_queue_by_time'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('is_current', True)), fields=['happened_at', 'store', 'verdict'], name='event_current'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('waits_for', ''), ('is_current', True), _connector='OR'), name='event_waits_only_if_current'),
        ),
        migrations.AddField(
            model_name='case',
            name='opened_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='case',
            name='store',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='video_classifier.store'),
        ),
        migrations.AddField(
            model_name='caseexport',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exports', to='video_classifier.case'),
        ),
        migrations.AddField(
            model_name='caseexport',
            name='requested_by',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Users take turns.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='caseitem',
            name='added_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='caseitem',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='video_classifier.case'),
        ),
        migrations.AddField(
            model_name='caseitem',
            name='clip',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='case_items', to='video_classifier.clip'),
        ),
        migrations.AddField(
            model_name='caseitem',
            name='event',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='case_items', to='video_classifier.event'),
        ),
        migrations.AddField(
            model_name='casenote',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='casenote',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='video_classifier.case'),
        ),
        migrations.AddField(
            model_name='casenote',
            name='item',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='notes', to='video_classifier.caseitem'),
        ),
        migrations.AddField(
            model_name='opened',
            name='by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='opened',
            name='clip',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='video_classifier.clip'),
        ),
        migrations.AddField(
            model_name='review',
            name='analysis',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reviews', to='video_classifier.analysis'),
        ),
        migrations.AddField(
            model_name='review',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reviews', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='review',
            name='clip',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='video_classifier.clip'),
        ),
        migrations.AddField(
            model_name='review',
            name='event',
            field=models.ForeignKey(blank=True, help_text='None: the clip, or a stretch of it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reviews', to='video_classifier.event'),
        ),
        migrations.AddField(
            model_name='review',
            name='undoes',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='undone_by', to='video_classifier.review'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='owner',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedview',
            name='shared_in',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to='video_classifier.store'),
        ),
        migrations.AddField(
            model_name='tag',
            name='clips',
            field=models.ManyToManyField(blank=True, related_name='tags', to='video_classifier.clip'),
        ),
        migrations.AddField(
            model_name='tag',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='video_classifier.store'),
        ),
        migrations.AddField(
            model_name='visit',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='visit',
            name='event',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='visits', to='video_classifier.event'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('state', 'open')), models.Q(('closed_at__isnull', False), ('state', 'closed')), _connector='OR'), name='case_is_closed_at_some_time'),
        ),
        migrations.AddIndex(
            model_name='caseexport',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['requested_by', 'priority', 'waiting_since'], name='caseexport_queue'),
        ),
        migrations.AddIndex(
            model_name='caseexport',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['heartbeat_at'], name='caseexport_running'),
        ),
        migrations.AddIndex(
            model_name='caseexport',
            index=models.Index(condition=models.Q(('claimed_at__isnull', False)), fields=['requested_by', 'claimed_at'], name='caseexport_turns'),
        ),
        migrations.AddConstraint(
            model_name='caseexport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'running'), _negated=True), models.Q(models.Q(('heartbeat_at', None), _negated=True), models.Q(('claimed_at', None), _negated=True)), _connector='OR'), name='caseexport_running_shows_life'),
        ),
        migrations.AddConstraint(
            model_name='caseexport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'running'), _negated=True), models.Q(('deadline', None), _negated=True), _connector='OR'), name='caseexport_running_has_a_deadline'),
        ),
        migrations.AddConstraint(
            model_name='caseexport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='caseexport_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='caseexport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'done'), _negated=True), models.Q(models.Q(('file', ''), _negated=True), ('finished_at__isnull', False)), _connector='OR'), name='caseexport_is_there_when_done'),
        ),
        migrations.AddConstraint(
            model_name='caseitem',
            constraint=models.UniqueConstraint(condition=models.Q(('event__isnull', False)), fields=('case', 'event'), name='caseitem_event_is_in_a_case_once'),
        ),
        migrations.AddConstraint(
            model_name='caseitem',
            constraint=models.UniqueConstraint(condition=models.Q(('event', None)), fields=('case', 'clip', 'start'), name='caseitem_stretch_is_in_a_case_once'),
        ),
        migrations.AddConstraint(
            model_name='caseitem',
            constraint=models.CheckConstraint(condition=models.Q(('start__gte', 0), models.Q(('end', None), ('end__gt', models.F('start')), _connector='OR')), name='caseitem_ends_after_its_start'),
        ),
        migrations.AddConstraint(
            model_name='opened',
            constraint=models.UniqueConstraint(fields=('by', 'clip'), name='opened_is_noted_once'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(fields=['by', 'at'], name='review_by_person'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(fields=['at', 'id'], name='review_by_time'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('end', None), ('start', None)), models.Q(('end__gt', models.F('start')), ('start__gte', 0)), _connector='OR'), name='review_stretch_has_a_start_and_an_end'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), ('answer', 'false_alarm'), _connector='OR'), name='review_reason_is_of_a_false_alarm'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer', 'withdrawn'), ('undoes__isnull', False)), models.Q(models.Q(('answer', 'withdrawn'), _negated=True), ('undoes', None)), _connector='OR'), name='review_withdraws_another'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer', 'missed'), _negated=True), models.Q(('event', None), ('start__isnull', False)), _connector='OR'), name='review_missed_is_of_a_stretch'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('owner', 'page', 'name'), name='savedview_name_is_unique', violation_error_message='You have a view of that name.'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.UniqueConstraint(fields=('store', 'name'), name='tag_name_is_unique_in_its_store', violation_error_message='There is a tag of that name in this store.'),
        ),
        migrations.AddConstraint(
            model_name='visit',
            constraint=models.UniqueConstraint(fields=('by', 'event'), name='visit_of_an_event_is_noted_once'),
        ),
    ]
