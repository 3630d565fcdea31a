"""The local model with scripted engines: it hears real audio, and knows what it will understand and say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import Step, scripted_engines
from vivavoce.errors import ConfigurationError, EngineError
from vivavoce.testing.answers import Answer, Failure, Part, Pause, ToolCall
from vivavoce.testing.tones import WORD_MS

if TYPE_CHECKING:
    from vivavoce.pipeline import SessionOptions


def local_test_model(
    answers: Iterable[Answer | str] = (),
    *,
    hears: Iterable[str] = (),
    word_ms: int = WORD_MS,
    options: SessionOptions | None = None,
) -> LocalRealtimeModel:
    """Return a model with real turn-taking and scripted words, for a `SimulatedCaller` to talk to.

    It notices by loudness when somebody speaks, is interrupted, cuts its answers where the ear was: what a
    server does. On the virtual clock it does the same every time.

    Args:
        answers: what it says and calls, one for each response, in order; a text is spoken. Lengths and paces
            are not used: every word takes `word_ms`.
        hears: what it understands, one text for each utterance, in order.
        word_ms: length of a spoken word.
        options: what an operator decides about sessions.
    """
    script = [_steps(answer) for answer in answers]
    return LocalRealtimeModel(scripted_engines(hears=hears, answers=script, word_ms=word_ms), options=options)


def _steps(answer: Answer | str) -> Sequence[Step]:
    if isinstance(answer, str):
        return [answer]
    return [_engine_step(index, part) for index, part in enumerate(answer.parts)]


def _engine_step(index: int, part: Part) -> Step:
    if isinstance(part, ToolCall):
        if part.call_id is not None:
            raise ConfigurationError(f"call_id {part.call_id!r}: the local model makes these ids itself")
        return FunctionCallDelta(index, part.name, part.arguments)
    if isinstance(part, Failure):
        return EngineError(part.message)
    return part if isinstance(part, Pause) else part.text
