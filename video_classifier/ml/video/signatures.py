"""Identifies files that aren't readable videos, and advises the uploader, by their signatures."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

READ = (
    "MP4, AVI, MOV, MKV, WebM, TS, MPEG-PS, FLV, WMV, raw H.264 or raw HEVC file"  # for sentences
)

_HEAD = 4096  # bytes that are looked at

_REPACK = "Repack it with “ffmpeg -i IN -c copy OUT.mp4” and upload that."
_CONVERT = "Convert it with “ffmpeg -i IN OUT.mp4” and upload that."
_UNPACK = "Unpack it and upload the clips that are in it."
_NO_VIDEO = "Upload the video itself."
_DAMAGED = "It is damaged, or its copying was interrupted. Export the clip again from the recorder."


class Signature(NamedTuple):
    """The bytes by which a kind of file is known: libmagic's, or the format's specification's."""

    start: bytes
    what: str  # as in "The file is …"
    advice: str
    offset: int = 0


_PIECE = "a piece of a live stream (HLS or DASH) without its beginning"
_JOIN = "Put it behind the stream's init file with “cat INIT PIECE > OUT.mp4” and upload that."

_PLAYLIST = "a playlist, not a video: it only names others"

_SIGNATURES = (
    Signature(b"PK\x03\x04", "a ZIP archive", _UNPACK),
    Signature(b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    Signature(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    Signature(b"\x1f\x8b", "a gzip archive", _UNPACK),
    Signature(b"ustar", "a tar archive", _UNPACK, 257),
    Signature(b"\xff\xd8\xff", "a JPEG picture, not a video", _NO_VIDEO),
    Signature(b"\x89PNG\r\n", "a PNG picture, not a video", _NO_VIDEO),
    Signature(b"GIF8", "a GIF picture, not a video", _CONVERT),
    Signature(b"BM", "a BMP picture, not a video", _NO_VIDEO),
    Signature(b"II*\0", "a TIFF picture, not a video", _NO_VIDEO),
    Signature(b"MM\0*", "a TIFF picture, not a video", _NO_VIDEO),
    Signature(b"WEBP", "a WebP picture, not a video", _NO_VIDEO, 8),
    Signature(b"%PDF", "a PDF document, not a video", _NO_VIDEO),
    Signature(b"MZ", "a program for Windows, not a video", _NO_VIDEO),
    Signature(b"WAVE", "a sound recording (WAV), not a video", _NO_VIDEO, 8),
    Signature(b"ID3", "a sound recording (MP3), not a video", _NO_VIDEO),
    Signature(b"fLaC", "a sound recording (FLAC), not a video", _NO_VIDEO),
    Signature(b"#EXTM3U", _PLAYLIST, _REPACK),
    Signature(b"ffconcat", _PLAYLIST, _NO_VIDEO),
    Signature(b"[playlist]", _PLAYLIST, _NO_VIDEO),
    Signature(b"v=0", "the description of a live stream, not a video", _NO_VIDEO),
    Signature(b"<", "a page or a list in XML or HTML, not a video", _NO_VIDEO),
    Signature(b"styp", _PIECE, _JOIN, 4),
    Signature(b"moof", _PIECE, _JOIN, 4),
    Signature(b"DHAV", "a Dahua recording (DAV)", _REPACK),
    Signature(b"\x06\x0e\x2b\x34", "an MXF file", _REPACK),
    Signature(b"\0\0\x01\xb3", "a raw MPEG video without a container", _REPACK),
    Signature(b"\0\0\x01\xb0", "a raw MPEG-4 video without a container", _REPACK),
    Signature(b"DKIF", "an IVF file", _REPACK),
    Signature(b"OggS", "an Ogg file", _CONVERT),
    Signature(b".RMF", "a RealMedia file", _CONVERT),
    Signature(b"YUV4MPEG2", "an uncompressed Y4M file", _CONVERT),
    Signature(b"\xb7\xd8\x00\x20\x37\x49\xda\x11", "a WTV file", _REPACK),
    Signature(b"AVI ", "an AVI file that can't be read", _DAMAGED, 8),
    Signature(b"\x1a\x45\xdf\xa3", "an MKV or WebM file that can't be read", _DAMAGED),
    Signature(b"FLV\x01", "a Flash video file that can't be read", _DAMAGED),
    Signature(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMV file that can't be read", _DAMAGED),
    Signature(b"\0\0\x01\xba", "an MPEG program stream that can't be read", _DAMAGED),
)
_MP4_BOXES = {b"ftyp", b"mdat", b"wide", b"free"}


def why_not_read(path: Path) -> str:
    """A sentence or two for the uploader of a file that FFmpeg doesn't open. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[4:8] in _MP4_BOXES:
        return (
            "The file has no index: its recording or copying was interrupted, so no picture in it "
            "can be found. Export the clip again from the recorder."
        )
    for known in _SIGNATURES:
        if head.startswith(known.start, known.offset):
            return f"The file is {known.what}. {known.advice}"
    if (private := head.find(b"ftyp") - 4) > 0:
        return (
            f"The file is an MP4 behind {private} private bytes of a recorder. Cut these off with "
            f"“tail -c +{private + 1} IN > OUT.mp4” and upload that."
        )
    if _is_text(head):
        return f"The file is a text, not a video. {_NO_VIDEO}"
    return (
        f"The file is not a video that can be read here. Upload an {READ}. If a video player shows "
        "it, repack it with “ffmpeg -i IN -c copy OUT.mp4” and upload that."
    )


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", errors="ignore")
    return len(text) > 0.9 * len(head) and all(
        sign.isprintable() or sign.isspace() for sign in text
    )
