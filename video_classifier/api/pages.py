"""Lists, a page at a time, from the row where the last page ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from video_classifier.api.problems import Problem

MOST_ROWS = 200
BAD_SIZE = f"“page_size” is a whole number of rows, 1 to {MOST_ROWS}."
FORGED = "This cursor is none that the server has given. Begin again without one."


class Pages(CursorPagination):
    """The newest first; a page's links lead on, whatever is added meanwhile."""

    page_size = 50
    max_page_size = MOST_ROWS
    page_size_query_param = "page_size"
    cursor_query_description = "Where the page begins, as in the links of another page."
    page_size_query_description = f"How many rows, {max_page_size} at most."
    ordering: tuple[str, ...] = ("-queued_at", "-id")
    read_position: Callable[[str], Any] = staticmethod(datetime.fromisoformat)

    def get_page_size(self, request: Request) -> int:
        """REST framework takes its own where it can't read what is asked for."""
        text = request.query_params.get(self.page_size_query_param or "")
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdecimal() and len(text) < len("1000")):
            raise Problem(400, BAD_SIZE)
        if not 1 <= int(text) <= self.max_page_size:
            raise Problem(400, BAD_SIZE)
        return int(text)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """With the limits of the page's size."""
        found: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        limits = {"type": "integer", "minimum": 1, "maximum": self.max_page_size}
        for each in found:
            if each["name"] == self.page_size_query_param:
                each["schema"] = limits | {"default": self.page_size}
        return found

    def decode_cursor(self, request: Request) -> Cursor | None:
        """REST framework takes any position for one, and databases take some for none."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                self._check(self.read_position(str(cursor.position)))
        except (NotFound, ValueError, OverflowError) as error:
            raise Problem(400, FORGED) from error
        return cursor

    @staticmethod
    def _check(place: Any) -> None:
        if isinstance(place, datetime) and place.tzinfo is None:
            raise ValueError
        if isinstance(place, int) and not 0 <= place < 2**63:
            raise ValueError


class ByTime(Pages):
    """Of clips."""

    ordering = ("-uploaded_at", "-id")


class ByOpening(Pages):
    """Of live events."""

    ordering = ("-opened_at", "-id")


class ByNumber(Pages):
    """In the order of numbers that rows have, and are called by."""

    ordering = ("number", "id")
    read_position = staticmethod(int)


class ByKey(Pages):
    """In the order in which rows were written, the latest first."""

    ordering = ("-id",)
    read_position = staticmethod(int)


class ByName(Pages):
    ordering = ("name", "id")
    read_position = staticmethod(str)
