"""What the parts of a session share."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.server import ServerConversation
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import EngineError
from vivavoce.pipeline.backstage import Backstage


def backstage(**options: Any) -> Backstage:
    chosen = SessionOptions(**options)
    talk = ServerConversation(chosen, CountingIds(), 0.0)
    nobody = cast(Any, None)
    return Backstage("sess_1", scripted_engines(), chosen, talk, nobody, nobody)


def test_what_an_engine_says_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    told = backstage().explain("An answer failed", EngineError("host db7 is down"), response_id="resp_1")
    assert told == "An answer failed."
    (record,) = caplog.records
    assert (record.levelno, record.getMessage(), record.exc_info) == (
        logging.WARNING,
        "An answer failed",
        None,
    )
    fields = {name: vars(record)[name] for name in ("session_id", "response_id", "detail")}
    assert fields == {"session_id": "sess_1", "response_id": "resp_1", "detail": "host db7 is down"}


def test_the_operator_may_have_it_told() -> None:
    shop = backstage(explain_failures=True)
    assert shop.explain("An answer failed", EngineError("host db7 is down")) == "host db7 is down"


def test_what_no_engine_should_raise_is_logged_whole_and_told_to_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ZeroDivisionError("secret")
    assert backstage(explain_failures=True).explain("An answer failed", error) == "An answer failed."
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error
