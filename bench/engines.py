"""Measurements of what runs on this machine without a model hub: the embedded engines, and work per frame."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import aclosing

import numpy as np

from bench.report import Cell, Figures, Report
from bench.speech import FRAME_BYTES, RATE, speech
from vivavoce.audio.g711 import decode_ulaw, encode_ulaw
from vivavoce.audio.resample import ChunkResampler, Resampler
from vivavoce.engines.base import (
    ModelRequest,
    SpeechOptions,
    Synthesizer,
    Transcriber,
    TranscriptionOptions,
)
from vivavoce.engines.registry import build_local_engines
from vivavoce.protocol import InputText, MessageItem, ResponseOutputAudioDelta
from vivavoce.protocol.codec import decode_client_event, decode_server_event, encode_text, to_builtins

SENTENCE = "The weather in Oslo is sunny today, with a light wind from the west."
QUESTION = "What can you do for me?"
_TIMES = 5


def engines(report: Report) -> None:
    """Measure the embedded engines."""
    report.progress("the embedded engines")
    built = build_local_engines()
    rows: list[tuple[Cell, ...]] = []
    rng = np.random.default_rng(0)
    for count in (1, 64, 200):
        slots = [built.vad.open() for _ in range(count)]
        chunks = rng.integers(-3000, 3000, (count, built.vad.chunk_samples), np.int16)
        step_us = _best_us(lambda slots=slots, chunks=chunks: built.vad.probabilities(slots, chunks), 50)  # type: ignore[misc]  # mypy does not infer lambdas with defaults
        for slot in slots:
            built.vad.close(slot)
        chunk_us = built.vad.chunk_samples / built.vad.sample_rate * 1e6
        rows.append(
            (
                f"Silero VAD, {count} at once",
                step_us / count / chunk_us,
                f"{step_us / count:.1f} µs per 32 ms",
            )
        )

    async def with_loop() -> None:
        rows.append(await _transcription(built.transcriber))
        rows.append(await _synthesis(built.synthesizer))
        request = ModelRequest(items=(MessageItem(role="user", content=[InputText(text=QUESTION)]),))
        times = []
        for _ in range(_TIMES):
            begin = time.perf_counter()
            async with aclosing(built.llm.respond(request)) as events:
                async for _event in events:
                    pass
            times.append((time.perf_counter() - begin) * 1000)
        rows.append(("built-in brain", None, f"{statistics.median(times):.2f} ms per answer"))
        await built.aclose()

    asyncio.run(with_loop())
    note = "Real-time factor: share of one core; 0.01 is a hundred times as fast as speech."
    report.add(
        "engines", Figures("Embedded engines", ("engine", "real-time factor", "and"), tuple(rows), note)
    )


async def _transcription(transcriber: Transcriber) -> tuple[Cell, ...]:
    """Transcribe as fast as it goes, then in real time."""
    pcm, _ = speech()
    pcm = Resampler(RATE, transcriber.sample_rate).process(pcm) * 2
    seconds = len(pcm) / 2 / transcriber.sample_rate
    warm = transcriber.open(TranscriptionOptions(), lambda _text: None)
    await warm.finish()
    begin = time.perf_counter()
    stream = transcriber.open(TranscriptionOptions(), lambda _text: None)
    stream.feed(pcm)
    await stream.finish()
    factor = (time.perf_counter() - begin) / seconds
    stream = transcriber.open(TranscriptionOptions(), lambda _text: None)
    stride = transcriber.sample_rate // 10 * 2
    for at in range(0, len(pcm), stride):
        stream.feed(pcm[at : at + stride])
        await asyncio.sleep(0.1)
    begin = time.perf_counter()
    await stream.finish()
    return "pocketsphinx", factor, f"{(time.perf_counter() - begin) * 1000:.0f} ms from end of speech to text"


async def _synthesis(synthesizer: Synthesizer) -> tuple[Cell, ...]:
    factors, first = [], []
    for _ in range(_TIMES):
        begin, size, heard = time.perf_counter(), 0, 0.0
        async with aclosing(synthesizer.synthesize(SENTENCE, SpeechOptions())) as chunks:
            async for chunk in chunks:
                heard = heard or (time.perf_counter() - begin)
                size += len(chunk.pcm)
        factors.append((time.perf_counter() - begin) / (size / 2 / synthesizer.sample_rate))
        first.append(heard * 1000)
    first_ms = statistics.median(first)
    return "espeak-ng", statistics.median(factors), f"{first_ms:.1f} ms to first audio"


def frames(report: Report) -> None:
    """Measure what is done to every 20 ms of audio."""
    report.progress("work per frame")
    pcm, _ = speech()
    frame = pcm[FRAME_BYTES * 5 : FRAME_BYTES * 6]
    down, up = Resampler(RATE, 16000), Resampler(22050, RATE, quality="LQ")
    batch = ChunkResampler(RATE, 16000, 512)
    heard = np.zeros((64, batch.HISTORY + batch.source_samples), np.int16)
    narrow = frame[: FRAME_BYTES // 3]
    ulaw = encode_ulaw(narrow)
    delta = ResponseOutputAudioDelta(
        event_id="event_1",
        response_id="resp_1",
        item_id="item_1",
        output_index=0,
        content_index=0,
        delta=frame,
    )
    text = encode_text(delta)
    append = '{"type":"input_audio_buffer.append","audio":"' + str(to_builtins(delta)["delta"]) + '"}'
    work: list[tuple[str, Callable[[], object]]] = [
        ("resample 24 to 16 kHz, QQ (for a transcriber)", lambda: down.process(frame)),
        ("resample 22.05 to 24 kHz, LQ (what is spoken)", lambda: up.process(frame[:882])),
        ("µ-law to PCM16", lambda: decode_ulaw(ulaw)),
        ("PCM16 to µ-law", lambda: encode_ulaw(narrow)),
        ("decode input_audio_buffer.append", lambda: decode_client_event(append)),
        ("encode response.output_audio.delta", lambda: encode_text(delta)),
        ("decode response.output_audio.delta", lambda: decode_server_event(text)),
    ]
    per_frame = _best_us(lambda: batch.convert(heard), 200) / len(heard) * 20 / 32
    rows = (
        *((name, _best_us(function, 2000)) for name, function in work),
        ("resample 64 streams at once (for the detector), each", per_frame),
    )
    report.add(
        "frames", Figures("Work on 20 ms of audio", ("work", "µs"), rows, "Best of five; caches are warm.")
    )


def _best_us(function: Callable[[], object], count: int) -> float:
    function()
    best = float("inf")
    for _ in range(_TIMES):
        begin = time.perf_counter()
        for _ in range(count):
            function()
        best = min(best, time.perf_counter() - begin)
    return best / count * 1e6
