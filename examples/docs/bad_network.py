"""A call through a bad network, as a test would make it: is the agent heard to the end?

python examples/docs/bad_network.py
"""

import asyncio
import json

import httpx

from vivavoce import EngineChoice
from vivavoce.server import ServerConfig, serve
from vivavoce.testing import LinkConditions, LossyLink, without_candidates
from vivavoce.webrtc import RtcConfig, RtcPeer

GREET = {"type": "response.create", "response": {"instructions": "Greet the user."}}


class Ear:
    """A caller who says nothing: what a browser would be told of a call, noted."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.loud_frames = 0
        self.played = asyncio.Event()

    def on_audio(self, pcm: bytes) -> None:
        """Note whether there is any sound in it."""
        self.loud_frames += any(pcm)

    def pull_audio(self) -> bytes:
        """Say nothing."""
        return b""

    def on_text(self, text: str) -> None:
        """Note what happens, and when the voice has ended."""
        self.events.append(json.loads(text)["type"])
        if self.events[-1] == "output_audio_buffer.stopped":
            self.played.set()

    def on_open(self) -> None:
        """Wait for nothing: messages are kept until the channel is open."""

    def on_drained(self) -> None:
        """Nothing was held back."""

    def on_end(self, reason: str) -> None:
        """Say why it is over."""
        print(f"The call has ended: {reason}")


async def listen(calls_url: str) -> None:
    """Let an agent greet, through a network that loses a tenth of everything.

    Args:
        calls_url: where a server takes calls.
    """
    ear = Ear()
    caller = RtcPeer(RtcConfig(), ear)
    async with LossyLink(LinkConditions(loss=0.1, jitter_ms=40), seed=1) as link, httpx.AsyncClient() as web:
        # The offer names no address and the answer only the link's, so there is no other way.
        offer = without_candidates(await caller.offer())
        answer = await web.post(calls_url, content=offer, headers={"content-type": "application/sdp"})
        await caller.accept(await link.through(answer.raise_for_status().text))
        caller.send(json.dumps(GREET))
        async with asyncio.timeout(20):
            await ear.played.wait()
        await caller.aclose()
    assert link.lost > 0
    assert ear.loud_frames > 0
    print("The agent was heard to the end.")


async def main() -> None:
    """Listen to a server that runs in this program."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = ServerConfig(port=0, engines=EngineChoice("bench"))
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, on_ready=ready.set_result))
        await listen((await ready).replace("ws", "http", 1) + "/calls")
        server.cancel()


if __name__ == "__main__":
    asyncio.run(main())
