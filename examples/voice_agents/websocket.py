"""A WebSocket connection, made explicitly: to your own server, to OpenAI, to anybody who speaks the protocol.

vivavoce serve
python examples/voice_agents/websocket.py [ws://127.0.0.1:8000/v1/realtime]
"""

import asyncio
import os
import sys

from vivavoce import RealtimeAgent, RealtimeModelConfig, RealtimeRunner, WebSocketRealtimeModel

agent = RealtimeAgent(
    name="Greeter",
    instructions="Greet the user with cheer and answer questions.",
)


async def main(url: str) -> None:
    """Say hello over the socket.

    Args:
        url: of the server.
    """
    model = WebSocketRealtimeModel(url)
    # Without an api_key the environment's OPENAI_API_KEY is used, for OpenAI's own server.
    model_config: RealtimeModelConfig = {"api_key": os.environ.get("VIVAVOCE_API_KEY", "none")}
    audio = 0
    async with await RealtimeRunner(agent, model=model).run(model_config=model_config) as session:
        my_recorded_audio = bytes(4800)  # a tenth of a second of PCM16
        await session.send_audio(my_recorded_audio)
        await session.send_message("Hello!")
        async for event in session:
            if event.type == "audio":
                audio += len(event.audio.data)  # a chunk of PCM16 audio
            elif event.type == "agent_end":
                print(f"Agent: {event.output}")
                break
    print(f"{audio / 48_000:.1f} seconds of audio")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8000/v1/realtime"))
