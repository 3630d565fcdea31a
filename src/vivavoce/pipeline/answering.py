"""One answer: the language model thinks, the synthesiser speaks what has been thought so far."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from vivavoce.conversation.effects import StartResponse
from vivavoce.conversation.response import FinishReason
from vivavoce.conversation.tokens import CountedTokens
from vivavoce.engines.base import (
    Engines,
    FunctionCallDelta,
    LanguageModel,
    ModelDone,
    ModelRequest,
    SpeechOptions,
    Synthesizer,
    TextDelta,
)
from vivavoce.engines.options import ModelOptions
from vivavoce.pipeline.clauses import ClauseSplitter
from vivavoce.pipeline.formats import Encoder
from vivavoce.pipeline.tempo import paced

CLAUSES_AHEAD = 16
"""The model may be so many clauses ahead of the synthesiser."""


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause on its way to the synthesiser; without a text it is the end of its message."""

    message: int
    text: str | None = None


class Stage(Protocol):
    """Where an answer is performed: results go to the conversation under the time at which they come."""

    def first_token(self, response_id: str) -> None:
        """Take note that the model has begun to answer."""

    def text(self, response_id: str, delta: str) -> None:
        """Take text of a written answer."""

    def message(self, response_id: str, number: int) -> None:
        """Take note that something will be said before what follows now."""

    def clause(self, response_id: str, text: str, message: int) -> None:
        """Take a clause that will be spoken, in the message of this number."""

    def speech(self, response_id: str, audio: bytes, words: list[tuple[int, int]]) -> None:
        """Take audio of the clause."""

    def clause_end(self, response_id: str) -> None:
        """Take the end of the clause."""

    def message_end(self, response_id: str, number: int) -> None:
        """Take the end of a message's clauses."""

    def function_call(self, response_id: str, delta: FunctionCallDelta) -> None:
        """Take a piece of a function call."""

    def calls_end(self, response_id: str) -> None:
        """Take note that the function calls are complete."""

    def finish(self, response_id: str, reason: FinishReason, counted: CountedTokens | None) -> None:
        """Take the end of the answer."""

    async def room(self, response_id: str) -> None:
        """Wait until the audio that is not yet sent has shrunk to its bound."""


class Answer:
    """Performs one response; cancelling `run` stops model and synthesiser at once.

    Args:
        engines: who thinks and speaks.
        request: what the conversation asked for.
        stage: where the results go.
        user: an opaque name of the session.
        apology: what is said when the model fails, so that the person does not wait in silence.
    """

    def __init__(
        self, engines: Engines, request: StartResponse, stage: Stage, user: str, apology: str = ""
    ) -> None:
        self._llm: LanguageModel = engines.llm
        self._synthesizer: Synthesizer = engines.synthesizer
        self._request = request
        self._stage = stage
        self._id = request.response_id
        self._clauses: asyncio.Queue[_Clause | None] = asyncio.Queue(CLAUSES_AHEAD)
        self._message = 0  # the number of the message that is being thought
        self._said_something = False  # in that message
        self._splitter = ClauseSplitter()
        self._done = ModelDone()
        self._apology = apology
        self._failure: Exception | None = None
        self._ask = ModelRequest(
            instructions=request.instructions,
            items=request.items,
            tools=request.tools,
            tool_choice=request.tool_choice,
            parallel_tool_calls=request.parallel_tool_calls,
            max_output_tokens=request.max_output_tokens,
            user=user,
            options=_wishes(request),
        )

    async def run(self) -> None:
        """Perform the answer.

        Raises:
            EngineError: the model or the synthesiser failed.
        """
        try:
            async with asyncio.TaskGroup() as group:
                if self._request.modality == "audio":
                    group.create_task(self._speak())
                await self._think()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        if self._failure is not None:
            raise self._failure
        spent = self._done.usage
        counted = None
        if spent is not None:
            counted = CountedTokens(spent.input_tokens, spent.output_tokens, spent.cached_tokens)
        self._stage.finish(self._id, self._done.reason, counted)

    async def _think(self) -> None:
        if self._request.modality == "text":
            await self._listen_to_model(spoken=False)
            return
        try:
            await self._listen_to_model(spoken=True)
        except Exception as failure:  # noqa: BLE001  # raised by `run` once the apology has been spoken
            self._failure = failure
            await self._say_rest()
            if self._apology:
                await self._say(self._apology)
        await self._say_rest()
        await self._clauses.put(None)

    async def _listen_to_model(self, *, spoken: bool) -> None:
        begun = False
        async with aclosing(self._llm.respond(self._ask)) as events:
            async for event in events:
                if not begun:
                    begun = True
                    self._stage.first_token(self._id)
                match event:
                    case TextDelta(text) if spoken:
                        for clause in self._splitter.feed(text):
                            await self._say(clause)
                    case TextDelta(text):
                        self._stage.text(self._id, text)
                    case FunctionCallDelta():
                        if spoken:
                            await self._end_message()
                        self._stage.function_call(self._id, event)
                    case ModelDone():
                        self._done = event
        if self._done.reason == "stop":
            self._stage.calls_end(self._id)

    async def _say(self, clause: str) -> None:
        self._said_something = True
        await self._clauses.put(_Clause(self._message, clause))

    async def _say_rest(self) -> None:
        for clause in self._splitter.flush():
            await self._say(clause)

    async def _end_message(self) -> None:
        """Give what was said before a function call its place; the call does not wait until it is spoken."""
        await self._say_rest()
        if self._said_something:
            self._stage.message(self._id, self._message)
            await self._clauses.put(_Clause(self._message))
            self._message += 1
            self._said_something = False

    async def _speak(self) -> None:
        request = self._request
        options = SpeechOptions(voice=request.voice, speed=request.speed)
        while (clause := await self._clauses.get()) is not None:
            if clause.text is None:
                self._stage.message_end(self._id, clause.message)
                continue
            self._stage.clause(self._id, clause.text, clause.message)
            encoder = Encoder(self._synthesizer.sample_rate, request.fmt)
            async with aclosing(paced(self._synthesizer, clause.text, options)) as chunks:
                async for chunk in chunks:
                    words = [(word.end, word.end_ms) for word in chunk.words]
                    audio = encoder.process(chunk.pcm)
                    if audio or words:
                        self._stage.speech(self._id, audio, words)
                        await self._stage.room(self._id)
            self._stage.speech(self._id, encoder.flush(), [])
            self._stage.clause_end(self._id)


def _wishes(request: StartResponse) -> ModelOptions | None:
    """Return what the client asks of the model beyond the conversation, or `None` when that is nothing."""
    if request.effort is None and request.temperature is None:
        return None
    return ModelOptions(reasoning_effort=request.effort, temperature=request.temperature)
