import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """By itself, as PostgreSQL alters no table in the transaction that filled it."""

    dependencies = [
        ('video_classifier', '0007_stores'),
    ]

    operations = [
        migrations.AlterField(
            model_name='clip',
            name='store',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clips', to='video_classifier.store'),
        ),
    ]
