"""What is wrong if a camera doesn't answer 200: RTSP and HTTP have the same codes."""

from __future__ import annotations

from video_classifier.states import Fault
from video_classifier.watching.wire import ConnectError

OK, UNAUTHORIZED = 200, 401
_REDIRECT, _FORBIDDEN, _NOT_FOUND = range(300, 400), 403, 404


def refusal(status: int, *, has_user: bool) -> ConnectError:
    if status in _REDIRECT:
        msg = (
            "The camera sends us to another address, and redirects are not followed. Type the "
            "address itself."
        )
        return ConnectError(Fault.REDIRECT, msg)
    if status in {UNAUTHORIZED, _FORBIDDEN}:
        msg = (
            "The camera refuses the user name or the password. Type its address again."
            if has_user
            else "The camera asks for a user name and a password. Type its address again with both."
        )
        return ConnectError(Fault.PASSWORD, msg)
    if status == _NOT_FOUND:
        msg = "The camera has no stream of this name. Check the path in its address."
        return ConnectError(Fault.NO_VIDEO, msg)
    msg = f"The camera refused, with the code {status}. Check the path in its address."
    return ConnectError(Fault.REFUSED, msg)
