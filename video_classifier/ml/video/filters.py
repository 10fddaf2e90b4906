"""FFmpeg's filters on single frames: pixel aspect ratio and fields.

PyAV gives no access to a frame's sample aspect ratio, and the decoder's own is ahead of the frames
that are still to come out of it; a filter sees the frame's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.error import BlockingIOError as NeedsMoreError
from av.error import EOFError as NothingLeftError
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

MAX_ASPECT = 8  # to one, either way; what claims more is an error in the file, never a camera

_STEPS = 2520  # ratios are multiples of 1/2520: exact for denominators 1 to 10
_TICK = Fraction(1, 1000)  # for filters that are of no use for times


class FrameFilter:
    """A filter, or a chain of them, that makes one frame of each frame at once."""

    def __init__(self, *chain: tuple[str, str]) -> None:
        self._chain = chain
        self._graph: Graph | None = None
        self._fits: tuple[int, int, str] | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        fits = frame.width, frame.height, frame.format.name
        if self._graph is None or fits != self._fits:
            self._graph, self._fits = _graph(frame, self._chain), fits
        self._graph.vpush(frame)
        return self._graph.vpull()


class AspectReader:
    """The width of a stored pixel over its height, as a frame says; 1 if it doesn't."""

    def __init__(self) -> None:
        width = f"clip(round({_STEPS}*sar),1,{_STEPS * MAX_ASPECT + 1})"
        self._as_width = FrameFilter(
            ("crop", "w=min(iw\\,16):h=min(ih\\,16):x=0:y=0:exact=1"),  # what the picture shows
            ("scale", f"w='{width}':h=1:eval=frame:flags=neighbor"),  # is of no interest
        )

    def __call__(self, frame: VideoFrame) -> Fraction:
        return Fraction(self._as_width(frame).width, _STEPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelAspect:
    """What a file's header says of its pixels' shape, and of pictures of what size.

    Container and codec may differ; players believe the container.
    """

    width: int
    height: int
    coded: Fraction  # by the codec's header; 1 if it doesn't say
    shown: Fraction  # as players show it

    @classmethod
    def of(cls, stream: VideoStream) -> PixelAspect:
        return cls(
            width=stream.width,
            height=stream.height,
            coded=_plausible(stream.codec_context.sample_aspect_ratio),
            shown=_plausible(stream.sample_aspect_ratio),
        )

    def at(self, frame: VideoFrame, own: Fraction) -> Fraction:
        """The shape of the frame's pixels if the frame itself says `own`.

        The header speaks for the pictures that are as it says; after a change within the clip
        they speak for themselves.
        """
        is_as_header_says = (frame.width, frame.height) == (self.width, self.height)
        if is_as_header_says and abs(own - self.coded) * _STEPS <= 1:
            return self.shown
        return _plausible(own)


def _plausible(aspect: Fraction | None) -> Fraction:
    if not aspect or not Fraction(1, MAX_ASPECT) <= aspect <= MAX_ASPECT:
        return Fraction(1)
    return aspect


class FieldTaker:
    """Makes of an interlaced frame its upper field, half as high; a progressive one stays.

    A frame that is looked at alone has no neighbors from which to tell what moved between its two
    fields, which is what a temporal deinterlacer goes by. One field is a whole picture of one
    moment, and pictures are scaled to a fraction of a frame's height anyway.
    """

    def __init__(self) -> None:
        self._field = FrameFilter(("field", "type=top"))

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        return self._field(frame) if frame.interlaced_frame else frame


def cropped(frame: VideoFrame, top: int, bottom: int, left: int, right: int) -> VideoFrame:
    """The part of a frame between these edges, in pixels; it shares the frame's memory."""
    size = f"w={right - left}:h={bottom - top}:x={left}:y={top}:exact=1"
    return FrameFilter(("crop", size))(frame)


def deinterlaced(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """The frames, one for each and in their order; their times are not kept.

    From the first interlaced one on they go through bwdif, which mends those that are interlaced
    by the frames before and after.
    """
    graph, fits = None, None
    for frame in frames:
        as_it_is = frame.width, frame.height, frame.format.name
        if graph and as_it_is != fits:
            yield from _drained(graph)
            graph = None
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if graph is None:
            graph, fits = _graph(frame, (("bwdif", "mode=send_frame:deint=interlaced"),)), as_it_is
        graph.vpush(frame)
        yield from _pulled(graph)
    if graph:
        yield from _drained(graph)


def _drained(graph: Graph) -> Iterator[VideoFrame]:
    graph.vpush(None)
    yield from _pulled(graph)


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (NeedsMoreError, NothingLeftError):
            return


def _graph(frame: VideoFrame, chain: Iterable[tuple[str, str]]) -> Graph:
    graph = Graph()
    graph.threads = 1
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=_TICK
        ),
        *(graph.add(name, options) for name, options in chain),
        graph.add("buffersink"),
    ).configure()
    return graph
