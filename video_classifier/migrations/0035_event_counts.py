"""Events are counted by day, so that the dashboard needs not count a year of them."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0034_erased_footage'),
    ]

    operations = [
        migrations.CreateModel(
            name='CountedStore',
            fields=[
                ('store', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='counted', serialize=False, to='video_classifier.store')),
                ('time_zone', models.CharField(max_length=64)),
                ('since', models.DateField()),
            ],
            options={
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='ChangedEvents',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first', models.DateTimeField()),
                ('last', models.DateTimeField()),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changed_events', to='video_classifier.store')),
            ],
            options={
                'verbose_name_plural': 'changed events',
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='EventCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('model', models.CharField(max_length=50)),
                ('verdict', models.CharField(blank=True, choices=[('confirmed', 'Confirmed'), ('false_alarm', 'False alarm'), ('unsure', "Can't tell"), ('disputed', 'Disputed')], max_length=11)),
                ('is_hint', models.BooleanField()),
                ('events', models.PositiveIntegerField()),
                ('camera', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='video_classifier.camera')),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='video_classifier.store')),
            ],
            options={
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['store', 'day'], name='eventcount_of_a_day')],
            },
        ),
    ]
