"""Log lines with fields."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from vivavoce.server.logs import FieldFormatter, JsonFormatter, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

import pytest


@pytest.fixture
def loggers_restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("vivavoce")
    handlers, levels = root.handlers[:], (root.level, own.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def test_fields_follow_the_message() -> None:
    record = logging.makeLogRecord({"msg": "session started", "levelname": "INFO", "name": "vivavoce.server"})
    record.session_id = "sess_1"
    record.sessions = 3
    line = FieldFormatter().format(record)
    assert line.endswith("INFO vivavoce.server: session started session_id=sess_1 sessions=3")


def test_a_field_cannot_begin_a_line_of_its_own() -> None:
    record = logging.makeLogRecord({"msg": "An answer failed", "levelname": "WARNING", "name": "vivavoce"})
    record.detail = "bad\r\n2026-01-01 INFO vivavoce: all is well"
    assert "\n" not in FieldFormatter().format(record)


def test_a_line_of_json_holds_everything() -> None:
    record = logging.makeLogRecord(
        {
            "msg": "session %s",
            "args": ("ended",),
            "levelname": "INFO",
            "name": "vivavoce.server",
            "created": 1e9,
        }
    )
    record.session_id, record.sessions, record.path, record.level = "sess_1", 3, {1}, "a field of this name"
    assert json.loads(JsonFormatter().format(record)) == {
        "time": "2001-09-09T01:46:40.000+00:00",
        "level": "info",
        "logger": "vivavoce.server",
        "message": "session ended",
        "session_id": "sess_1",
        "sessions": 3,
        "path": "{1}",
    }


@pytest.mark.usefixtures("loggers_restored")
def test_json_is_one_object_a_line_also_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("vivavoce.server").exception("session failed")
    [line] = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry["message"] == "session failed"
    assert "ValueError: invalid literal" in entry["exception"]


@pytest.mark.usefixtures("loggers_restored")
def test_a_refused_handshake_is_no_fault_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("uvicorn.error").error("ASGI callable returned without completing handshake.")
    logging.getLogger("uvicorn.error").error("trouble")
    assert capsys.readouterr().err.count("uvicorn.error") == 1


@pytest.mark.usefixtures("loggers_restored")
def test_the_http_stack_never_logs_its_lines_with_query_strings() -> None:
    configure_logging("debug")
    assert not logging.getLogger("uvicorn.error").isEnabledFor(logging.INFO)
    assert not logging.getLogger("uvicorn.access").isEnabledFor(logging.INFO)


@pytest.mark.usefixtures("loggers_restored")
def test_only_our_own_lines_are_logged_in_detail(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    logging.getLogger("vivavoce.server").debug("ours")
    logging.getLogger("openai").debug("what the user said")
    logging.getLogger("httpx").warning("trouble")
    log = capsys.readouterr().err
    assert "ours" in log
    assert "trouble" in log
    assert "what the user said" not in log
