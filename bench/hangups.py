"""What a server keeps of calls that are over: memory, descriptors, threads, ports.

    python -m bench.hangups --calls 1000

Callers come and go, a few at a time, each with a voice and events both ways; `vivavoce serve` is a process of
its own, of which the kernel says what it holds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import httpx

from bench.process import running
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

AT_ONCE = 5
HEARD_BYTES = 24_000
"""Half a second: a caller that has heard so much, and been told of its session, hangs up."""


class Visitor:
    """A caller that leaves as soon as it was let in."""

    def __init__(self) -> None:
        self.peer = RtcPeer(RtcConfig(addresses=("127.0.0.1",)), self)
        self._heard = 0
        self._told = False
        self._done = asyncio.Event()

    async def visit(self, http: httpx.AsyncClient) -> None:
        """Call, listen for half a second, and hang up."""
        try:
            answer = await http.post(
                "/v1/realtime/calls",
                content=await self.peer.offer(),
                headers={"content-type": "application/sdp"},
                timeout=30,
            )
            answer.raise_for_status()
            await self.peer.accept(answer.text)
            async with asyncio.timeout(30):
                await self._done.wait()
        finally:
            await self.peer.aclose()

    def on_audio(self, pcm: bytes) -> None:
        """Listen."""
        self._heard += len(pcm)
        self._check()

    def pull_audio(self) -> bytes:
        """Say nothing, aloud."""
        return bytes([0, 1] * 480)

    def on_text(self, text: str) -> None:
        """Read."""
        self._told = self._told or '"session.created"' in text
        self._check()

    def on_open(self) -> None:
        """Nothing waits for it."""

    def on_drained(self) -> None:
        """Nothing waits for it."""

    def on_end(self, reason: str) -> None:
        """The server must not hang up first."""
        raise ConnectionError(reason)

    def _check(self) -> None:
        if self._told and self._heard >= HEARD_BYTES:
            self._done.set()


def held(pid: int) -> str:
    """Return what a process holds, as cells of a table."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    links = [str(number.readlink()) for number in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    ports = sum(
        line.split()[9] in inodes
        for table in ("udp", "udp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    )
    rss_mb = int(status["VmRSS"].split()[0]) / 1024
    return f"{rss_mb:.1f} | {len(links)} | {len(inodes)} | {ports} | {status['Threads'].strip()}"


async def emptied(http: httpx.AsyncClient) -> None:
    """Wait until the server has no session."""
    async with asyncio.timeout(30):
        while (await http.get("/healthz")).json()["sessions"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


async def come_and_go(port: int, pid: int, calls: int) -> None:
    """Let so many visitors come, and print what the server holds after some of them."""
    steps = sorted({10, 100, calls // 4, calls // 2, calls * 3 // 4, calls})
    places = asyncio.Semaphore(AT_ONCE)
    print(
        "| after calls | RSS, MB | descriptors | sockets | UDP ports | threads |\n|---|---|---|---|---|---|"
    )
    print(f"| 0 | {held(pid)} |", flush=True)
    done = 0
    for step in [step for step in steps if step <= calls]:

        async def one() -> None:
            async with places, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                await Visitor().visit(http)

        await asyncio.gather(*(one() for _ in range(step - done)))
        done = step
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            await emptied(http)
        print(f"| {done} | {held(pid)} |", flush=True)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.hangups", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    args = parser.parse_args()
    options = ["--engines", "bench", "--port", "0", "--log-level", "error", "--max-sessions", "64"]
    with running("vivavoce", "serve", *options) as server:
        asyncio.run(come_and_go(server.port, server.pid, args.calls))
    return 0


if __name__ == "__main__":
    sys.exit(main())
