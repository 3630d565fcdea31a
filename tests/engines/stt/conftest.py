"""Spoken clips at the transcriber's rate, and a Whisper model that is made on the spot."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soxr

from vivavoce.audio.g711 import decode_ulaw, encode_ulaw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def spoken_pcm(speech_clip: Callable[..., Path]) -> Callable[..., bytes]:
    """Speak a text: ``spoken_pcm(text, voice)`` returns PCM16 at 16 kHz, with the silence of a live line
    before and after it.
    """

    def speak(text: str, voice: str = "slt", before_ms: int = 300) -> bytes:
        with wave.open(str(speech_clip(text, voice))) as clip:
            samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
        heard: bytes = soxr.resample(samples, 24_000, 16_000).astype("<i2").tobytes()
        return bytes(before_ms * 32) + heard + bytes(16_000)

    return speak


@pytest.fixture(scope="session")
def over_telephone() -> Callable[[bytes], bytes]:
    """What remains of PCM16 at 16 kHz after a telephone line: 8 kHz, G.711 mu-law."""

    def call(pcm: bytes) -> bytes:
        narrow = soxr.resample(np.frombuffer(pcm, "<i2"), 16_000, 8_000).astype("<i2")
        heard = np.frombuffer(decode_ulaw(encode_ulaw(narrow.tobytes())), "<i2")
        wide: bytes = soxr.resample(heard, 8_000, 16_000).astype("<i2").tobytes()
        return wide

    return call


LANGUAGES = ["en", "de", "fr", *(f"x{number}" for number in range(96))]
SCRIPT = {0: "<|en|>", 2: "<|0.00|>", 3: "ĠHello", 4: "Ġworld", 5: ".", 6: "<|1.00|>"}
"""What the model answers at each place of its output: " Hello world." in the first second, then the end."""

UNITS = 8


@pytest.fixture(scope="session")
def tiny_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Whisper weights in CTranslate2's form, of the real shape and a thousandth of the size.

    It hears "Hello world." in everything: what is said depends on the place in the output alone. A prompt
    moves the output along, so that it begins in the middle of the sentence or says nothing.
    """
    specs = pytest.importorskip("ctranslate2.specs", reason="needs vivavoce[whisper]")
    folder = tmp_path_factory.mktemp("whisper")
    tokens = _save_tokenizer(folder / "tokenizer.json")
    spec = specs.WhisperSpec(1, 1, 1, 1)
    _fill_encoder(spec.encoder)
    _fill_decoder(spec.decoder, tokens)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [tokens.index(f"<|{language}|>") for language in LANGUAGES]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    return folder


def _save_tokenizer(path: Path) -> list[str]:
    """Write a tokenizer of Whisper's shape: bytes, two words, fillers, special tokens, moments of time."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    text = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "ĠHello", "Ġworld"]
    text += [f"Ġw{number}" for number in range(50_256 - len(text))]
    text.append("")  # by this one CTranslate2 knows a model of many languages
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    names = ["endoftext", "startoftranscript", *LANGUAGES, *tasks]
    special = [f"<|{name}|>" for name in names] + [f"<|{place * 0.02:.2f}|>" for place in range(1501)]
    tokenizer = Tokenizer(models.BPE(vocab={token: place for place, token in enumerate(text)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(path))
    return text + special


def _fill_encoder(encoder: Any) -> None:
    rng = np.random.default_rng(0)
    for layer, inputs in ((encoder.conv1, 80), (encoder.conv2, UNITS)):
        layer.weight = rng.normal(0, 0.1, (UNITS, inputs, 3)).astype(np.float32)
        layer.bias = np.zeros(UNITS, np.float32)
    encoder.position_encodings.encodings = rng.normal(0, 0.1, (1500, UNITS)).astype(np.float32)
    _fill_norm(encoder.layer_norm)
    _fill_attention(encoder.layer[0].self_attention, (3, 1), 0.1)
    _fill_network(encoder.layer[0].ffn, 0.1)


def _fill_decoder(decoder: Any, tokens: list[str]) -> None:
    """Let nothing but the place in the output decide what comes next."""
    decoder.embeddings.weight = np.zeros((len(tokens), UNITS), np.float32)
    places = np.zeros((448, UNITS), np.float32)
    places[np.arange(448), np.arange(448) % UNITS] = 1
    decoder.position_encodings.encodings = places
    _fill_norm(decoder.layer_norm)
    _fill_attention(decoder.layer[0].self_attention, (3, 1), 0.0)
    _fill_attention(decoder.layer[0].attention, (1, 2, 1), 0.0)
    _fill_network(decoder.layer[0].ffn, 0.0)
    answers = np.zeros((len(tokens), UNITS), np.float32)
    for place in range(UNITS):
        answers[tokens.index(SCRIPT.get(place, "<|endoftext|>")), place] = 10
    answers[tokens.index("<|de|>"), 0] = 8  # the second likeliest language
    decoder.projection.weight = answers
    decoder.projection.bias = np.zeros(len(tokens), np.float32)


def _fill_norm(norm: Any) -> None:
    norm.gamma, norm.beta = np.ones(UNITS, np.float32), np.zeros(UNITS, np.float32)


def _fill_attention(attention: Any, sizes: tuple[int, ...], loudness: float) -> None:
    _fill_norm(attention.layer_norm)
    rng = np.random.default_rng(1)
    for linear, size in zip(attention.linear, sizes, strict=True):
        linear.weight = rng.normal(0, 1, (size * UNITS, UNITS)).astype(np.float32)
        linear.bias = np.zeros(size * UNITS, np.float32)
    attention.linear[-1].weight *= np.float32(loudness)


def _fill_network(network: Any, loudness: float) -> None:
    _fill_norm(network.layer_norm)
    rng = np.random.default_rng(2)
    for linear, scale in ((network.linear_0, 0.1), (network.linear_1, loudness)):
        linear.weight = rng.normal(0, scale, (UNITS, UNITS)).astype(np.float32)
        linear.bias = np.zeros(UNITS, np.float32)
