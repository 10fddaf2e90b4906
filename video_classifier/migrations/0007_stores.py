from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import video_classifier.models.cameras


def open_main(apps: Any, schema_editor: Any) -> None:
    """Everything that is here becomes the store "Main", in which everybody goes on working."""
    database = schema_editor.connection.alias
    app, label = settings.AUTH_USER_MODEL.split(".")
    users = apps.get_model(app, label).objects.using(database)
    stores = apps.get_model("video_classifier", "Store").objects.using(database)
    members = apps.get_model("video_classifier", "Membership")
    main = stores.create(name="Main")
    apps.get_model("video_classifier", "Clip").objects.using(database).update(store=main)
    members.objects.using(database).bulk_create(
        members(user_id=user, store=main, role=role)
        for user, is_staff in users.values_list("pk", "is_staff")
        for role in ("analyst", "reviewer", *(["manager"] if is_staff else []))
    )


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0006_predictions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Store',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('time_zone', models.CharField(default=video_classifier.models.cameras.default_time_zone, help_text='IANA name, such as Europe/Berlin.', max_length=64, validators=[video_classifier.models.cameras.validate_time_zone])),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Camera',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cameras', to='video_classifier.store')),
            ],
            options={
                'ordering': ('store__name', 'name'),
                'constraints': [models.UniqueConstraint(fields=('store', 'name'), name='camera_name_is_unique_in_its_store', violation_error_message='There is a camera of that name in this store.')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('analyst', 'Analyst'), ('reviewer', 'Reviewer'), ('manager', 'Manager')], max_length=8)),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='video_classifier.store')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('store__name', 'user__username', 'role'),
                'constraints': [models.UniqueConstraint(fields=('user', 'store', 'role'), name='membership_is_noted_once', violation_error_message='This user has that role in that store already.'), models.CheckConstraint(condition=models.Q(('role__in', ['analyst', 'reviewer', 'manager'])), name='membership_role_is_known')],
            },
        ),
        migrations.AddField(
            model_name='clip',
            name='camera',
            field=models.ForeignKey(blank=True, help_text="One of the store's.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clips', to='video_classifier.camera'),
        ),
        migrations.AddField(
            model_name='clip',
            name='store',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clips', to='video_classifier.store'),
        ),
        migrations.RunPython(open_main, migrations.RunPython.noop),
    ]
