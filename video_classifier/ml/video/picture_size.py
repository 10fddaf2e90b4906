"""How large pictures are by their sequence parameter sets (ITU-T H.264 and H.265, 7.3.2).

Without a decoder, so that a stream can be described where no untrusted picture is decoded.
"""

from __future__ import annotations

from video_classifier.ml.video.nal import PROFILE, Bits, Numbering

_BLOCK = 16  # pixels of a macroblock's side
_444 = 3  # chroma in full
_ACROSS, _DOWN = {1: 2, 2: 2}, {1: 2}  # pixels a sample of chroma, by how it is sampled
_HEVC_HEADER = 2  # bytes
_PROFILE_AND_LEVEL = 96, 88, 8  # bits: of the whole, of a sub-layer its profile and its level
_MOST_SUB_LAYERS = 8


def of_sequence_set(codec: str, unit: bytes) -> tuple[int, int]:
    """Width and height in pixels, 0 or less where the set is damaged; codec "h264" or "hevc"."""
    return _of_h264(unit) if codec == "h264" else _of_hevc(unit)


def _of_h264(unit: bytes) -> tuple[int, int]:
    if len(unit) <= PROFILE:
        return 0, 0
    bits = Bits(unit[PROFILE:])
    bits.golomb()  # the number of the set
    chroma, has_planes = Numbering.read(bits, profile=unit[1])[2:]
    width, height = _BLOCK * (bits.golomb() + 1), _BLOCK * (bits.golomb() + 1)
    lines = 1 if bits.take(1) else 2  # of interlaced pictures, a row of blocks is of one field
    if lines > 1:
        bits.take(1)
    bits.take(1)
    sampled = 0 if has_planes else chroma
    return _cropped(bits, width, height * lines, sampled, lines)


def _of_hevc(unit: bytes) -> tuple[int, int]:
    bits = Bits(unit[_HEVC_HEADER:])
    bits.take(4)
    further = bits.take(3)  # sub-layers but one
    bits.take(1)
    whole, profile, level = _PROFILE_AND_LEVEL
    bits.take(whole)
    given = [(bits.take(1), bits.take(1)) for _ in range(further)]
    if further:
        bits.take(2 * (_MOST_SUB_LAYERS - further))
    for has_profile, has_level in given:
        bits.take(profile * has_profile + level * has_level)
    bits.golomb()  # the number of the set
    chroma = bits.golomb()
    if chroma == _444 and bits.take(1):
        chroma = 0
    width, height = bits.golomb(), bits.golomb()
    return _cropped(bits, width, height, chroma, 1)


def _cropped(bits: Bits, width: int, height: int, chroma: int, lines: int) -> tuple[int, int]:
    """Without the margins that the set may give next."""
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        width -= _ACROSS.get(chroma, 1) * (left + right)
        height -= _DOWN.get(chroma, 1) * lines * (top + bottom)
    return width, height
