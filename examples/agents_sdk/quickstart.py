"""The quickstart of the OpenAI Agents SDK, with its import line changed: its model is on this machine.

python examples/agents_sdk/quickstart.py

Below is the program as its documentation prints it. It listens until Ctrl+C. With OPENAI_API_KEY in the
environment it talks to OpenAI.
"""

# ruff: noqa: D103, I001
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# fmt: off

import asyncio
from vivavoce import RealtimeAgent, RealtimeRunner

agent = RealtimeAgent(
    name="Assistant",
    instructions="You are a helpful voice assistant. Keep your responses conversational and friendly.",
)

runner = RealtimeRunner(
    starting_agent=agent,
    config={
        "model_settings": {
            "model_name": "gpt-4o-realtime-preview",
            "voice": "alloy",
            "modalities": ["text", "audio"],
        }
    }
)

async def main():
    # Start the realtime session
    session = await runner.run()

    async with session:
        # Send a text message to start the conversation
        await session.send_message("Hello! How are you today?")

        # The agent will stream back audio in real-time (not shown in this example)
        # Listen for events from the session
        async for event in session:
            if event.type == "response.audio_transcript.done":
                print(f"Assistant: {event.transcript}")
            elif event.type == "conversation.item.input_audio_transcription.completed":
                print(f"User: {event.transcript}")

# Run the session
asyncio.run(main())
