"""The client's end of the wire, as lean as Python allows: frames made once, and read without parsing JSON."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator

import numpy as np

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_MASK = b"\x5a\xa5\x3c\xc3"
_KIND = b'{"type":"'
_KIND_AT = len(_KIND)


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a masked WebSocket frame."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    key = np.frombuffer((_MASK * (size // 4 + 1))[:size], np.uint8)
    return head + _MASK + (np.frombuffer(payload, np.uint8) ^ key).tobytes()


def append_frame(audio: bytes) -> bytes:
    """Return the frame of an `input_audio_buffer.append`."""
    text = b'{"type":"input_audio_buffer.append","audio":"' + base64.b64encode(audio) + b'"}'
    return client_frame(text)


def update_frame(silence_ms: int) -> bytes:
    """Return the frame of a `session.update`: PCM16 at 24 kHz, and how much silence ends a turn."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    detection = {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": silence_ms}
    audio = {"input": {"format": pcm, "turn_detection": detection}, "output": {"format": pcm}}
    update = {"type": "session.update", "session": {"type": "realtime", "audio": audio}}
    return client_frame(json.dumps(update).encode())


def dial(port: int) -> tuple[socket.socket, bytes]:
    """Ask for a session; return the socket and the head of the server's answer, as far as it came."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET /v1/realtime?model=bench HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = sock.recv(65536)
        if not data:
            break
        answer += data
    return sock, answer


def connect(port: int) -> tuple[socket.socket, bytes]:
    """Open a session; return its non-blocking socket and what came behind the handshake.

    Raises:
        ConnectionRefusedError: the server did not let us in.
    """
    sock, answer = dial(port)
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        raise ConnectionRefusedError(head.partition(b"\r\n")[0].decode(errors="replace"))
    sock.setblocking(False)
    return sock, rest


class FrameReader:
    """Cuts what a server sends into frames."""

    def __init__(self, begun: bytes = b"") -> None:
        self._held = begun

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take bytes; yield opcode and payload of every whole frame."""
        held = self._held + data if self._held else data
        at, end = 0, len(held)
        while end - at >= 2:
            size, begin = held[at + 1], at + 2
            if size == 126:
                if end - at < 4:
                    break
                size, begin = int.from_bytes(held[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                if end - at < 10:
                    break
                size, begin = int.from_bytes(held[at + 2 : at + 10], "big"), at + 10
            if end - begin < size:
                break
            yield held[at] & 0x0F, held[begin : begin + size]
            at = begin + size
        self._held = held[at:]


def kind_of(event: bytes) -> bytes:
    """Return the type of an event: a vivavoce server writes it first, others behind what has types itself."""
    begin = _KIND_AT if event.startswith(_KIND) else event.rindex(b'"type":"') + len(b'"type":"')
    return event[begin : event.index(b'"', begin)]


def delta_ms(event: bytes) -> float:
    """Return how much audio (PCM16 at 24 kHz) a delta event holds, in ms."""
    begin = event.index(b'"delta":"') + len(b'"delta":"')
    end = event.index(b'"', begin)
    padding = event[end - 2 : end].count(b"=")
    return ((end - begin) // 4 * 3 - padding) / 48
