"""The load generator, a process of its own: many callers, each 50 frames a second in real time.

Raw sockets, frames masked once, one `epoll`: Python can send 10,000 frames a second this way with most of a
core to spare, so that what is measured is the server. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.caller import TURN_MS, Caller
from bench.process import Usage, usage_of
from bench.speech import FRAME_BYTES, FRAME_MS
from bench.wire import append_frame, connect, update_frame

PERIOD_S = FRAME_MS / 1000
ANSWER_MS = 1000
"""What the bench engines say to every turn."""


def cycle(pcm: bytes, *, barge_in: bool, extra_ms: int = 0) -> tuple[list[bytes], int]:
    """Return the frames of one utterance and the silence behind it, and how many hold the utterance."""
    voiced = [append_frame(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm), FRAME_BYTES)]
    silence = append_frame(bytes(FRAME_BYTES))
    pause_ms = FRAME_MS * 10 if barge_in else TURN_MS + ANSWER_MS + extra_ms
    return voiced + [silence] * (pause_ms // FRAME_MS), len(voiced)


class Load:
    """Callers with their frames spread evenly over time.

    Args:
        port: where the server listens.
        server_pid: whose use of the machine is noted.
    """

    def __init__(self, port: int, server_pid: int) -> None:
        self._port = port
        self._server_pid = server_pid
        self._callers: list[Caller] = []
        self._by_fd: dict[int, Caller] = {}
        self._epoll = select.epoll()
        self._late_ms: list[float] = []
        self.usage: dict[str, Usage] = {"before": usage_of(server_pid)}
        self.window = (0.0, 0.0)

    def connect(
        self, sessions: int, pcm: bytes, *, barge_in: bool, extra_ms: int = 0, silence_ms: int = 0
    ) -> None:
        """Open the sessions; nobody speaks yet.

        Args:
            sessions: how many.
            pcm: the utterance.
            barge_in: interrupt every answer.
            extra_ms: further silence behind each utterance.
            silence_ms: ask for so much silence to end a turn; 0 for the server's own settings.
        """
        frames, voiced = cycle(pcm, barge_in=barge_in, extra_ms=extra_ms)
        for index in range(sessions):
            sock, begun = connect(self._port)
            if silence_ms:
                sock.send(update_frame(silence_ms))
            # Everyone is at another place of the cycle, else all turns would end at the same moment.
            place = index * len(frames) // sessions
            caller = Caller(
                sock,
                begun,
                frames=frames,
                voiced=voiced,
                place=voiced if barge_in else place,
                barge_in=barge_in,
            )
            self._callers.append(caller)
            self._by_fd[sock.fileno()] = caller
            self._epoll.register(sock, select.EPOLLIN)

    def rest(self, seconds: float) -> None:
        """Only listen."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._hear(left)

    def talk(self, warm_up: float, seconds: float) -> None:
        """Stream; note what the server used between the end of the warm-up and the end."""
        callers = self._callers
        step = PERIOD_S / len(callers)
        origin = time.monotonic()
        self.window = (origin + warm_up, origin + warm_up + seconds)
        slot = 0
        while True:
            now = time.monotonic()
            due = origin + slot * step
            while due <= now:
                callers[slot % len(callers)].speak()
                slot += 1
                self._late_ms.append((time.monotonic() - due) * 1000)
                due = origin + slot * step
            if "begin" not in self.usage and now >= self.window[0]:
                self.usage["begin"] = usage_of(self._server_pid)
                self._late_ms.clear()
            if now >= self.window[1]:
                self.usage["end"] = usage_of(self._server_pid)
                return
            self._hear(max(0.0, due - time.monotonic()))
            self._refuse_loss()

    def note(self, name: str) -> None:
        """Note what the server has used so far."""
        self.usage[name] = usage_of(self._server_pid)

    def result(self) -> dict[str, Any]:
        """Return the turns of the window and the figures about server and generator."""
        begin, end = self.window
        turns = [
            turn.as_json() for caller in self._callers for turn in caller.turns if begin <= turn.ended <= end
        ]
        return {
            "window": self.window,
            "turns": turns,
            "usage": {name: asdict(usage) for name, usage in self.usage.items()},
            "own_cpu_s": time.process_time(),
            "send_late_ms": sorted(self._late_ms)[:: max(1, len(self._late_ms) // 1000)],
        }

    def _hear(self, seconds: float) -> None:
        for fd, _ in self._epoll.poll(seconds):
            self._by_fd[fd].hear()

    def _refuse_loss(self) -> None:
        if any(caller.closed for caller in self._callers):
            lost = sum(caller.closed for caller in self._callers)
            raise ConnectionError(f"the server closed {lost} of {len(self._callers)} sessions")


def main() -> None:
    """Run one load, as the measuring process asked for it."""
    parser = argparse.ArgumentParser(description="Load generator of the benchmark; started by it.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--server-pid", type=int, required=True)
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--speech", type=Path, required=True, help="mono PCM16 at 24 kHz")
    parser.add_argument("--warm-up", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--idle", type=float, default=0.5, help="seconds to rest after connecting")
    parser.add_argument("--pause", type=int, default=0, help="ms of further silence behind each utterance")
    parser.add_argument("--silence", type=int, default=0, help="ms of silence that the sessions ask for")
    parser.add_argument("--barge-in", action="store_true")
    args = parser.parse_args()
    load = Load(args.port, args.server_pid)
    load.connect(
        args.sessions,
        args.speech.read_bytes(),
        barge_in=args.barge_in,
        extra_ms=args.pause,
        silence_ms=args.silence,
    )
    load.rest(0.5)
    load.note("connected")
    load.rest(args.idle)
    load.note("idle")
    if args.seconds:
        load.talk(args.warm_up, args.seconds)
    json.dump(load.result(), sys.stdout)
    sys.stdout.flush()
    # The sockets are closed by the kernel: two hundred closing handshakes would measure nothing.
    os._exit(0)


if __name__ == "__main__":
    main()
