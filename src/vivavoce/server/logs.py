"""Log lines of the server: a static message, then structured fields as `key=value`."""

from __future__ import annotations

import logging

__all__ = ["FieldFormatter", "configure_logging", "quiet_http_stack"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class FieldFormatter(logging.Formatter):
    """Formats `2026-01-31 12:00:00,000 INFO vivavoce.server: session started session_id=sess_…`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - name of the base class
        """Return the line with every field that was given as `extra`, in the order given."""
        fields = [f"{key}={value}" for key, value in vars(record).items() if key not in _STANDARD]
        return " ".join([super().formatMessage(record), *fields])


def configure_logging(level: str) -> None:
    """Log to stderr at `level`, once per process; for programs, not for code that embeds the server.

    The HTTP stack's own loggers stay at warnings and above: its lines for each connection hold the query
    string, and a query string may hold a key.

    Args:
        level: name of a level of `logging`, in any case.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(FieldFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    quiet_http_stack()


def quiet_http_stack() -> None:
    """Keep the HTTP stack's loggers to warnings and above (see `configure_logging`)."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
