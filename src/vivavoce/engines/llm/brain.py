"""The built-in brain: a small deterministic language model without weights, good enough for a first run."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator

from vivavoce.engines.base import (
    FunctionCallDelta,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    TextDelta,
)
from vivavoce.engines.llm import turns
from vivavoce.engines.llm.planner import Calls, Planner
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, MessageItem

_PIECES = re.compile(r"\S+\s*|\s+")
_ARGUMENT_PIECE = 16  # characters of one piece of a call's arguments


def count_tokens(text: str) -> int:
    """Estimate how many tokens a text has: one for every four characters begun, none for no text."""
    return (len(text) + 3) // 4


def _input_tokens(request: ModelRequest) -> int:
    total = count_tokens(request.instructions)
    for item in request.items:
        if isinstance(item, MessageItem):
            total += count_tokens(turns.text_of(item))
        elif isinstance(item, FunctionCallItem):
            total += count_tokens(item.name) + count_tokens(item.arguments)
        elif isinstance(item, FunctionCallOutputItem):
            total += count_tokens(item.output)
    for tool in request.tools:
        description = tool.description if isinstance(tool.description, str) else ""
        total += count_tokens(tool.name) + count_tokens(description)
    return total


def _output(request: ModelRequest) -> list[TextDelta | FunctionCallDelta]:
    """Return the whole answer in the pieces it is streamed in."""
    plan = Planner(request).plan()
    if not isinstance(plan, Calls):
        return [TextDelta(piece) for piece in _PIECES.findall(plan.text)]
    pieces: list[TextDelta | FunctionCallDelta] = []
    for index, call in enumerate(plan.calls):
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        pieces.append(FunctionCallDelta(index, name=call.name))
        pieces += [
            FunctionCallDelta(index, arguments=arguments[at : at + _ARGUMENT_PIECE])
            for at in range(0, len(arguments), _ARGUMENT_PIECE)
        ]
    return pieces


class BuiltinBrain:
    """A `LanguageModel` of rules: matches requests to tools, fills their arguments, speaks their results.

    It chooses a tool by the words of its name, description and parameters, asks for a required argument that
    was not said, makes several calls for several wishes, and otherwise says plainly that it is a stand-in.
    It keeps nothing between calls: the same request always has the same answer.
    """

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the answer in words, or the function calls in pieces; never raises.

        Args:
            request: what is asked; `max_output_tokens` is honoured by the estimate of `count_tokens`.
        """
        limit = request.max_output_tokens
        input_tokens, output_tokens = _input_tokens(request), 0
        for piece in _output(request):
            text = piece.text if isinstance(piece, TextDelta) else (piece.name or piece.arguments)
            cost = count_tokens(text)
            if limit is not None and output_tokens + cost > limit:
                yield ModelDone("max_output_tokens", ModelUsage(input_tokens, output_tokens))
                return
            output_tokens += cost
            yield piece
            await asyncio.sleep(0)
        yield ModelDone("stop", ModelUsage(input_tokens, output_tokens))

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""
