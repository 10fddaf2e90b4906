"""How long a reader waits, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds, unless it says otherwise. Tests shorten them."""

    connect: float = 5.0  # until a machine answers at all
    answer: float = 10.0  # until it has answered all that is asked before the first picture
    first_picture: float = 10.0
    stalled: float = 10.0  # without a picture until it is told
    dead: float = 20.0  # without a picture until the connection is made anew
    keyless: float = 10.0  # without a keyframe
    jump: float = 5.0  # that the camera's clock may be ahead of ours from picture to picture
    back: float = 1.0  # that it may go back: pictures come in another order than they are shown
    drift: float = 3.0  # by which the times of a stretch may come to differ from our clock's
    drifting: float = 60.0  # in which each keyframe has to be late for that
    noted: float = 5.0  # for which a clock that jumped or another resolution is told
    stuck: float = 60.0  # without a sign of the thread
    keep_alive: float = 25.0  # at most, between signs of ours; cameras give up after a minute
    # From a lost connection to the next try: so often so long, and from then on the longest.
    pauses: tuple[tuple[int, float], ...] = ((5, 1.0), (5, 5.0))
    longest_pause: float = 20.0  # a camera that is back is live again within half a minute
    password_pauses: tuple[float, ...] = (20.0, 60.0, 300.0)  # many tries may lock the account
    jitter: float = 0.2  # share of a pause, up or down
    sound: float = 30.0  # of pictures after which pauses begin with the shortest again
    picture_bytes: int = 8_000_000
    pixels: int = 16_000_000  # a picture: 12 megapixels are common, 8K isn't

    def pause(self, failures: int) -> float:
        """Before the next try after so many failures in a row, without jitter."""
        for count, seconds in self.pauses:
            if failures <= count:
                return seconds
            failures -= count
        return self.longest_pause

    def password_pause(self, failures: int) -> float:
        """The same where the password was refused so often in a row."""
        return self.password_pauses[min(failures, len(self.password_pauses)) - 1]
