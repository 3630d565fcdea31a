"""The call itself: who calls, which model answers, and what is kept of it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal

from vivavoce import (
    EngineChoice,
    LocalRealtimeModel,
    RealtimeModel,
    RealtimeRunner,
    RealtimeSession,
    WebSocketRealtimeModel,
)
from vivavoce.cli.demo import clips
from vivavoce.cli.demo.agent import travel_desk
from vivavoce.cli.demo.wiretap import TappedModel
from vivavoce.engines.registry import build_local_engines
from vivavoce.errors import ConnectionLostError
from vivavoce.testing import After, AgentFinished, AgentSpeaking, HangUp, Say, SimulatedCaller

if TYPE_CHECKING:
    from vivavoce.protocol import Item

PAUSE_S = 0.7
"""The caller speaks so long after the agent has finished."""
THINKING_PAUSE_S = 1.6
"""The same with a model elsewhere, which may fall silent while it looks something up."""
INTERRUPT_AFTER_S = 3.3
TURNS = 4
READY_S = 30.0
END_S = 1.0

Watcher = Callable[[RealtimeSession, SimulatedCaller], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What the caller of the command decided.

    Attributes:
        transport: whether session and model meet in this process or over a socket.
        engines: what the model is made of.
    """

    transport: Literal["memory", "websocket"] = "memory"
    engines: EngineChoice = field(default_factory=EngineChoice)


def make_caller(*, patient: bool = False) -> SimulatedCaller:
    """Return the demo's caller.

    Args:
        patient: wait longer for an agent that may take its time.
    """
    finished = AgentFinished(THINKING_PAUSE_S if patient else PAUSE_S)
    timeout_s = 25.0 if patient else 15.0
    return SimulatedCaller(
        [
            Say(clips.load("weather"), After(0.5), timeout_s),
            Say(clips.load("trains"), finished, timeout_s),
            Say(clips.load("interruption"), AgentSpeaking(INTERRUPT_AFTER_S), timeout_s),
            Say(clips.load("goodbye"), finished, timeout_s),
            HangUp(finished, timeout_s),
        ]
    )


class DemoCall:
    """One call. What it has so far can be read at any time, also after it failed or was stopped.

    Args:
        options: which model answers.
        caller: who calls.

    Attributes:
        caller: who calls; holds the tape.
        model: holds the events.
        history: the conversation as the session last knew it.
    """

    def __init__(self, options: CallOptions, caller: SimulatedCaller) -> None:
        self._options = options
        self.caller = caller
        self.model: TappedModel | None = None
        self.history: list[Item] = []

    async def run(self, watch: Watcher) -> None:
        """Call, talk and hang up.

        Args:
            watch: is shown the session while the call goes on; cancelled at its end.

        Raises:
            VivavoceError: the call could not be made or did not go on; the message says why.
        """
        async with AsyncExitStack() as stack:
            model = await stack.enter_async_context(_model(self._options))
            self.model = TappedModel(model)
            runner = RealtimeRunner(
                travel_desk(),
                model=self.model,
                config={"model_settings": {"input_audio_transcription": {"model": "local"}}},
            )
            session = await runner.run(model_config={"playback_tracker": self.caller.tracker})
            await stack.enter_async_context(session)
            stack.callback(lambda: self.history.extend(session.history))
            await self._talk(session, watch)

    async def _talk(self, session: RealtimeSession, watch: Watcher) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(watch(session, self.caller))
                await self.caller.call(session)
                watching.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None


@asynccontextmanager
async def _model(options: CallOptions) -> AsyncIterator[RealtimeModel]:
    if options.transport == "memory":
        engines = await asyncio.to_thread(build_local_engines, options.engines)
        async with aclosing(engines):
            await engines.prewarm()
            yield LocalRealtimeModel(engines)
        return
    async with _server(options.engines) as url:
        yield WebSocketRealtimeModel(url)


@asynccontextmanager
async def _server(engines: EngineChoice) -> AsyncIterator[str]:
    """Run `vivavoce serve` as a process of its own and yield its URL."""
    command = [sys.executable, "-m", "vivavoce", "serve", "--port", "0", "--log-level", "error"]
    if engines.llm_url is not None:
        command += ["--llm", engines.llm_url]
        command += ["--llm-model", engines.llm_model] if engines.llm_model else []
    environment = dict(os.environ)
    if engines.llm_api_key is not None:
        # Not on the command line, where every user of the machine could read it.
        environment["VIVAVOCE_LLM_API_KEY"] = engines.llm_api_key
    with tempfile.TemporaryFile() as complaints:
        # A session of its own: Ctrl-C in the terminal is for the demo, which then ends its server.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=complaints,
            env=environment,
            start_new_session=True,
        )
        try:
            yield await _url_of(process, complaints)
        finally:
            await _end(process)


async def _url_of(process: asyncio.subprocess.Process, complaints: IO[bytes]) -> str:
    assert process.stdout is not None
    line = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(READY_S):
            line = (await process.stdout.readline()).decode().strip()
    _, found, url = line.partition("listening on ")
    if not found:
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip() or "nothing"
        raise ConnectionLostError(
            f"The demo's own server did not start within {READY_S:g} s. It said: {said}"
        )
    return url


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
