"""What the mind and the mouth make: results of the engines on their way into the responses."""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.conversation.answering import Responder
from vivavoce.conversation.response import FinishReason, ResponseState, RunningResponse
from vivavoce.conversation.tokens import CountedTokens


class EngineResults:
    """The part of a `ServerConversation` that takes what language model and synthesiser make.

    Results may come late: those of a response that has ended are dropped.

    Args:
        responder: the responses.
    """

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    def response_over(self, now: float) -> None:
        """Do what follows when no response of the conversation is active any more."""
        raise NotImplementedError

    def _running(self, response_id: str) -> RunningResponse | None:
        """Return the response if it is being generated: results may come late, after its end."""
        response = self._responder.get(response_id)
        return response if response is not None and response.state is ResponseState.GENERATING else None

    def receive_first_token(self, response_id: str, now: float) -> None:
        """Take note that the model has begun to answer."""
        if (response := self._running(response_id)) is not None:
            response.stages.setdefault("first_token", now)

    def receive_text(self, response_id: str, delta: str, now: float) -> None:
        """Take text of a written answer."""
        if (response := self._running(response_id)) is not None:
            response.text(delta, now)
            self._settled(response, now)

    def receive_message(self, response_id: str, number: int) -> None:
        """Take note that something will be said before what follows now: a message of its own."""
        if (response := self._running(response_id)) is not None:
            response.open_message(number)

    def receive_clause(self, response_id: str, text: str, now: float, message: int = 0) -> None:
        """Take a clause that will be spoken, in the message of this number; its audio follows."""
        if (response := self._running(response_id)) is not None:
            response.begin_clause(text, now, message)

    def receive_speech(
        self, response_id: str, audio: bytes, words: Sequence[tuple[int, int]], now: float
    ) -> None:
        """Take audio of the clause, in the response's format, with words `(end, end_ms)` in it."""
        if (response := self._running(response_id)) is not None:
            response.audio(audio, words, now)
            self._settled(response, now)

    def receive_clause_end(self, response_id: str, now: float) -> None:
        """Take the end of the clause's audio."""
        if (response := self._running(response_id)) is not None:
            response.end_clause(now)

    def receive_message_end(self, response_id: str, number: int, now: float) -> None:
        """Take the end of a spoken message: all its clauses have their audio."""
        if (response := self._running(response_id)) is not None:
            response.end_message(number, now)

    def receive_function_call(
        self, response_id: str, index: int, name: str, arguments: str, call_id: str | None, now: float
    ) -> None:
        """Take a piece of a function call; pieces with the same index make one call."""
        if (response := self._running(response_id)) is not None:
            response.function_call(index, name, arguments, call_id, now)
            self._settled(response, now)

    def receive_calls_end(self, response_id: str) -> None:
        """Take the end of thought: the function calls are complete, though speech may still be made."""
        if (response := self._running(response_id)) is not None:
            response.end_calls()

    def receive_finish(
        self, response_id: str, reason: FinishReason, counted: CountedTokens | None, now: float
    ) -> None:
        """Take the end of generation, and what the model counted: nothing more comes for this response."""
        if (response := self._running(response_id)) is not None:
            response.finish(reason, counted, now)
            self._settled(response, now)

    def _settled(self, response: RunningResponse, now: float) -> None:
        if self._responder.settle(response, now):
            self.response_over(now)

    def receive_failure(self, response_id: str, code: str, message: str, now: float) -> None:
        """Take the failure of an engine: the response ends, the session goes on."""
        if (response := self._running(response_id)) is not None:
            self._responder.fail(response, code, message, now)
            self.response_over(now)
