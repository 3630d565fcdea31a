"""Measurements of the client half: what a session costs per 20 ms of audio received, and what it keeps."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from bench.process import LOAD_CORE, ROOT, pinned
from bench.report import Cell, Figures, Report
from bench.speech import FRAME_BYTES
from vivavoce.conversation.settings import initial_session
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import (
    AudioPart,
    ConversationItemAdded,
    MessageItem,
    Response,
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputItemAdded,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
)
from vivavoce.protocol.codec import encode_text

_MINUTE = 3000
_ROUNDS = 3
_WHERE: dict[str, Any] = {"response_id": "resp_1", "output_index": 0}
_PART: dict[str, Any] = {**_WHERE, "item_id": "item_1", "content_index": 0}


def sdk(report: Report, deltas: int) -> None:
    """Measure `RealtimeSession` against the least that any client does."""
    if importlib.util.find_spec("vivavoce.session") is None:
        report.skip("sdk", "this version has no vivavoce.session")
        return
    report.progress(f"the SDK receives {deltas} frames of audio, as fast as it can")
    # In turns, because the machine is not equally fast all the time; the best of each counts.
    runs = [(_read("floor", deltas), _read("session", deltas)) for _ in range(_ROUNDS)]
    least = min(bare["cpu_s"] for bare, _ in runs) / deltas * 1e6
    taken = min(session["cpu_s"] for _, session in runs) / deltas * 1e6
    rows: tuple[tuple[Cell, ...], ...] = (
        ("websockets, json, base64", least, 1.0),
        ("RealtimeSession, events read", taken, taken / least),
    )
    columns = ("client", "CPU µs per 20 ms delta", "ratio")
    note = f"Best of {_ROUNDS}, each in a fresh process, over a loopback WebSocket without compression."
    report.add("sdk", Figures("Receiving audio", columns, rows, note))
    report.progress("the SDK receives what nobody reads")
    kept: list[tuple[Cell, ...]] = []
    for minutes in (2, 20):
        found = _read("unread", minutes * _MINUTE)
        kept.append((minutes, minutes * 60 * 48000 / 1e6, found["grown_kb"] / 1000))
    columns = ("minutes of audio", "MB of audio", "MB grown")
    report.add("sdk", Figures("Memory while the application reads no events", columns, tuple(kept)))


def _read(mode: str, deltas: int) -> dict[str, Any]:
    """Run one reader in a process of its own against a server in this one."""
    with serve(lambda peer: _answer(peer, deltas), "127.0.0.1", 0, compression=None) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        port = listener.socket.getsockname()[1]
        with pinned(LOAD_CORE):
            done = subprocess.run(
                [sys.executable, "-m", "bench.sdk_reader", mode, f"ws://127.0.0.1:{port}/v1/realtime"],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                check=True,
                timeout=120,
            )
        listener.shutdown()
        thread.join()
    found: dict[str, Any] = json.loads(done.stdout)
    if found["deltas"] != deltas:
        raise RuntimeError(f"the {mode} reader got {found['deltas']} of {deltas} deltas")
    return found


def _answer(peer: ServerConnection, deltas: int) -> None:
    """Be a realtime server that says one very long thing."""
    try:
        session = initial_session("sess_1", SessionOptions())
        peer.send(encode_text(SessionCreated(event_id="event_1", session=session)))
        peer.recv()  # session.update
        peer.send(encode_text(SessionUpdated(event_id="event_2", session=session)))
        for event in _opening():
            peer.send(encode_text(event))
        delta = encode_text(ResponseOutputAudioDelta(event_id="event_7", **_PART, delta=bytes(FRAME_BYTES)))
        for _ in range(deltas):
            peer.send(delta)
        peer.send(encode_text(ResponseOutputAudioDone(event_id="event_8", **_PART)))
        peer.recv()  # until the reader hangs up
    except ConnectionClosed:
        pass


def _opening() -> Iterator[ServerEvent]:
    item = MessageItem(id="item_1", status="in_progress", role="assistant", content=[])
    yield ResponseCreated(event_id="event_3", response=Response(id="resp_1", status="in_progress", output=[]))
    yield ResponseOutputItemAdded(event_id="event_4", **_WHERE, item=item)
    yield ConversationItemAdded(event_id="event_5", previous_item_id=None, item=item)
    yield ResponseContentPartAdded(event_id="event_6", **_PART, part=AudioPart(transcript=""))
