"""A session over a call: the voice goes by RTP, as a browser's does, which a bad network harms less.

python examples/docs/over_webrtc.py                    # with a server of its own, which says one sentence
python examples/docs/over_webrtc.py http://127.0.0.1:8000/v1/realtime/calls
"""

import asyncio
import os
import sys

from vivavoce import EngineChoice, RealtimeAgent, RealtimeRunner, WebRTCRealtimeModel
from vivavoce.server import ServerConfig, serve

agent = RealtimeAgent(
    name="Greeter",
    instructions="Greet the user with cheer and answer questions.",
)


async def call(url: str) -> None:
    """Say hello in a call, and hear the answer in real time.

    Args:
        url: where a server takes calls.
    """
    model = WebRTCRealtimeModel(url, api_key=os.environ.get("VIVAVOCE_API_KEY"))
    audio = 0
    async with await RealtimeRunner(agent, model=model).run() as session:
        await session.send_audio(bytes(4800))  # a tenth of a second; it leaves at the pace of speech
        await session.send_message("Hello!")
        async for event in session:
            if event.type == "audio":
                audio += len(event.audio.data)
            elif event.type == "agent_end":
                print(f"Agent: {event.output}")  # all the words are there before they were spoken
            elif event.type == "audio_end":
                break  # now they were
    print(f"{audio / 48_000:.1f} seconds of audio")


async def main() -> None:
    """Call a server that runs in this program."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = ServerConfig(port=0, engines=EngineChoice("bench"))
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, on_ready=ready.set_result))
        await call(await ready)
        server.cancel()


if __name__ == "__main__":
    asyncio.run(call(sys.argv[1]) if len(sys.argv) > 1 else main())
