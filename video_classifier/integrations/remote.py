"""What a storage on another machine offers beyond Django's interface, and how it fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Protocol, runtime_checkable


class StorageError(OSError):
    """It does not answer, or refuses; a later attempt may succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored file as a listing shows it."""

    name: str  # in storage
    size: int  # bytes
    modified: datetime  # aware


@runtime_checkable
class Remote(Protocol):
    """A storage whose files have no path here. All but `address` raise StorageError."""

    def entries(self, folder: str) -> Iterator[Entry]:
        """All files in the folder and those below it, page by page."""

    def fetch(self, name: str, target: IO[bytes]) -> None:
        """Writes a stored file to `target`. Raises FileNotFoundError, too."""

    def write(self, files: Mapping[str, bytes]) -> None:
        """Stores small files under these very names, several at once."""

    def remove(self, names: Iterable[str]) -> None:
        """Deletes many at once; what isn't there is no error."""

    def abort_uploads(self, folder: str, *, before: datetime) -> int:
        """Discards the parts of uploads to the folder that broke off earlier; how many uploads."""

    def address(self, name: str, *, lasts: timedelta, content_type: str, disposition: str) -> str:
        """Where a browser gets the file, or a range of it, for as long as that `lasts`."""
