"""Callers over WebRTC, a process of its own: each a peer with a voice and a data channel, in real time.

They are peers as browsers are (ICE, DTLS, Opus, SCTP), without a browser's sound devices: what is measured is
the server and the way to it. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from array import array
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench.process import usage_of
from bench.speech import FRAME_BYTES, FRAME_MS
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

AUDIBLE = 500
"""A frame is heard when its root mean square is that of at least this amplitude."""
ANSWER_S = 1.0
"""What the bench engines say to every turn."""
_LONGEST_S = 4.0
"""An answer that has not begun by then does not come."""


@dataclass(slots=True)
class CallTurn:
    """One utterance and its answer; moments in seconds of the monotonic clock, 0 where they did not come.

    Attributes:
        ended: the last voiced sample was handed to the track.
        decided: the frame was handed to it with which the silence had lasted long enough.
        answered: the first audible frame of the answer was decoded.
        stages: `stage_times` of the answer, ms.
    """

    ended: float = 0.0
    decided: float = 0.0
    answered: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)


class Caller:
    """One peer that speaks, listens, and speaks again.

    Args:
        frames: the utterance in pieces of 20 ms.
        offset: frames of silence before it speaks for the first time.
    """

    def __init__(self, frames: list[bytes], offset: int) -> None:
        self.turns: list[CallTurn] = []
        self.ready_s = 0.0
        self.ended = ""
        self._frames = frames
        self._place = -offset
        self._ready = asyncio.Event()
        self._peer = RtcPeer(RtcConfig(addresses=("127.0.0.1",)), self)
        self._handed = array("d")  # when each frame was, from the first that the server hears

    async def connect(self, http: httpx.AsyncClient) -> None:
        """Call, and be ready to speak: the session knows how turns end."""
        began = time.monotonic()
        offer = await self._peer.offer()
        answer = await http.post(
            "/v1/realtime/calls", content=offer, headers={"content-type": "application/sdp"}, timeout=30
        )
        answer.raise_for_status()
        await self._peer.accept(answer.text)
        async with asyncio.timeout(30):
            await self._ready.wait()
        self.ready_s = time.monotonic() - began

    async def hang_up(self) -> None:
        """Leave."""
        await self._peer.aclose()

    # --- what the peer asks and tells -----------------------------------------------------------------------

    def pull_audio(self) -> bytes:
        """Speak: the utterance, then silence until the answer has been heard."""
        self._handed.append(time.monotonic())
        if not self._ready.is_set() or self._answering():
            return b""
        place = self._place
        self._place += 1
        if place < 0:
            return b""
        if place == 0:
            self.turns.append(CallTurn())
        frame = self._frames[place]
        if place == len(self._frames) - 1:
            self.turns[-1].ended = time.monotonic()
            self._place = 0
        return frame

    def _answering(self) -> bool:
        if not self.turns or not self.turns[-1].ended:
            return False
        turn, now = self.turns[-1], time.monotonic()
        return now < (turn.answered + ANSWER_S + 0.5 if turn.answered else turn.ended + _LONGEST_S)

    def on_audio(self, pcm: bytes) -> None:
        """Listen."""
        turn = self.turns[-1] if self.turns else None
        if turn is None or not turn.ended or turn.answered:
            return
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        if len(samples) and float(np.sqrt(np.mean(samples * samples))) >= AUDIBLE:
            turn.answered = time.monotonic()

    def on_text(self, text: str) -> None:
        """Read an event."""
        event: dict[str, Any] = json.loads(text)
        if event["type"] == "session.updated":
            self._ready.set()
        elif event["type"] == "input_audio_buffer.speech_stopped" and self.turns:
            frame = (event["audio_end_ms"] - 1) // FRAME_MS
            self.turns[-1].decided = self._handed[min(len(self._handed) - 1, frame)]
        elif event["type"] == "response.done" and self.turns:
            self.turns[-1].stages = event.get("stage_times", {})

    def on_open(self) -> None:
        """Say how turns are to end, as clients do first."""
        detection = {"type": "server_vad", "silence_duration_ms": 500}
        session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
        self._peer.send(json.dumps({"type": "session.update", "session": session}))

    def on_drained(self) -> None:
        """Never full."""

    def on_end(self, reason: str) -> None:
        """Note why there is nobody any more."""
        self.ended = reason


async def load(port: int, pid: int, callers: int, pcm: bytes, seconds: float) -> dict[str, Any]:
    """Let so many callers talk for so long, and return what they found."""
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
    peers = [Caller(frames, 25 + number * 150 // max(1, callers)) for number in range(callers)]
    usage = {"before": usage_of(pid)}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        for peer in peers:
            await peer.connect(http)
        begun, usage["begin"] = time.monotonic(), usage_of(pid)
        own = time.process_time()
        await asyncio.sleep(seconds)
        usage["end"], own = usage_of(pid), time.process_time() - own
        ended = time.monotonic()
        for peer in peers:
            await peer.hang_up()
    if lost := [peer.ended for peer in peers if peer.ended]:
        raise ConnectionError(f"{len(lost)} of {callers} calls ended early: {lost[0]}")
    return {
        "ready_s": [peer.ready_s for peer in peers],
        "turns": [asdict(turn) for peer in peers for turn in peer.turns if turn.ended],
        "usage": {name: asdict(value) for name, value in usage.items()},
        "own_cpu_s": own,
        "window": [begun, ended],
    }


def main() -> None:
    """Run one load, as the measuring process asked for it."""
    parser = argparse.ArgumentParser(description="Callers over WebRTC; started by the benchmark.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--server-pid", type=int, required=True)
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--speech", type=Path, required=True, help="mono PCM16 at 24 kHz")
    parser.add_argument("--seconds", type=float, default=16.0)
    args = parser.parse_args()
    found = asyncio.run(
        load(args.port, args.server_pid, args.sessions, args.speech.read_bytes(), args.seconds)
    )
    json.dump(found, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
