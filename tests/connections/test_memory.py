"""The local model with scripted engines, on the virtual clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from vivavoce.connections import ConnectionFailed, ConnectionStatus
from vivavoce.connections.memory import (
    HIGH_WATER,
    LOW_WATER,
    OVERFLOW,
    LocalRealtimeModel,
    SharedEngines,
    _Pipe,
)
from vivavoce.engines.base import Engines, ModelRequest
from vivavoce.engines.registry import EngineChoice
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import ConfigurationError, ConnectionLostError, EngineError
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import (
    InputAudioBufferClear,
    InputAudioBufferCleared,
    RealtimeSession,
    ResponseCreate,
    ResponseDone,
    ResponseOutputAudioDelta,
    SessionCreated,
)
from vivavoce.testing import run


async def until(events: list[Any], kind: type) -> Any:
    while True:
        for event in events:
            if isinstance(event, kind):
                return event
        await asyncio.sleep(0.01)


class CountedEngines(SharedEngines):
    """Says how many sessions have engines."""

    def __init__(self, engines: Engines) -> None:
        super().__init__()
        self.users = 0
        self._scripted = engines

    async def acquire(self) -> Engines:
        self.users += 1
        return self._scripted

    async def release(self) -> None:
        self.users -= 1


class SlowToStop:
    """A language model whose stream takes a moment to close."""

    async def respond(self, request: ModelRequest) -> AsyncGenerator[Any, None]:
        try:
            await asyncio.Event().wait()
            yield
        finally:
            await asyncio.sleep(0.1)

    async def aclose(self) -> None:
        pass


def test_a_whole_answer_in_one_process() -> None:
    async def main() -> None:
        model, events = LocalRealtimeModel(scripted_engines(answers=[["Hello there."]])), list[Any]()
        model.add_listener(events.append)
        await model.connect({"initial_model_settings": {"model_name": "mine"}})
        created = await until(events, SessionCreated)
        assert isinstance(created.session, RealtimeSession)
        assert created.session.model == "mine"
        await model.send_event(ResponseCreate())
        await until(events, ResponseDone)
        audio = b"".join(event.delta for event in events if isinstance(event, ResponseOutputAudioDelta))
        assert len(audio) == 2 * 200 * 48
        await model.close()
        await model.close()
        assert events[:2] == [ConnectionStatus("connecting"), ConnectionStatus("connected")]
        assert events[-1] == ConnectionStatus("disconnected")
        with pytest.raises(ConnectionLostError, match="there is no session"):
            await model.send_event(InputAudioBufferClear())

    run(main())


def test_a_session_that_ends_by_itself_says_why() -> None:
    async def main() -> None:
        model = LocalRealtimeModel(scripted_engines(), options=SessionOptions(max_session_s=5))
        events: list[Any] = []
        model.add_listener(events.append)
        await model.connect({})
        failed = await until(events, ConnectionFailed)
        assert isinstance(failed.error, ConnectionLostError)
        await model.close()
        assert events[-1] == ConnectionStatus("disconnected")
        await model.connect({})
        await model.send_event(InputAudioBufferClear())
        await until(events, InputAudioBufferCleared)
        await model.close()

    run(main())


def test_one_model_is_for_one_session() -> None:
    async def main() -> None:
        model = LocalRealtimeModel(scripted_engines())
        await model.connect({})
        with pytest.raises(ConfigurationError, match="connected already"):
            await model.connect({})
        await model.close()

    run(main())


def test_there_is_no_call_to_attach_to_in_this_process() -> None:
    model = LocalRealtimeModel(scripted_engines())
    with pytest.raises(ConfigurationError, match=r"no call 'sess_1'.*model='ws://"):
        run(model.connect({"call_id": "sess_1"}))


def test_engines_are_built_off_the_loop_once_and_closed_with_the_last_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[Engines] = []
    closed: list[Engines] = []
    threads: list[str] = []

    def build(_choice: EngineChoice | None) -> Engines:
        threads.append(threading.current_thread().name)
        built.append(scripted_engines())
        return built[-1]

    async def aclose(engines: Engines) -> None:
        closed.append(engines)

    monkeypatch.setattr("vivavoce.engines.registry.build_engines", build)
    monkeypatch.setattr(Engines, "aclose", aclose)

    async def main() -> None:
        shared = SharedEngines(EngineChoice("bench"))
        one, two = LocalRealtimeModel(shared), LocalRealtimeModel(shared)
        await asyncio.gather(one.connect({}), two.connect({}))
        assert len(built) == 1
        await one.close()
        assert closed == []
        await two.close()
        assert closed == built
        await one.connect({})
        assert len(built) == 2
        await one.close()

    run(main())
    assert "MainThread" not in threads


def test_engines_that_cannot_be_built_leave_the_model_usable() -> None:
    async def main() -> None:
        model = LocalRealtimeModel(EngineChoice("nonsense"))  # type: ignore[arg-type]  # the mistake under test
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="No engines are called 'nonsense'"):
                await model.connect({})

    run(main())


def test_a_session_that_cannot_begin_gives_the_engines_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise ConfigurationError("no sessions today")

    async def main() -> None:
        shared = CountedEngines(scripted_engines())
        own = LocalRealtimeModel(scripted_engines())
        for model in (LocalRealtimeModel(shared), own):
            with monkeypatch.context() as patched:
                patched.setattr("vivavoce.connections.memory.LocalSession", refuse)
                with pytest.raises(ConfigurationError, match="no sessions today"):
                    await model.connect({})
        assert shared.users == 0
        await own.connect({})
        await own.close()

    run(main())


def test_closing_while_the_session_ends_by_itself_still_gives_the_engines_back() -> None:
    async def main() -> None:
        shared = CountedEngines(replace(scripted_engines(), llm=SlowToStop()))
        model, ended = LocalRealtimeModel(shared, options=SessionOptions(max_session_s=5)), asyncio.Event()
        model.add_listener(lambda event: ended.set() if isinstance(event, ConnectionFailed) else None)
        for _ in range(2):
            ended.clear()
            await model.connect({})
            await model.send_event(ResponseCreate())
            await ended.wait()
            await model.close()
            assert shared.users == 0

    run(main())


def test_whoever_stops_waiting_for_the_end_does_not_stop_the_end() -> None:
    async def main() -> None:
        shared = CountedEngines(replace(scripted_engines(), llm=SlowToStop()))
        model = LocalRealtimeModel(shared)
        await model.connect({})
        await model.send_event(ResponseCreate())
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await model.close()
        await model.close()
        assert shared.users == 0

    run(main())


class WarmTranscriber:
    """Says when it is warm; takes as long as it is told."""

    sample_rate = 16000

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.state = "cold"

    async def prewarm(self) -> None:
        self.state = "warming"
        try:
            await asyncio.sleep(1)
            if self.fails:
                raise EngineError("no model")
            self.state = "warm"
        except asyncio.CancelledError:
            self.state = "given up"
            raise

    def open(self, options: Any, on_partial: Any) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        assert self.state != "warming"


def test_the_transcriber_warms_up_beside_the_session() -> None:
    async def main() -> None:
        transcriber = WarmTranscriber()
        model = LocalRealtimeModel(replace(scripted_engines(), transcriber=transcriber))
        begin = asyncio.get_running_loop().time()
        await model.connect({})
        assert asyncio.get_running_loop().time() - begin < 0.5
        await asyncio.sleep(2)
        assert transcriber.state == "warm"
        await model.close()

    run(main())


def test_a_session_that_ends_early_does_not_wait_for_the_warm_up() -> None:
    async def main() -> None:
        transcriber = WarmTranscriber()
        model = LocalRealtimeModel(replace(scripted_engines(), transcriber=transcriber))
        await model.connect({})
        await asyncio.sleep(0.1)
        await model.close()
        assert transcriber.state == "given up"

    run(main())


def test_a_transcriber_that_cannot_warm_up_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        model = LocalRealtimeModel(replace(scripted_engines(), transcriber=WarmTranscriber(fails=True)))
        await model.connect({})
        await asyncio.sleep(2)
        await model.close()

    run(main())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no model" in caplog.text


def test_the_pipe_slows_the_session_down_and_lets_it_go_on() -> None:
    async def main() -> None:
        pipe = _Pipe()
        event = InputAudioBufferCleared(event_id="e")
        writable = []
        for count in (HIGH_WATER - 1, 1):
            pipe.send([event] * count)
            writable.append(pipe.writable)
        assert writable == [True, False]
        assert len(await pipe.take(HIGH_WATER - LOW_WATER)) == HIGH_WATER - LOW_WATER
        assert pipe.paused  # until whoever delivers has told the session

    run(main())


def test_a_pipe_that_nobody_empties_ends() -> None:
    pipe = _Pipe()
    pipe.send([InputAudioBufferCleared(event_id="e")] * (OVERFLOW + 1))
    assert pipe.ended == "The application has read no events of the local model for too long."
    pipe.send([InputAudioBufferCleared(event_id="e")])
    assert len(pipe) == 0
