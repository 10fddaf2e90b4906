"""What the pages of the second factor ask."""

from __future__ import annotations

from django import forms


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        help_text="Six digits from your app, or one of your recovery codes.",
        widget=forms.TextInput({"autocomplete": "one-time-code", "autofocus": True}),
        error_messages={"required": "Type the code that your app shows."},
    )


class PasswordForm(forms.Form):
    """Before anything changes."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": "Type your password."},
    )
    instead_of = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)


class SetUpForm(PasswordForm):
    code = forms.CharField(
        label="Code that the app shows",
        max_length=40,
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={"required": "Type the code that your app shows."},
    )
    field_order = ("code", "password")
