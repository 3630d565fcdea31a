"""libespeak-ng by ctypes: one library, one voice at a time, one caller at a time.

The library keeps everything in globals, so a process has one `EspeakLibrary` and every call holds its lock.
It interprets neither SSML nor `[[phonemes]]` here; that is off unless asked for.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import threading
from collections.abc import Callable, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from vivavoce.errors import EngineError, MissingExtraError

NORMAL_RATE = 175
"""Words per minute of a voice at its own pace."""
SLOWEST_RATE = 80

_SYNCHRONOUS_RETRIEVAL = 2
_BUFFER_MS = 20
_PHONEME_EVENTS, _DONT_EXIT = 0x1, 0x8000
_UTF8, _END_PAUSE = 0x1, 0x1000
_RATE = 1
_WORD, _PHONEME = 1, 7


class _EventId(ctypes.Union):
    _fields_: ClassVar = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


class _Voice(ctypes.Structure):
    _fields_: ClassVar = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class MarkKind(Enum):
    """What begins at a mark."""

    WORD = auto()
    SOUND = auto()
    PAUSE = auto()


class Mark(NamedTuple):
    """Something that begins within the speech.

    Attributes:
        kind: what begins.
        sample: where in the audio, counted from its start.
        position: index of the character in the text, as espeak sees it (it can be off by one).
    """

    kind: MarkKind
    sample: int
    position: int


Listener = Callable[[bytes, Sequence[Mark]], bool]
"""Takes the next PCM16 and the marks up to its end; returns whether to go on."""


class EspeakLibrary:
    """The libespeak-ng of this process; get it from `espeak_library`.

    Args:
        path: the shared library.
        data: its data folder.

    Attributes:
        sample_rate: rate of the speech, in Hz.
        voices: accepted names (codes such as `de`, names such as `German`), each with the library's name.
        variants: accepted variants, which are appended to a voice as in `de+f3`.

    Raises:
        EngineError: the library does not load.
    """

    def __init__(self, path: Path, data: Path) -> None:
        try:
            self._lib = ctypes.CDLL(str(path))
        except OSError as error:
            raise EngineError(f"libespeak-ng does not load: {error}") from error
        self._declare()
        self._lock = threading.Lock()
        self._listener: Listener = lambda _pcm, _marks: False
        options = _PHONEME_EVENTS | _DONT_EXIT
        # The path is that of the folder which holds the folder espeak-ng-data.
        self.sample_rate: int = self._lib.espeak_Initialize(
            _SYNCHRONOUS_RETRIEVAL, _BUFFER_MS, str(data).encode(), options
        )
        if self.sample_rate <= 0:
            raise EngineError(f"libespeak-ng does not start with the data in {data}")
        self._callback = _Callback(self._heard)
        self._lib.espeak_SetSynthCallback(self._callback)
        self.voices = self._list_voices()
        self.variants = frozenset(file.name for file in (data / "voices" / "!v").iterdir())

    def speak(self, text: str, voice: str, rate: int, listener: Listener, *, end_pause: bool) -> None:
        """Speak on the calling thread, at about a thousand times real time.

        Args:
            text: plain text without control characters.
            voice: a value of `voices`, perhaps with `+` and a variant.
            rate: words per minute, `SLOWEST_RATE` or more.
            listener: called with the audio as it comes, on this thread.
            end_pause: whether to end with the pause that belongs to the text's last punctuation mark.

        Raises:
            EngineError: the library failed.
        """
        encoded = text.encode()
        flags = _UTF8 | (_END_PAUSE if end_pause else 0)
        with self._lock:
            self._listener = listener
            self._check(self._lib.espeak_SetVoiceByName(voice.encode()), f"set the voice {voice!r}")
            self._check(self._lib.espeak_SetParameter(_RATE, rate, 0), f"set the rate {rate}")
            self._check(
                self._lib.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, flags, None, None),
                "speak",
            )

    def stretcher(self, speed: float) -> Stretcher:
        """Return a stretcher for this library's audio."""
        return Stretcher(self._lib, self.sample_rate, speed)

    def _declare(self) -> None:
        lib = self._lib
        lib.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        lib.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        lib.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
        lib.espeak_ListVoices.argtypes = [ctypes.c_void_p]
        lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        lib.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]

    def _heard(self, wave: Any, count: int, events: Any) -> int:
        marks: list[Mark] = []
        for event in iter_until_zero(events):
            if event.type == _WORD:
                marks.append(Mark(MarkKind.WORD, event.sample, event.text_position - 1))
            elif event.type == _PHONEME:
                name: bytes = event.id.string
                # Names in brackets announce a change of language and have no sound.
                if name and not name.startswith(b"("):
                    kind = MarkKind.PAUSE if name.startswith(b"_") else MarkKind.SOUND
                    marks.append(Mark(kind, event.sample, event.text_position - 1))
        pcm = ctypes.string_at(wave, count * 2) if wave and count > 0 else b""
        return 0 if self._listener(pcm, marks) else 1

    def _list_voices(self) -> dict[str, str]:
        voices: dict[str, str] = {}
        for pointer in iter_pointers(self._lib.espeak_ListVoices(None)):
            voice = pointer.contents
            name = voice.name.decode()
            voices.setdefault(name, name)
            # Languages: a priority byte and a C string, again and again, until a priority of zero.
            address = voice.languages
            while ctypes.string_at(address, 1) != b"\0":
                code = ctypes.string_at(address + 1)
                voices.setdefault(code.decode(), name)
                address += len(code) + 2
        return voices

    @staticmethod
    def _check(status: int, purpose: str) -> None:
        if status != 0:
            raise EngineError(f"espeak-ng could not {purpose} (status {status})")


class Stretcher:
    """Makes speech slower at the same pitch, by the sonic algorithm inside libespeak-ng.

    Args:
        lib: the loaded library.
        sample_rate: rate of the audio, in Hz.
        speed: below 1.0 for slower.
    """

    def __init__(self, lib: ctypes.CDLL, sample_rate: int, speed: float) -> None:
        self._lib = lib
        lib.sonicCreateStream.restype = ctypes.c_void_p
        lib.sonicCreateStream.argtypes = [ctypes.c_int, ctypes.c_int]
        lib.sonicSetSpeed.argtypes = [ctypes.c_void_p, ctypes.c_float]
        lib.sonicWriteShortToStream.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        lib.sonicReadShortFromStream.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        for name in ("sonicSamplesAvailable", "sonicFlushStream", "sonicDestroyStream"):
            getattr(lib, name).argtypes = [ctypes.c_void_p]
        self._stream = lib.sonicCreateStream(sample_rate, 1)
        if not self._stream:
            raise EngineError("espeak-ng could not make a stream for slow speech: out of memory")
        lib.sonicSetSpeed(self._stream, speed)

    def write(self, pcm: bytes) -> bytes:
        """Take PCM16 and return what is ready."""
        self._lib.sonicWriteShortToStream(self._stream, pcm, len(pcm) // 2)
        return self._read()

    def flush(self) -> bytes:
        """Return the rest."""
        self._lib.sonicFlushStream(self._stream)
        return self._read()

    def close(self) -> None:
        """Free the stream; safe to call twice."""
        if self._stream:
            self._lib.sonicDestroyStream(self._stream)
            self._stream = None

    def _read(self) -> bytes:
        count = self._lib.sonicSamplesAvailable(self._stream)
        buffer = ctypes.create_string_buffer(count * 2)
        read = self._lib.sonicReadShortFromStream(self._stream, buffer, count)
        return buffer.raw[: read * 2]


@functools.cache
def espeak_library() -> EspeakLibrary:
    """Load the library that the package espeakng-loader carries; the same object every time.

    Raises:
        MissingExtraError: espeakng-loader is not installed.
        EngineError: the library does not load or start.
    """
    if importlib.util.find_spec("espeakng_loader") is None:
        raise MissingExtraError("local", "the espeak-ng synthesizer")
    import espeakng_loader

    return EspeakLibrary(Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path()))


def iter_until_zero(events: Any) -> Any:
    """Yield the events of a C array up to the one whose type is zero."""
    index = 0
    while events[index].type:
        yield events[index]
        index += 1


def iter_pointers(pointers: Any) -> Any:
    """Yield the pointers of a C array up to the null pointer."""
    index = 0
    while pointers[index]:
        yield pointers[index]
        index += 1
