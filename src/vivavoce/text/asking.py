"""One answer of a model: asked for, read piece by piece, put together."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass

from vivavoce.engines.base import (
    FunctionCallDelta,
    LanguageModel,
    ModelDone,
    ModelEvent,
    ModelRequest,
    TextDelta,
)
from vivavoce.errors import EngineError
from vivavoce.protocol import FunctionCallItem, MessageItem, OutputText
from vivavoce.text.failures import ModelBehaviorError
from vivavoce.text.items import ModelResponse
from vivavoce.text.stream_events import (
    RawResponsesStreamEvent,
    ResponseCompletedEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
    StreamEvent,
)

Emit = Callable[[StreamEvent], None]


async def ask(
    model: LanguageModel,
    request: ModelRequest,
    *,
    timeout_s: float,
    emit: Emit,
    taken: Collection[str] = (),
) -> ModelResponse:
    """Return the model's answer.

    Args:
        model: who is asked.
        request: what is asked.
        timeout_s: seconds to wait for each piece.
        emit: takes each piece as it comes.
        taken: call ids of earlier calls. Some servers number the calls of every answer anew; a call with
            such an id gets another.

    Raises:
        EngineError: the model failed, or sent nothing for too long.
        ModelBehaviorError: it calls a function without a name.
    """
    emit(RawResponsesStreamEvent(ResponseCreatedEvent()))
    answer = _Answer(emit)
    async with aclosing(model.respond(request)) as events:
        while True:
            try:
                async with asyncio.timeout(timeout_s):
                    event = await anext(events, None)
            except TimeoutError:
                raise EngineError(f"the model sent nothing for {timeout_s:g} s") from None
            if event is None:
                break
            answer.take(event)
    response = answer.complete(taken)
    emit(RawResponsesStreamEvent(ResponseCompletedEvent(response)))
    return response


@dataclass(slots=True)
class _Call:
    name: str
    call_id: str | None
    arguments: str = ""


class _Answer:
    """Puts the pieces of one answer together."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._text: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._done = ModelDone()

    def take(self, event: ModelEvent) -> None:
        """Take the next piece."""
        if isinstance(event, TextDelta):
            self._text.append(event.text)
            self._emit(RawResponsesStreamEvent(ResponseTextDeltaEvent(event.text)))
        elif isinstance(event, FunctionCallDelta):
            call = self._calls.setdefault(event.index, _Call(event.name or "", event.call_id))
            call.arguments += event.arguments
            self._emit(
                RawResponsesStreamEvent(
                    ResponseFunctionCallArgumentsDeltaEvent(event.arguments, call.name, event.index)
                )
            )
        else:
            self._done = event

    def complete(self, taken: Collection[str]) -> ModelResponse:
        """Return the answer."""
        text = "".join(self._text)
        known = set(taken)
        calls = []
        for call in self._calls.values():
            if not call.name:
                raise ModelBehaviorError("the model called a function without saying which")
            call_id = call.call_id
            if not call_id or call_id in known:
                call_id = f"call_{uuid.uuid4().hex}"
            known.add(call_id)
            calls.append(FunctionCallItem(name=call.name, arguments=call.arguments, call_id=call_id))
        said = [MessageItem(role="assistant", content=[OutputText(text=text)])] if text else []
        return ModelResponse((*said, *calls), self._done.usage, self._done.reason)
