"""What a set of engines can do, as the conversation must know it to accept or refuse a client's wishes."""

from __future__ import annotations

from dataclasses import replace

from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.base import Engines


def equipped(options: SessionOptions, engines: Engines) -> SessionOptions:
    """Return the operator's options with what the engines can do.

    What the operator decided already (`voices`, `stored_prompt`) stays.

    Args:
        options: what the operator decided.
        engines: who hears, thinks and speaks.
    """
    speaker, ears = engines.synthesizer, engines.transcriber
    if not options.voices:
        options = replace(options, voices=speaker.voice_names, knows_voice=speaker.knows_voice)
    if options.stored_prompt is None and engines.prompts is not None:
        options = replace(options, stored_prompt=engines.prompts.get)
    return replace(
        options,
        transcription_honours=frozenset(getattr(ears, "honours", ())),
        transcription_languages=tuple(getattr(ears, "languages", ())),
        transcription_revised=bool(getattr(ears, "revises", False)),
        model_honours=frozenset(getattr(engines.llm, "honours", ())),
        noise_reduction=engines.noise is not None,
    )
