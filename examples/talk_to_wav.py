"""Speak a recorded question to an agent and keep its spoken answer.

python examples/talk_to_wav.py question.wav answer.wav
"""

import asyncio
import sys

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import read_wav, write_wav

RATE = 24000
FRAME = RATE // 50 * 2  # 20 ms of PCM16


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city."""
    return f"It is sunny in {city}."


agent = RealtimeAgent(name="Front desk", instructions="Greet people and help.", tools=[get_weather])


async def main(question: str, answer: str) -> None:
    """Send the question as a microphone would, and record what comes back."""
    heard = bytearray()
    recording = read_wav(question)
    speech = Resampler(recording.rate, RATE).process(recording.mono()) + bytes(RATE * 2)
    config = {"model_settings": {"input_audio_transcription": {"model": "any"}}}
    async with await RealtimeRunner(agent, model="local", config=config).run() as session:
        for start in range(0, len(speech), FRAME):
            await session.send_audio(speech[start : start + FRAME])
        async for event in session:
            if event.type == "conversation.item.input_audio_transcription.completed":
                print(f"You:   {event.transcript}")
            elif event.type == "audio":
                heard += event.audio.data
            elif event.type == "response.output_audio_transcript.done":
                print(f"Agent: {event.transcript}")
                break
    write_wav(answer, bytes(heard), RATE)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/talk_to_wav.py question.wav answer.wav")
    asyncio.run(main(sys.argv[1], sys.argv[2]))
