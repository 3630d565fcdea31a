from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from vivavoce.observe import Observers, SessionObserver
from vivavoce.protocol import ClientEvent, ResponseCreate, ServerEvent, Unknown


class Noting(SessionObserver):
    def __init__(self, name: str, log: list[Any], fails: bool = False) -> None:
        self.name = name
        self.log = log
        self.fails = fails

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        self.log.append((self.name, event.type, now))

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        self.log.append((self.name, event.type, now))
        if self.fails:
            raise ValueError("no good")

    def close(self, now: float) -> None:
        self.log.append((self.name, "close", now))


def test_everyone_hears_everything_in_order(show: Callable[..., Any]) -> None:
    log: list[Any] = []
    observers = Observers([Noting("a", log), Noting("b", log)])
    assert len(observers) == 2
    stage = show(observers)
    stage.now = 1.5
    stage.client("response.create")
    stage.opened()
    observers.close(2.0)
    assert log == [
        ("a", "response.create", 1.5),
        ("b", "response.create", 1.5),
        ("a", "session.created", 1.5),
        ("b", "session.created", 1.5),
        ("a", "close", 2.0),
        ("b", "close", 2.0),
    ]


def test_one_that_raises_is_logged_once_and_harms_nobody(
    show: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    log: list[Any] = []
    observers = Observers([Noting("bad", log, fails=True), Noting("good", log)])
    stage = show(observers)
    with caplog.at_level(logging.ERROR):
        stage.opened()
        stage.opened()
    assert [name for name, *_ in log] == ["bad", "good", "good"]
    (record,) = caplog.records
    assert record.getMessage() == "An observer of the session raised and is not called any more"
    assert vars(record)["observer"] == "Noting"


def test_an_observer_writes_only_the_methods_it_needs() -> None:
    class Nothing(SessionObserver):
        pass

    observers = Observers([Nothing()])
    observers.on_client_event(ResponseCreate(), 0.0)
    observers.on_session_event(object(), 0.0)
    observers.close(0.0)
    assert len(observers) == 1, "a method that is not written does nothing"
    assert isinstance(Nothing(), SessionObserver)
