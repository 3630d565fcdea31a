from __future__ import annotations

import logging
import sys
from functools import partial
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.session.observing import LOG, TRACES, Observers, standing_observers


class Watcher:
    made: list[Watcher] = []  # noqa: RUF012  # all of them, for tests of kinds

    def __init__(self, raises: str = "") -> None:
        self.seen: list[tuple[str, Any, float]] = []
        self.raises = raises
        self.made.append(self)

    def _note(self, method: str, event: Any, now: float) -> None:
        self.seen.append((method, event, now))
        if method == self.raises:
            raise ValueError("not me")

    def on_client_event(self, event: Any, now: float) -> None:
        self._note("client", event, now)

    def on_server_event(self, event: Any, now: float) -> None:
        self._note("server", event, now)

    def on_session_event(self, event: Any, now: float) -> None:
        self._note("session", event, now)

    def close(self, now: float) -> None:
        self._note("close", None, now)


def show(observers: Observers) -> None:
    observers.sent(1)
    observers.received(2)
    observers.published(3)
    observers.close()


SEEN = [("client", 1, 7.0), ("server", 2, 7.0), ("session", 3, 7.0), ("close", None, 7.0)]


def test_observers_see_everything_in_order() -> None:
    watcher = Watcher()
    observers = Observers([watcher], lambda: 7.0)
    show(observers)
    show(observers)
    assert watcher.seen == SEEN


def test_without_observers_nothing_happens() -> None:
    def now() -> float:
        raise AssertionError("nobody asks for the time")

    show(Observers([], now))


@pytest.mark.parametrize("method", ["client", "server", "session", "close"])
def test_one_that_raises_is_dropped_and_harms_nobody(method: str, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = Watcher(method), Watcher()
    observers = Observers([bad, good], lambda: 7.0)
    show(observers)
    assert good.seen == SEEN
    assert bad.seen == SEEN[: [name for name, _, _ in SEEN].index(method) + 1]
    assert len(caplog.records) == 1


def test_a_kind_of_observer_is_made_for_each_session() -> None:
    Watcher.made.clear()
    show(Observers([Watcher], lambda: 7.0))
    show(Observers([partial(Watcher)], lambda: 7.0))
    assert [watcher.seen for watcher in Watcher.made] == [SEEN, SEEN]


def test_nobody_looks_on_who_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, TRACES, raising=False)
    with caplog.at_level(logging.WARNING, logger=LOG):
        assert standing_observers([], tracing=True) == []


def test_who_wants_logs_or_traces_gets_them_once(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("opentelemetry.trace")
    from vivavoce.observe.logs import SessionLog
    from vivavoce.observe.tracing import SessionTracer

    with caplog.at_level(logging.INFO, logger=LOG):
        assert [type(one) for one in standing_observers([], tracing=True)] == [SessionTracer, SessionLog]
        assert [type(one) for one in standing_observers([], tracing=False)] == [SessionLog]
        assert standing_observers([SessionLog, SessionTracer()], tracing=True) == []


@pytest.mark.parametrize("entry", ["x", print, dict])
def test_what_cannot_look_on_is_refused(entry: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not an observer: give a SessionObserver"):
        Observers([entry], lambda: 7.0)


def test_observers_may_wish_for_headers_of_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    class Wishing(Watcher):
        def __init__(self, headers: dict[str, str] | None) -> None:
            super().__init__()
            self.headers = headers

        def connection_headers(self, now: float) -> dict[str, str]:
            if self.headers is None:
                raise ValueError("none")
            return {**self.headers, "at": str(now)}

    broken = Wishing(None)
    observers = Observers([Watcher(), broken, Wishing({"traceparent": "00-1"})], lambda: 7.0)
    assert observers.connection_headers() == {"traceparent": "00-1", "at": "7.0"}
    assert len(caplog.records) == 1
    show(observers)
    assert broken.seen == []
