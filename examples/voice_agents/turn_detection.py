"""Turn detection: who decides, and how eagerly, that the user has finished.

python examples/voice_agents/turn_detection.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.cli.demo import clips
from vivavoce.testing import After, AgentFinished, HangUp, Say, SimulatedCaller


@function_tool
def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return f"It is sunny in {city}."


agent = RealtimeAgent(name="Assistant", instructions="Answer weather questions.", tools=[get_weather])
config = {
    "model_settings": {
        "model_name": "gpt-realtime",
        "turn_detection": {
            "type": "semantic_vad",
            "eagerness": "medium",
            "createResponse": True,  # JavaScript's spelling is understood, too
            "interruptResponse": True,
        },
        "input_audio_transcription": {"model": "gpt-4o-mini-transcribe"},
    }
}


async def main() -> None:
    """Call with one spoken question; print how the turn is found and answered."""
    caller = SimulatedCaller([Say(clips.load("weather"), After(0.3)), HangUp(AgentFinished())])
    async with await RealtimeRunner(agent, model="local", config=config).run() as session:
        session.on("input_audio_buffer.speech_started", lambda _: print("[you begin to speak]"))
        session.on("input_audio_buffer.speech_stopped", lambda _: print("[you have finished]"))
        session.on(
            "conversation.item.input_audio_transcription.completed", lambda e: print(f"You:   {e.transcript}")
        )
        session.on("response.output_audio_transcript.done", lambda e: print(f"Agent: {e.transcript}"))
        await caller.call(session)


if __name__ == "__main__":
    asyncio.run(main())
