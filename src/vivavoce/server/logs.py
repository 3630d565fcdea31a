"""Log lines of the server: a static message, then structured fields, as `key=value` or as JSON."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Literal

__all__ = ["FieldFormatter", "JsonFormatter", "configure_logging", "quiet_http_stack"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class FieldFormatter(logging.Formatter):
    """Formats `2026-01-31 12:00:00,000 INFO vivavoce.server: session started session_id=sess_…`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - name of the base class
        """Return the line with every field that was given as `extra`, in the order given."""
        fields = [f"{key}={_in_one_line(value)}" for key, value in _fields(record).items()]
        return " ".join([super().formatMessage(record), *fields])


class JsonFormatter(logging.Formatter):
    """Formats one JSON object a line: `time` (UTC), `level`, `logger`, `message`, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; the traceback of an exception stands in `exception`."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in _fields(record).items() if key not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Return what was given as `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _in_one_line(value: object) -> str:
    """Return the value so that it cannot begin a line of its own, which would look like another entry."""
    return str(value).replace("\r", " ").replace("\n", " ")


def configure_logging(level: str, form: Literal["text", "json"] = "text") -> None:
    """Log to stderr, once per process; for programs, not for code that embeds the server.

    The level is that of vivavoce alone. Every other library stays at warnings and above: below that they
    write down what they carry, and that is keys (in a query string) and what users say (in a request).

    Args:
        level: name of a level of `logging`, in any case.
        form: lines to read, or one JSON object a line for what collects logs.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else FieldFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("vivavoce").setLevel(level.upper())
    quiet_http_stack()


def quiet_http_stack() -> None:
    """Keep the HTTP stack's loggers to warnings and above (see `configure_logging`)."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn tells something: it takes every refused handshake for a fault of ours."""
    return record.msg != "ASGI callable returned without completing handshake."
