"""Tags of one clip, on its result page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from video_classifier.models import Clip
from video_classifier.services import tags
from video_classifier.services.errors import Refused
from video_classifier.web.responses import SignedInRequest, asked_next
from video_classifier.web.trashed import CLIP, gone_if_trashed


@require_POST
@gone_if_trashed(CLIP)
def tag_clip(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Puts the tag `put` on the clip, or takes `take` off it, for anybody who sees the clip."""
    clip = get_object_or_404(Clip.objects.visible_to(request.user), pk=pk)
    if unwanted := request.POST.get("take"):
        tags.take([clip], unwanted)
    else:
        try:
            tags.put([clip], request.POST.get("put", ""))
        except Refused as refusal:
            messages.error(request, str(refusal))
    return redirect(asked_next(request) or clip.analyses.first() or "web:history")
