"""A store's own versions of a model, the jobs that make them, and which is in use."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
import video_classifier.models.jobs
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0027_measures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('signed_in', 'Signed in'), ('sign_in_failed', 'Failed to sign in'), ('signed_out', 'Signed out'), ('trashed', 'Moved to the trash'), ('restored', 'Restored from the trash'), ('purged', 'Deleted for good'), ('downloaded', 'Downloaded'), ('exported', 'Exported'), ('key_created', 'Created an API key'), ('key_revoked', 'Revoked an API key'), ('feed_added', 'Added a live camera'), ('feed_changed', 'Changed a live camera'), ('feed_removed', 'Removed a live camera'), ('feed_enabled', 'Had a camera watched live'), ('feed_disabled', 'Had a camera watched no longer'), ('alerts_on', "Switched a camera's alerts on"), ('alerts_off', "Switched a camera's alerts off"), ('channel_added', 'Added an alert channel'), ('channel_edited', 'Changed an alert channel'), ('channel_gone', 'Deleted an alert channel'), ('channel_tested', 'Sent a test alert'), ('alert_retried', 'Had an alert sent again'), ('reset_asked', 'Asked for a new password by e-mail'), ('reset_done', 'Chose a password by an e-mailed link'), ('viewed', 'Looked at footage'), ('reviewed', 'Answered a review'), ('case_opened', 'Opened a case'), ('case_changed', 'Changed a case'), ('case_closed', 'Closed a case'), ('case_deleted', 'Deleted a case'), ('case_exported', 'Had evidence exported'), ('measured', 'Measured a camera'), ('measure_ended', "Ended a camera's measure"), ('improve_asked', 'Had a model learn from reviews'), ('shadow_started', 'Had a version score in the shadow'), ('shadow_ended', "Ended a version's shadow"), ('activated', 'Changed the version of a model in use'), ('act_planted', 'Noted an act for a test'), ('act_removed', 'Deleted an act for a test'), ('retention_set', 'Changed how long footage is kept'), ('expired', 'Deleted when its time was over')], max_length=14),
        ),
        migrations.CreateModel(
            name='Improvement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
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
                ('model', models.CharField(help_text='A folder in models_storage.', max_length=50)),
                ('stage', models.CharField(blank=True, help_text='What it is busy with.', max_length=200)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('requested_by', models.ForeignKey(blank=True, db_index=False, help_text='Users take turns.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='improvements', to='video_classifier.store')),
            ],
            options={
                'ordering': ('-waiting_since',),
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ModelVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(help_text='A folder in models_storage.', max_length=50)),
                ('number', models.PositiveIntegerField(help_text="From 1; of all stores' versions of the model.")),
                ('state', models.CharField(choices=[('candidate', 'Candidate'), ('shadow', 'In the shadow'), ('active', 'In use'), ('retired', 'Retired')], default='candidate', editable=False, max_length=9)),
                ('sha256', models.CharField(help_text='Of its head.', max_length=64, verbose_name='SHA-256')),
                ('network_sha256', models.CharField(help_text='Of the network that the head belongs to.', max_length=64, verbose_name='network SHA-256')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('shadow_since', models.DateTimeField(blank=True, editable=False, null=True)),
                ('card', models.JSONField(default=dict, help_text='Cameras, days, reviewers, kappa, and figures paired with the model in use.')),
                ('improvement', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='made', to='video_classifier.improvement')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='model_versions', to='video_classifier.store')),
            ],
            options={
                'ordering': ('-number',),
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='Activation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(max_length=50)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('why', models.CharField(blank=True, help_text="In the manager's words.", max_length=500)),
                ('figures', models.JSONField(default=dict, help_text='Paired with what was in use before.')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='activations', to='video_classifier.store')),
                ('version', models.ForeignKey(blank=True, help_text='None: the model as it ships.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='activations', to='video_classifier.modelversion')),
            ],
            options={
                'ordering': ('-pk',),
                'default_permissions': ('view',),
            },
        ),
        migrations.AddIndex(
            model_name='improvement',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['requested_by', 'priority', 'waiting_since'], name='improvement_queue'),
        ),
        migrations.AddIndex(
            model_name='improvement',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['heartbeat_at'], name='improvement_running'),
        ),
        migrations.AddIndex(
            model_name='improvement',
            index=models.Index(condition=models.Q(('claimed_at__isnull', False)), fields=['requested_by', 'claimed_at'], name='improvement_turns'),
        ),
        migrations.AddConstraint(
            model_name='improvement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'running'), _negated=True), models.Q(models.Q(('heartbeat_at', None), _negated=True), models.Q(('claimed_at', None), _negated=True)), _connector='OR'), name='improvement_running_shows_life'),
        ),
        migrations.AddConstraint(
            model_name='improvement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'running'), _negated=True), models.Q(('deadline', None), _negated=True), _connector='OR'), name='improvement_running_has_a_deadline'),
        ),
        migrations.AddConstraint(
            model_name='improvement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='improvement_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.UniqueConstraint(fields=('model', 'number'), name='modelversion_number_stands_for_one'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'shadow')), fields=('store', 'model'), name='modelversion_in_the_shadow_is_alone'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('store', 'model'), name='modelversion_active_is_alone'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='modelversion_number_is_from_one'),
        ),
        migrations.AddIndex(
            model_name='activation',
            index=models.Index(fields=['store', 'model'], name='activation_of_store'),
        ),
    ]
