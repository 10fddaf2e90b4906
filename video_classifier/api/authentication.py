"""Who asks: somebody with a key, or somebody who is signed in on the pages."""

from __future__ import annotations

from django.contrib.auth.models import User
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from video_classifier.api.problems import Problem
from video_classifier.models import ApiKey
from video_classifier.models.api_keys import MARK
from video_classifier.services import api_keys
from video_classifier.services.errors import Refused

SCHEME = "Bearer"
MALFORMED = f"The header Authorization has to be “{SCHEME} KEY”, with one of your API keys."
IN_ADDRESS = (
    "A key doesn't belong in an address, which ends up in logs: send it in the header "
    "Authorization. Revoke this one and make another."
)


class KeyAuthentication(BaseAuthentication):
    """By the header alone; a request that has it is nobody's session, whatever its cookies say."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        if any(str(value).startswith(MARK) for value in request.query_params.values()):
            raise Problem(400, IN_ADDRESS)
        header = get_authorization_header(request)
        if not header:
            return None
        scheme, _, text = header.decode("latin-1").partition(" ")
        if scheme.lower() != SCHEME.lower() or not text.strip():
            raise AuthenticationFailed(MALFORMED)
        try:
            key = api_keys.authenticate(text.strip())
        except Refused as refusal:
            raise AuthenticationFailed(str(refusal)) from refusal
        return key.user, key

    def authenticate_header(self, _: Request) -> str:
        return f'{SCHEME} realm="api"'


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema says it."""

    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, _: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of your account."}
