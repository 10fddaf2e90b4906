"""The secrets of authenticator apps are sealed with SECRET_KEY, in the column in which they are.

On the way back a secret whose key is lost stops the migration: without it, its user would be let
in by password alone, or not at all.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

from video_classifier.models import seals

LOST = (
    "The secrets of these accounts' apps were sealed with another SECRET_KEY: {names}. Put it into "
    "SECRET_KEY_FALLBACKS, or run `manage.py reset_second_factor NAME` for each, and migrate again."
)


def seal(apps: Any, editor: Any) -> None:
    for device in apps.get_model("otp_totp", "TOTPDevice").objects.all():
        if not seals.is_sealed(device.key):
            device.key = seals.seal(bytes.fromhex(device.key), of=f"user {device.user_id}")
            device.save(update_fields=["key"])
    editor.connection.check_constraints()


def unseal(apps: Any, editor: Any) -> None:
    lost = []
    for device in apps.get_model("otp_totp", "TOTPDevice").objects.select_related("user"):
        try:
            device.key = seals.unseal(device.key, of=f"user {device.user_id}").hex()
        except seals.LostKeyError:
            lost.append(device.user.username)
        else:
            device.save(update_fields=["key"])
    if lost:
        raise RuntimeError(LOST.format(names=", ".join(sorted(set(lost)))))
    editor.connection.check_constraints()


class Migration(migrations.Migration):
    dependencies = [
        ("otp_totp", "0003_add_timestamps"),
        ("video_classifier", "0040_stored_models"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuthenticatorApp",
            fields=[],
            options={
                "verbose_name": "authenticator app",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("otp_totp.totpdevice",),
        ),
        migrations.RunPython(seal, unseal),
    ]
