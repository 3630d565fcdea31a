"""Text input: what the user writes is part of the same conversation as what they say.

python examples/voice_agents/text_input.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner

agent = RealtimeAgent(name="Assistant")
config = {"model_settings": {"model_name": "gpt-realtime"}}


async def main() -> None:
    """Write a message, and the same as a structure."""
    structured = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "What can you do?"}],
    }
    async with await RealtimeRunner(agent, model="local", config=config).run() as session:
        for message in ("Hello, how are you?", structured):
            await session.send_message(message)
            async for event in session:
                if event.type == "response.output_audio_transcript.done":
                    print(f"Agent: {event.transcript}")
                    break


if __name__ == "__main__":
    asyncio.run(main())
