"""That a version of a model was deleted is in the audit log."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('video_classifier', '0042_waiting_clips'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('signed_in', 'Signed in'), ('sign_in_failed', 'Failed to sign in'), ('signed_out', 'Signed out'), ('sessions_ended', 'Ended sessions'), ('factor_on', 'Set a second factor up'), ('factor_off', 'Turned a second factor off'), ('factor_reset', "Reset somebody's second factor"), ('factor_passed', 'Gave the code of a second factor'), ('factor_failed', 'Gave a wrong code of a second factor'), ('recovery_used', 'Gave a recovery code'), ('recovery_made', 'Made recovery codes'), ('trashed', 'Moved to the trash'), ('restored', 'Restored from the trash'), ('purged', 'Deleted for good'), ('downloaded', 'Downloaded'), ('exported', 'Exported'), ('key_created', 'Created an API key'), ('key_revoked', 'Revoked an API key'), ('feed_added', 'Added a live camera'), ('feed_changed', 'Changed a live camera'), ('feed_removed', 'Removed a live camera'), ('feed_enabled', 'Had a camera watched live'), ('feed_disabled', 'Had a camera watched no longer'), ('alerts_on', "Switched a camera's alerts on"), ('alerts_off', "Switched a camera's alerts off"), ('channel_added', 'Added an alert channel'), ('channel_edited', 'Changed an alert channel'), ('channel_gone', 'Deleted an alert channel'), ('channel_tested', 'Sent a test alert'), ('alert_retried', 'Had an alert sent again'), ('reset_asked', 'Asked for a new password by e-mail'), ('reset_done', 'Chose a password by an e-mailed link'), ('account_added', 'Added an account'), ('account_edited', 'Changed an account'), ('account_gone', 'Deleted an account'), ('password_set', "Set somebody's password"), ('role_given', 'Added a role in a store'), ('role_taken', 'Removed a role in a store'), ('group_changed', "Changed a group's permissions"), ('viewed', 'Looked at footage'), ('reviewed', 'Answered a review'), ('case_opened', 'Opened a case'), ('case_changed', 'Changed a case'), ('case_closed', 'Closed a case'), ('case_deleted', 'Deleted a case'), ('case_exported', 'Had evidence exported'), ('measured', 'Measured a camera'), ('measure_ended', "Ended a camera's measure"), ('improve_asked', 'Had a model learn from reviews'), ('improve_ended', 'Stopped a model that was learning'), ('shadow_started', 'Had a version score in the shadow'), ('shadow_ended', "Ended a version's shadow"), ('activated', 'Changed the version of a model in use'), ('version_gone', 'Deleted a version of a model'), ('act_planted', 'Noted an act for a test'), ('act_removed', 'Deleted an act for a test'), ('retention_set', 'Changed how long footage is kept'), ('expired', 'Deleted when its time was over'), ('erased', 'Erased footage of a camera on request')], max_length=14),
        ),
    ]
