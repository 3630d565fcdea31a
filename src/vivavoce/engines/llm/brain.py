"""The built-in brain: a small deterministic language model without weights, good enough for a first run."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence

from vivavoce.conversation.tokens import text_tokens
from vivavoce.engines.base import (
    FunctionCallDelta,
    ModelDone,
    ModelEvent,
    ModelRequest,
    TextDelta,
)
from vivavoce.engines.llm.planner import Calls, Planner
from vivavoce.engines.llm.smalltalk import STAND_IN, stand_in

_PIECES = re.compile(r"\S+\s*|\s+")
_ARGUMENT_PIECE = 16  # characters of one piece of a call's arguments


def _output(request: ModelRequest, plainly: Sequence[str]) -> list[TextDelta | FunctionCallDelta]:
    """Return the whole answer in the pieces it is streamed in."""
    plan = Planner(request, plainly).plan()
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

    Args:
        cure: what connects a real language model, in words that may be spoken; ``None`` names the option of
            the commands and the one of programs.
    """

    def __init__(self, cure: str | None = None) -> None:
        self._plainly = STAND_IN if cure is None else stand_in(cure)

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the answer in words, or the function calls in pieces; never raises.

        Args:
            request: what is asked; `max_output_tokens` is honoured by an estimate, as there is no tokenizer.
        """
        limit = request.max_output_tokens
        spent = 0
        for piece in _output(request, self._plainly):
            text = piece.text if isinstance(piece, TextDelta) else (piece.name or piece.arguments)
            spent += text_tokens(text)
            if limit is not None and spent > limit:
                yield ModelDone("max_output_tokens")
                return
            yield piece
            await asyncio.sleep(0)
        yield ModelDone()

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""
