"""The site's addresses; those of the application are in video_classifier.web.urls."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from shoplift_site import passwords
from shoplift_site.health import healthz, readyz
from shoplift_site.metrics import metrics
from shoplift_site.start_page import SignInView
from video_classifier.api.views import predict
from video_classifier.http.forms import NewPasswordForm
from video_classifier.http.limits import limited
from video_classifier.services import limits
from video_classifier.web.views.catalogue import components

signing_in = limited(limits.SIGN_INS, methods=("POST",))  # each takes a hash that is slow
# Its secrets are nobody's to see or to set: services.second_factor has the last word.
for device in (TOTPDevice, StaticDevice):
    if admin.site.is_registered(device):
        admin.site.unregister(device)

handler500 = "shoplift_site.errors.broken"

urlpatterns = [
    path("", include("video_classifier.web.urls")),
    path("accounts/login/", signing_in(SignInView.as_view()), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path(
        "accounts/password/",
        signing_in(auth.PasswordChangeView.as_view(form_class=NewPasswordForm)),
        name="password_change",
    ),
    path(
        "accounts/password/done/",
        auth.PasswordChangeDoneView.as_view(),
        name="password_change_done",
    ),
    # Django's names, which its views lead to.
    path("accounts/reset/", signing_in(passwords.AskView.as_view()), name="password_reset"),
    path("accounts/reset/sent/", passwords.AskedView.as_view(), name="password_reset_done"),
    path(
        "accounts/reset/<uidb64>/<token>/",
        signing_in(passwords.ChooseView.as_view()),
        name="password_reset_confirm",
    ),
    path("accounts/reset/done/", passwords.ChosenView.as_view(), name="password_reset_complete"),
    path("api/v1/", include("video_classifier.api.urls")),
    path("predict", login_not_required(csrf_exempt(predict.moved)), name="predict"),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
if settings.DEBUG:
    urlpatterns.append(path("components/", components, name="components"))
