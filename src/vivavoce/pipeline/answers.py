"""The answers of a session: each is thought and spoken in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from vivavoce.conversation.effects import CancelResponse, Effect, StartResponse
from vivavoce.conversation.response import FinishReason
from vivavoce.conversation.server import BACKLOG_LIMIT_MS
from vivavoce.conversation.tokens import CountedTokens
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.errors import EngineError
from vivavoce.pipeline.answering import Answer
from vivavoce.pipeline.backstage import Backstage


class Answers:
    """Carries out the responses that the conversation wishes for.

    Args:
        backstage: what the session shares.
    """

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._stage = _Stage(backstage)
        self._tasks = backstage.tasks
        self._answers: dict[str, asyncio.Task[None]] = {}
        self.performers: Mapping[type[Effect], Callable[[Any], None]] = {
            StartResponse: self._start_response,
            CancelResponse: self._cancel_response,
        }

    def _start_response(self, effect: StartResponse) -> None:
        task = self._tasks.spawn(self._answer(effect), f"answer {effect.response_id}")
        if task is not None:
            self._answers[effect.response_id] = task

    def _cancel_response(self, effect: CancelResponse) -> None:
        if (task := self._answers.pop(effect.response_id, None)) is not None:
            task.cancel()

    # --- thinking and speaking ----------------------------------------------------------------------------

    async def _answer(self, request: StartResponse) -> None:
        response_id, stage = request.response_id, self._backstage
        try:
            await Answer(stage.engines, request, self._stage, stage.session_id, stage.options.apology).run()
        except Exception as error:  # noqa: BLE001  # whatever an engine raises, the session goes on
            code = "engine_error" if isinstance(error, EngineError) else "server_error"
            message = stage.explain("An answer failed", error, response_id=response_id)
            stage.feed(lambda talk, now: talk.receive_failure(response_id, code, message, now))
        finally:
            self._answers.pop(response_id, None)


class _Stage:
    """Passes an answer's results to the conversation."""

    def __init__(self, backstage: Backstage) -> None:
        self._feed = backstage.feed
        self._conversation = backstage.conversation

    def first_token(self, response_id: str) -> None:
        self._feed(lambda conversation, now: conversation.receive_first_token(response_id, now))

    def text(self, response_id: str, delta: str) -> None:
        self._feed(lambda conversation, now: conversation.receive_text(response_id, delta, now))

    def message(self, response_id: str, number: int) -> None:
        self._feed(lambda conversation, _now: conversation.receive_message(response_id, number))

    def clause(self, response_id: str, text: str, message: int) -> None:
        self._feed(lambda conversation, now: conversation.receive_clause(response_id, text, now, message))

    def speech(self, response_id: str, audio: bytes, words: list[tuple[int, int]]) -> None:
        self._feed(lambda conversation, now: conversation.receive_speech(response_id, audio, words, now))

    def clause_end(self, response_id: str) -> None:
        self._feed(lambda conversation, now: conversation.receive_clause_end(response_id, now))

    def message_end(self, response_id: str, number: int) -> None:
        self._feed(lambda conversation, now: conversation.receive_message_end(response_id, number, now))

    def function_call(self, response_id: str, delta: FunctionCallDelta) -> None:
        self._feed(
            lambda conversation, now: conversation.receive_function_call(
                response_id, delta.index, delta.name or "", delta.arguments, delta.call_id, now
            )
        )

    def calls_end(self, response_id: str) -> None:
        self._feed(lambda conversation, _now: conversation.receive_calls_end(response_id))

    def finish(self, response_id: str, reason: FinishReason, counted: CountedTokens | None) -> None:
        self._feed(lambda conversation, now: conversation.receive_finish(response_id, reason, counted, now))

    async def room(self, response_id: str) -> None:
        """Wait while more audio of a response is unsent than its bound; it leaves at the speed of time."""
        # No event tells of it: the audio leaves at the speed of time, so the wait is known beforehand. It is
        # repeated only when the client read too slowly meanwhile, and then not more than once a second.
        while (excess := self._conversation.backlog_ms(response_id) - BACKLOG_LIMIT_MS) > 0:  # noqa: ASYNC110
            await asyncio.sleep(max(excess / 1000, 1.0))
