"""Only the connection: no agent, no session, just events to and from a realtime model.

python examples/voice_agents/thin_client.py

`WebSocketRealtimeModel(url)` in the place of `LocalRealtimeModel()` does the same over a network.
"""

import asyncio

from vivavoce import LocalRealtimeModel
from vivavoce.connections import ModelEvent
from vivavoce.protocol import (
    InputAudioBufferAppend,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDone,
    SessionUpdate,
)
from vivavoce.session.model_settings import realtime_session

SETTINGS = {
    "instructions": "Speak like a pirate",
    "voice": "ash",
    "modalities": ["text", "audio"],
    "inputAudioFormat": "pcm16",
    "outputAudioFormat": "pcm16",
}


async def main() -> None:
    """Connect, ask for an answer, and print what was said."""
    client = LocalRealtimeModel()
    done = asyncio.Event()
    audio = bytearray()

    def listen(event: ModelEvent) -> None:
        if isinstance(event, ResponseOutputAudioDelta):
            audio.extend(event.delta)
        elif isinstance(event, ResponseOutputAudioTranscriptDone):
            print(f"Model: {event.transcript}")
        elif isinstance(event, ResponseDone):
            done.set()

    client.add_listener(listen)
    await client.connect({"initial_model_settings": {"model_name": "gpt-4o-mini-realtime-preview"}})
    try:
        await client.send_event(SessionUpdate(session=realtime_session(SETTINGS)))
        await client.send_event(InputAudioBufferAppend(audio=bytes(4800)))
        await client.send_raw({"type": "response.create"})
        async with asyncio.timeout(30):
            await done.wait()
    finally:
        await client.close()
    print(f"{len(audio) / 48_000:.1f} seconds of audio")


if __name__ == "__main__":
    asyncio.run(main())
