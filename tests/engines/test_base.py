"""The ports: who fits them, and how a set of engines closes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vivavoce.engines.base import (
    EngineCost,
    LanguageModel,
    Synthesizer,
    Transcriber,
    VoiceActivityDetector,
)
from vivavoce.engines.bench import BenchModel, BenchSynthesizer, BenchTranscriber
from vivavoce.engines.scripted import (
    LoudnessVad,
    ScriptedModel,
    ScriptedSynthesizer,
    ScriptedTranscriber,
    scripted_engines,
)
from vivavoce.engines.turn.builtin import BuiltinTurnEnd
from vivavoce.testing import run


@pytest.mark.parametrize(
    ("engine", "port"),
    [
        (LoudnessVad(), VoiceActivityDetector),
        (ScriptedTranscriber(), Transcriber),
        (ScriptedModel(), LanguageModel),
        (ScriptedSynthesizer(), Synthesizer),
        (BenchTranscriber(), Transcriber),
        (BenchModel(), LanguageModel),
        (BenchSynthesizer(), Synthesizer),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_engines_fit_their_ports(engine: object, port: type) -> None:
    assert isinstance(engine, port)
    assert not isinstance(object(), port)


def test_engines_cost_nothing_unless_they_say_so() -> None:
    assert scripted_engines().cost == EngineCost(cores=0.0)


def test_the_judge_of_turns_is_warmed_and_closed_with_the_others() -> None:
    events: list[str] = []

    class Judge(BuiltinTurnEnd):
        async def prewarm(self) -> None:
            events.append("warm")

        async def aclose(self) -> None:
            events.append("closed")

    async def main() -> None:
        engines = replace(scripted_engines(), turn=Judge())
        await engines.prewarm()
        await engines.aclose()

    run(main())
    assert events == ["warm", "closed"]


def test_closing_goes_on_when_one_engine_fails_to_close() -> None:
    closed: list[str] = []

    class Ears(ScriptedTranscriber):
        async def aclose(self) -> None:
            closed.append("ears")
            raise RuntimeError("stuck")

    class Mind(ScriptedModel):
        async def aclose(self) -> None:
            closed.append("mind")

    class Mouth(ScriptedSynthesizer):
        async def aclose(self) -> None:
            closed.append("mouth")

    engines = replace(scripted_engines(), transcriber=Ears(), llm=Mind(), synthesizer=Mouth())
    with pytest.raises(RuntimeError, match="stuck"):
        run(engines.aclose())
    assert closed == ["ears", "mind", "mouth"]
