"""The columns of lists, as components/list_table.html lays them out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's head. With `sort`, its name in the address, the list can be sorted by it."""

    name: str
    label: str
    sort: str = ""
    is_hidden: bool = False  # to be heard alone: what is below it speaks for itself


HISTORY = (
    Column(name="frame", label="Frame", is_hidden=True),
    Column(name="name", label="Clip", sort="clip"),
    Column(name="hint", label="Result", sort="hint"),
    Column(name="score", label="Score", sort="score"),
    Column(name="confidence", label="Confidence"),
    Column(name="verdict", label="Verdict"),
    Column(name="model", label="Model", sort="model"),
    Column(name="uploader", label="Uploader", sort="uploader"),
    Column(name="added", label="Added", sort="added"),
    Column(name="actions", label="Actions", is_hidden=True),
)
EVENTS = (
    Column(name="frame", label="Picture", is_hidden=True),
    Column(name="name", label="Event"),
    Column(name="length", label="In the clip"),
    Column(name="when", label="When"),
    Column(name="score", label="Score"),
    Column(name="verdict", label="Verdict"),
)
WAITING = (
    Column(name="frame", label="Picture", is_hidden=True),
    Column(name="name", label="Clip"),
    Column(name="place", label="Where"),
    Column(name="when", label="When"),
    Column(name="score", label="Score"),
    Column(name="turn", label="Waits for"),
)
LIVE_EVENTS = (
    Column(name="name", label="When"),
    Column(name="length", label="Length"),
    Column(name="score", label="Score"),
    Column(name="verdict", label="Verdict"),
    Column(name="remark", label="Clip"),
)
