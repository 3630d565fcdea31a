"""The decoder's side of the pipe: one pocketsphinx decoder in a process of its own.

pocketsphinx keeps Python's interpreter lock while it decodes (seconds for a long segment), so a thread would
stop the event loop. This file is run by its path, and imports nothing but the standard library
and pocketsphinx, so that a worker starts in half a second and stays small.

One request, one reply. A request is a byte that names it, a length (4 bytes, little endian) and that many
bytes; a reply is one line of JSON:

========  ============================  ==================================================================
request   payload                       reply
========  ============================  ==================================================================
(none)                                  `{}` once the model is loaded, or `{"fatal": reason}`
``s``     none                          `{}`: a fresh segment has begun, what was open is dropped
``d``     PCM16, 16 kHz                 `{"words": newly settled words, "pause_ms": silence since the last,
                                        "guess": words that may still change}`
``w``     PCM16, 16 kHz                 `{"text": its words, "confidences": one each, 0 to 1}`; a segment that
                                        was open is dropped
========  ============================  ==================================================================

A request that fails is answered by `{"error": reason}`. The worker ends when its standard input does: when
the parent closes it, and when the parent dies of whatever cause.
"""

from __future__ import annotations

import json
import os
import re
import struct
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

HEADER = struct.Struct("<cI")
"""Name of the request and length of its payload."""

FRAME_MS = 10
SETTLING_FRAMES = 50
"""A word is settled when it ended this long ago: the best path rarely changes further back."""

_PRONUNCIATION = re.compile(r"\(\d+\)$")


def spoken(words: Iterable[str]) -> list[str]:
    """Return the words a person would write: no silences, noises or marks of alternate pronunciations."""
    return [
        _PRONUNCIATION.sub("", word)
        for word in words
        if not word.startswith(("<", "[", "++")) and word.strip()
    ]


class SegmentDecoder:
    """One decoder that hears segment after segment, each as if it were the first.

    Block by block it hears roughly, normalised by a guess at the mean of the speech; `transcribe` has the
    whole segment to take the mean of, and makes a fourth of the mistakes.

    Raises:
        RuntimeError: pocketsphinx cannot load its model.
    """

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(samprate=16000, loglevel="FATAL")
        self._decoding = False
        self._settled_until = 0
        self.confidences: list[float] = []
        """Posterior probabilities of the words that `transcribe` returned last, one each."""

    def start(self) -> None:
        """Begin a segment; an open one is dropped."""
        self._end()
        self._begin()
        self._settled_until = 0

    def decode(self, pcm: bytes) -> tuple[str, int, str]:
        """Hear more.

        Args:
            pcm: PCM16 at 16 kHz.

        Returns:
            The words that settled with it, the milliseconds of silence since the last word heard, and the
            words after those that settled.

        Raises:
            RuntimeError: no segment has begun.
        """
        if not self._decoding:
            raise RuntimeError("no segment has begun")
        self._decoder.process_raw(pcm, no_search=False, full_utt=False)
        now = self._decoder.n_frames()
        last_end = 0
        settled: list[str] = []
        guess: list[str] = []
        for segment in self._decoder.seg() or ():
            if not spoken([segment.word]):
                continue
            last_end = segment.end_frame
            if self._settled_until > segment.start_frame:
                continue
            if segment.end_frame <= now - SETTLING_FRAMES:
                settled.append(segment.word)
                self._settled_until = segment.end_frame
            else:
                guess.append(segment.word)
        pause_ms = max(0, now - last_end) * FRAME_MS
        return " ".join(spoken(settled)), pause_ms, " ".join(spoken(guess))

    def transcribe(self, pcm: bytes) -> str:
        """Return the words of a whole segment, normalised by its own mean; an open one is dropped.

        Args:
            pcm: PCM16 at 16 kHz.
        """
        self._end()
        self.confidences = []
        if not pcm:
            return ""
        self._begin()
        self._decoder.process_raw(pcm, no_search=False, full_utt=True)
        self._end()
        if self._decoder.hyp() is None:
            return ""
        said = [(spoken([segment.word]), segment.prob) for segment in self._decoder.seg() or ()]
        # Rounding in the decoder's tables makes some a little larger than 1.
        self.confidences = [min(max(prob, 1e-6), 1.0) for word, prob in said if word]
        return " ".join(word[0] for word, _ in said if word)

    def _begin(self) -> None:
        # Else the level of the noise and the cepstral mean of one segment would colour the words of the next.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoding = True

    def _end(self) -> None:
        if self._decoding:
            self._decoding = False
            self._decoder.end_utt()


def answer(decoder: SegmentDecoder, name: bytes, payload: bytes) -> dict[str, object]:
    """Do what one request asks for and return the reply to it."""
    try:
        if name == b"s":
            decoder.start()
            return {}
        if name == b"d":
            words, pause_ms, guess = decoder.decode(payload)
            return {"words": words, "pause_ms": pause_ms, "guess": guess}
        if name == b"w":
            return {"text": decoder.transcribe(payload), "confidences": decoder.confidences}
    except RuntimeError as error:
        return {"error": str(error)}
    return {"error": f"unknown request {name!r}"}


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""

    def reply(message: dict[str, object]) -> None:
        replies.write(json.dumps(message).encode() + b"\n")
        replies.flush()

    try:
        decoder = SegmentDecoder()
    except (ImportError, RuntimeError) as error:
        reply({"fatal": f"{type(error).__name__}: {error}"})
        return
    reply({})
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        name, length = HEADER.unpack(header)
        reply(answer(decoder, name, requests.read(length)))


def main() -> None:
    """Serve on the standard streams."""
    # Whatever the C library prints must not mix with the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, replies)
    except BrokenPipeError:
        # The parent died with a reply on its way; nobody is left to tell.
        os._exit(0)


if __name__ == "__main__":
    main()
