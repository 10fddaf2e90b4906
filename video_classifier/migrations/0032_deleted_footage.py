"""Candidates remember what people said of clips that are deleted, and what only scored along."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0031_shadows'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='scoredtime',
            name='scoredtime_of_an_hour_is_one',
        ),
        migrations.AddField(
            model_name='candidatescore',
            name='file',
            field=models.CharField(blank=True, help_text='Of a recording that is deleted: its SHA-256.', max_length=64),
        ),
        migrations.AddField(
            model_name='candidatescore',
            name='is_hint',
            field=models.BooleanField(default=False, help_text='By the thresholds of then. It stays when the event is deleted.'),
        ),
        migrations.AddField(
            model_name='candidatescore',
            name='is_shadow',
            field=models.BooleanField(default=False, help_text='A version scored along, and decided nothing.', verbose_name='in the shadow'),
        ),
        migrations.AddField(
            model_name='candidatescore',
            name='verdict',
            field=models.CharField(blank=True, choices=[('confirmed', 'Confirmed'), ('false_alarm', 'False alarm'), ('unsure', "Can't tell"), ('disputed', 'Disputed')], help_text='Of a clip that is deleted: what people said.', max_length=11),
        ),
        migrations.AddField(
            model_name='scoredtime',
            name='file',
            field=models.CharField(blank=True, help_text='Of a recording that is deleted: its SHA-256.', max_length=64),
        ),
        migrations.AddField(
            model_name='scoredtime',
            name='is_shadow',
            field=models.BooleanField(default=False, help_text='A version scored along, and decided nothing.', verbose_name='in the shadow'),
        ),
        migrations.AddIndex(
            model_name='candidatescore',
            index=models.Index(condition=models.Q(('file', ''), _negated=True), fields=['file'], name='candidatescore_of_deleted'),
        ),
        migrations.AddIndex(
            model_name='candidatescore',
            index=models.Index(condition=models.Q(('verdict', ''), _negated=True), fields=['started_at'], name='candidatescore_answered'),
        ),
        migrations.AddIndex(
            model_name='scoredtime',
            index=models.Index(condition=models.Q(('file', ''), _negated=True), fields=['file'], name='scoredtime_of_deleted'),
        ),
        migrations.AddConstraint(
            model_name='scoredtime',
            constraint=models.UniqueConstraint(condition=models.Q(('is_live', True)), fields=('camera', 'start', 'model_sha256', 'detector_sha256', 'is_shadow'), name='scoredtime_of_an_hour_is_one'),
        ),
    ]
