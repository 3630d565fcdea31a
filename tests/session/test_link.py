from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from tests.session.conftest import HandModel

from vivavoce.protocol import InputAudioBufferClear, SessionUpdate
from vivavoce.protocol.codec import client_event_from
from vivavoce.session.link import CLOSE_S, CONNECT_S, Link
from vivavoce.session.model_settings import ModelSettings, read_settings
from vivavoce.session.observing import Observers
from vivavoce.session.settings import ReconnectSettings
from vivavoce.testing import run


class Watcher:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def on_client_event(self, event: Any, _now: float) -> None:
        self.sent.append(str(event.type))

    def on_server_event(self, event: Any, now: float) -> None: ...

    def on_session_event(self, event: Any, now: float) -> None: ...

    def close(self, now: float) -> None: ...


def link(
    model: HandModel, settings: ModelSettings | None = None, watcher: Watcher | None = None, **reconnect: Any
) -> Link:
    observers = Observers([watcher] if watcher is not None else [], lambda: 0.0)
    return Link(model, {}, settings or ModelSettings(), ReconnectSettings(**reconnect), observers)


def test_what_is_sent_is_seen(hand_model: HandModel) -> None:
    async def main() -> None:
        watcher = Watcher()
        there = link(hand_model, watcher=watcher)
        await there.connect()
        await there.send(InputAudioBufferClear())
        assert watcher.sent == hand_model.kinds() == ["input_audio_buffer.clear"]

    run(main())


def test_headers_of_observers_go_below_those_of_the_user(
    hand_model: HandModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Traced(Watcher):
        def connection_headers(self, now: float) -> dict[str, str]:
            return {"traceparent": f"at {now}", "x-own": "observer"}

    configs: list[Any] = []

    async def connect(config: Any) -> None:
        configs.append(config)

    monkeypatch.setattr(hand_model, "connect", connect)
    there = link(hand_model, watcher=Traced())
    run(there.connect())
    run(replace(there, config={"url": "ws://x", "headers": {"x-own": "user"}}).connect())
    assert configs == [
        {"headers": {"traceparent": "at 0.0", "x-own": "observer"}},
        {"url": "ws://x", "headers": {"traceparent": "at 0.0", "x-own": "user"}},
    ]


def test_settings_go_with_what_only_the_provider_knows(hand_model: HandModel) -> None:
    async def main() -> None:
        raw: list[Any] = []

        async def send_raw(event: Any) -> None:
            raw.append(event)

        hand_model.send_raw = send_raw  # type: ignore[method-assign]  # a model that takes anything
        update = client_event_from({"type": "session.update", "session": {"type": "realtime"}})
        assert isinstance(update, SessionUpdate)
        settings = read_settings({"provider_data": {"vendor_key": 1}}, "settings")
        there = link(hand_model, settings)
        await there.connect()
        await there.send(update)
        assert [event["session"]["vendor_key"] for event in raw] == [1]
        await link(hand_model).send(update)
        assert hand_model.kinds() == ["session.update"]

    run(main())


def test_a_connection_that_is_never_there_is_given_up(hand_model: HandModel) -> None:
    async def never(config: Any) -> None:
        await asyncio.sleep(10 * CONNECT_S)

    async def main() -> None:
        hand_model.connect = never  # type: ignore[method-assign]  # a model without limits of its own
        begin = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await link(hand_model).connect()
        assert asyncio.get_running_loop().time() - begin == pytest.approx(CONNECT_S)

    run(main())


@pytest.mark.parametrize("raises", [False, True])
def test_a_connection_that_does_not_close_is_left(
    hand_model: HandModel, raises: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise OSError("no socket")

    async def main() -> None:
        hand_model.close_takes = 10 * CLOSE_S
        if raises:
            hand_model.close = broken  # type: ignore[method-assign]  # a model that raises whatever it likes
        begin = asyncio.get_running_loop().time()
        await link(hand_model).give_up()
        assert asyncio.get_running_loop().time() - begin <= CLOSE_S + 0.01

    with caplog.at_level(logging.WARNING):
        run(main())
    assert "could not be closed" in caplog.text


def test_tries_come_less_and_less_often(hand_model: HandModel) -> None:
    there = link(hand_model, first_delay_s=1.0, longest_delay_s=10.0)
    for attempt, longest in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (1000, 10)]:
        assert 0.75 * longest <= there.delay_before(attempt) <= longest


def test_a_link_with_a_call_is_attached_to_it() -> None:
    async def main() -> None:
        alone = link(HandModel())
        assert not alone.attached
        assert replace(alone, config={"call_id": "sess_1"}).attached

    run(main())
