"""Clips of live events that wait for the storage."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0041_sealed_apps'),
    ]

    operations = [
        migrations.CreateModel(
            name='WaitingClip',
            fields=[
                ('live_event', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='waiting_clip', serialize=False, to='video_classifier.liveevent')),
                ('place', models.CharField(help_text='The folder of waiting clips, named after its machine.', max_length=100)),
                ('size_bytes', models.PositiveBigIntegerField(help_text='With what is kept beside it.')),
                ('waiting_since', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ('waiting_since', 'pk'),
                'default_permissions': ('view',),
            },
        ),
    ]
