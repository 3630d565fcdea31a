"""Uploaded audio files as samples: WAV always, and with PyAV whatever browsers and telephones record."""

from __future__ import annotations

import io
from importlib.util import find_spec

from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import read_wav
from vivavoce.errors import AudioFormatError

__all__ = ["MAX_AUDIO_S", "decode_audio"]

MAX_AUDIO_S = 1800.0
"""Longest recording that is taken: a small file can hold very much silence."""

_CONTAINERS = "aac,flac,matroska,webm,mov,mp4,m4a,3gp,mp3,ogg,wav"
"""What FFmpeg may take a file for: nothing that names other files or addresses, as playlists do."""


def decode_audio(data: bytes, rate: int) -> bytes:
    """Return an audio file as PCM16 mono. Computes for a while: run it in a thread.

    Args:
        data: the file.
        rate: samples a second of what is returned.

    Raises:
        AudioFormatError: it cannot be read, holds no audio, or too much.
    """
    if not data:
        raise AudioFormatError("the file is empty")
    try:
        wav = read_wav(data)
    except AudioFormatError as error:
        if not find_spec("av"):
            raise AudioFormatError(
                "this server reads WAV files with 16-bit PCM only; for others it needs an extra: pip "
                f"install 'vivavoce[codecs]' ({error})"
            ) from error
        return _with_av(data, rate)
    if wav.duration_ms > MAX_AUDIO_S * 1000:
        raise _too_long()
    resampler = Resampler(wav.rate, rate, "HQ")
    return resampler.process(wav.mono()) + resampler.flush()


def _with_av(data: bytes, rate: int) -> bytes:
    import av
    from av.error import FFmpegError

    bound = int(MAX_AUDIO_S * rate) * 2
    pcm = bytearray()
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    try:
        with av.open(io.BytesIO(data), "r", container_options=options) as container:
            if not container.streams.audio:
                raise AudioFormatError("the file holds no audio")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            for frame in container.decode(audio=0):
                for piece in resampler.resample(frame):
                    pcm += piece.to_ndarray().tobytes()
                if len(pcm) > bound:
                    raise _too_long()
            for piece in resampler.resample(None):
                pcm += piece.to_ndarray().tobytes()
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioFormatError(f"the file cannot be read as audio: {reason}") from error
    return bytes(pcm)


def _too_long() -> AudioFormatError:
    return AudioFormatError(f"the recording is longer than {MAX_AUDIO_S / 60:g} minutes; send it in parts")
