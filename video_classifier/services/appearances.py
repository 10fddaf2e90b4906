"""How bright the clothes of a recording's candidates are, and the light: of their windows.

The brightness of single windows is in the rows of segments until the analysis closes, and then no
longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from django.utils.functional import cached_property

from video_classifier.ml.contracts import EventCandidate, WindowScore
from video_classifier.ml.serving import brightness
from video_classifier.ml.serving.brightness import Appearance
from video_classifier.models import Analysis, Segment, Track

WHOLE = 0  # the number that whole pictures have in place of a track's

_ROUNDING = 1e-6  # seconds by which times that are the same may differ


class Appearances:
    """Of an analysis that closes: its tracks have their final numbers."""

    def __init__(self, analysis: Analysis, segments: Sequence[Segment]) -> None:
        self._analysis = analysis
        self._segments = [each for each in segments if each.appearance]

    def of(self, candidate: EventCandidate) -> Appearance:
        return brightness.of_windows(
            each
            for each in self._windows.get(candidate.track or WHOLE, ())
            if candidate.start - _ROUNDING <= each.start and each.end <= candidate.end + _ROUNDING
        )

    @cached_property
    def _windows(self) -> dict[int, list[WindowScore]]:
        """By the number of the track."""
        found: dict[int, list[WindowScore]] = defaultdict(list)
        segments = {each.pk: each for each in self._segments}
        for each in self._segments:
            found[WHOLE] += _measured(each, WHOLE, each.windows)
        rows = Track.objects.filter(segment__in=segments).order_by()
        fields = rows.values_list("number", "segment_id", "number_in_segment", "windows")
        for number, segment, own, windows in fields.iterator() if segments else ():
            found[number] += _measured(segments[segment], own, windows)
        return found


def _measured(
    segment: Segment, number: int, windows: Sequence[Sequence[float]]
) -> Iterator[WindowScore]:
    looks = segment.appearance.get(str(number), ())
    for (start, end, score), (clothing, light) in zip(windows, looks, strict=False):
        yield WindowScore(start=start, end=end, score=score, clothing=clothing, light=light)
