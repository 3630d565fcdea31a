"""Log lines with fields."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from vivavoce.server.logs import FieldFormatter, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

import pytest


@pytest.fixture
def root_logger_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_fields_follow_the_message() -> None:
    record = logging.makeLogRecord({"msg": "session started", "levelname": "INFO", "name": "vivavoce.server"})
    record.session_id = "sess_1"
    record.sessions = 3
    line = FieldFormatter().format(record)
    assert line.endswith("INFO vivavoce.server: session started session_id=sess_1 sessions=3")


@pytest.mark.usefixtures("root_logger_restored")
def test_the_http_stack_never_logs_its_lines_with_query_strings() -> None:
    configure_logging("debug")
    assert logging.getLogger().level == logging.DEBUG
    assert not logging.getLogger("uvicorn.error").isEnabledFor(logging.INFO)
    assert not logging.getLogger("uvicorn.access").isEnabledFor(logging.INFO)
