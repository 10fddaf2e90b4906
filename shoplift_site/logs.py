"""The log: a line an event for people, or a JSON object for programs that collect logs."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from video_classifier.services import log_ids

REQUEST_ID = "shoplift.request_id"  # in the META of a request
FORMATTERS: dict[str, dict[str, Any]] = {
    "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    "json": {"()": "shoplift_site.logs.JsonFormatter"},
}


class JsonFormatter(logging.Formatter):
    """One line an event: time, level, logger, message, ids, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        found: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **_request(record),
            **log_ids.current(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            found["traceback"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False)


def _request(record: logging.LogRecord) -> dict[str, str]:
    """Of lines about an answer, which Django writes once all middleware is through."""
    meta = getattr(getattr(record, "request", None), "META", {})
    return {"request": meta[REQUEST_ID]} if REQUEST_ID in meta else {}


def configuration(form: str) -> dict[str, Any]:
    """As `logging.config.dictConfig` takes it; `form` is one of FORMATTERS."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {form: FORMATTERS[form]},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": "INFO"},
        # Django's own handlers would mail errors to nobody.
        "loggers": {
            "django": {"handlers": [], "level": "INFO"},
            "axes": {"level": "WARNING"},  # of what was refused, and not of each sign-in
            # Not of each ring of the bell, and of each process that rings with it.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }


def of_gunicorn(form: str) -> dict[str, Any]:
    """The same for the web server, whose own lines otherwise look different."""
    found = configuration(form)
    own = {"handlers": ["console"], "level": "WARNING", "propagate": False}
    found["loggers"] |= {"gunicorn.error": own}
    found["handlers"]["console"]["stream"] = sys.stderr
    return found
