"""Channels of alerts, for managers: added, changed, tried out, switched, deleted."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from video_classifier.http.permissions import MAY_NOT_ALERT, manages_a_store
from video_classifier.models import Channel, Delivery
from video_classifier.services import channels
from video_classifier.services.errors import Refused
from video_classifier.states import ChannelKind
from video_classifier.web.channels import (
    ChannelForm,
    ChannelStatus,
    KindOffer,
    TestStatus,
    listed,
    test_of,
)
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part

PAGES = "video_classifier/channels"
TEST = "test"  # in the address: whose result is shown


@never_cache
@require_safe
def channel_list(request: SignedInRequest) -> HttpResponse:
    """Those that `request.user` manages."""
    _check_manager(request)
    found = listed(request.user)
    page = Paginator(found, settings.HISTORY_PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [ChannelStatus(channel=channel) for channel in page]}
    return render(request, f"{PAGES}/page.html", context)


@never_cache
@require_safe
def channel_kinds(request: SignedInRequest) -> HttpResponse:
    """Which kind of channel is to be added."""
    _check_manager(request)
    offers = [KindOffer(kind=kind) for kind in ChannelKind]
    return render(request, f"{PAGES}/kinds.html", {"offers": offers})


@never_cache
@sensitive_post_parameters("target")
@require_http_methods(["GET", "POST"])
def new_channel(request: SignedInRequest, kind: str) -> HttpResponse:
    _check_manager(request)
    if kind not in ChannelKind:
        raise Http404
    offer = KindOffer(kind=ChannelKind(kind))
    sent = request.POST if request.method == "POST" else None
    form = ChannelForm(sent, user=request.user, kind=offer.kind)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            channel, key = channels.create(offer.kind, name, form.choices_made, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, f"“{channel}” was added. Send a test to see that it works.")
            if key:
                return _key_page(request, channel, key)
            return redirect("web:channel-settings", channel.pk)
    status = 422 if form.errors else 200
    return render(request, f"{PAGES}/new.html", {"form": form, "offer": offer}, status=status)


@never_cache
@sensitive_post_parameters("target")
@require_http_methods(["GET", "POST"])
def channel_settings(request: SignedInRequest, pk: int) -> HttpResponse:
    """And the result of a test, which asks for itself."""
    # Before the channel: once a test was sent, so was the last message.
    tested = test_of(pk, request.user, request.GET.get(TEST, ""), now=timezone.now())
    channel = _managed(request, pk)
    sent = request.POST if request.method == "POST" else None
    form = _form(request, channel, sent)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            channels.change(channel, name, form.choices_made, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, "The settings were saved.")
            return redirect("web:channel-settings", pk)
    return _settings_page(request, channel, form, tested=tested)


@never_cache
@require_POST
def test_channel(request: SignedInRequest, pk: int) -> HttpResponse:
    """Its result comes later; without scripts the page is looked at again."""
    channel = _managed(request, pk)
    try:
        delivery = channels.test(channel, by=request.user)
    except Refused as refusal:
        return _settings_page(request, channel, _form(request, channel), problem=str(refusal))
    if is_part(request):
        tested = TestStatus(delivery=delivery, now=timezone.now())
        return _settings_page(request, channel, _form(request, channel), tested=tested)
    way = reverse("web:channel-settings", args=[pk])
    return redirect(f"{way}?{urlencode({TEST: str(delivery.pk)})}#test")


@require_POST
def switch_channel(request: SignedInRequest, pk: int) -> HttpResponse:
    channel = _managed(request, pk)
    on = request.POST.get("on") == "1"
    if channels.switch(channel, on=on, by=request.user):
        messages.success(request, f"“{channel}” is {'on' if on else 'off'} from now on.")
    return redirect("web:channel-settings", pk)


@never_cache
@require_http_methods(["GET", "POST"])
def renew_channel_key(request: SignedInRequest, pk: int) -> HttpResponse:
    """Asks, and shows the new key this once."""
    channel = _managed(request, pk)
    if request.method == "POST":
        try:
            key = channels.renew_key(channel, by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("web:channel-settings", pk)
        return _key_page(request, channel, key)
    return render(request, f"{PAGES}/renew.html", {"channel": channel})


@never_cache
@require_http_methods(["GET", "POST"])
def delete_channel(request: SignedInRequest, pk: int) -> HttpResponse:
    """Asks, and deletes it."""
    channel = _managed(request, pk)
    if request.method == "POST":
        if channels.remove(channel, by=request.user):
            messages.success(request, f"“{channel}” was deleted.")
        return redirect("web:channels")
    waiting = Delivery.objects.managed_by(request.user).filter(channel=channel).waiting().count()
    context = {"channel": channel, "waiting": waiting}
    return render(request, f"{PAGES}/delete.html", context)


def _form(request: SignedInRequest, channel: Channel, sent: QueryDict | None = None) -> ChannelForm:
    kind = ChannelKind(channel.kind)
    return ChannelForm(sent, user=request.user, kind=kind, channel=channel)


def _settings_page(
    request: SignedInRequest,
    channel: Channel,
    form: ChannelForm,
    *,
    tested: TestStatus | None = None,
    problem: str = "",
) -> HttpResponse:
    return page_or_part(
        request,
        page=f"{PAGES}/settings.html",
        part=f"{PAGES}/_tested.html",
        context={
            "channel": channel,
            "status": ChannelStatus(channel=channel),
            "form": form,
            "tested": tested,
            "problem": problem,
        },
        status=422 if form.errors else 200,
    )


def _key_page(request: SignedInRequest, channel: Channel, key: str) -> HttpResponse:
    return render(request, f"{PAGES}/key.html", {"channel": channel, "key": key})


def _managed(request: SignedInRequest, pk: int) -> Channel:
    """Of others nobody learns that there is such a channel."""
    return get_object_or_404(listed(request.user), pk=pk)


def _check_manager(request: SignedInRequest) -> None:
    if not manages_a_store(request.user):
        raise PermissionDenied(MAY_NOT_ALERT)
