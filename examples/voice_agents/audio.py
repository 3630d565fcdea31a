"""Audio in and out: the session takes what a microphone records, and hands over what a loudspeaker plays.

python examples/voice_agents/audio.py [question.wav]
"""

import asyncio
import sys

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.cli.demo import clips
from vivavoce.testing import Clip

RATE = 24_000  # PCM16, mono: the session's audio unless set otherwise
FRAME_MS = 20


@function_tool
def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return f"It is sunny in {city}."


agent = RealtimeAgent(name="My agent", tools=[get_weather])


class Loudspeaker:
    """Stands in for a playback library: keeps what it would play."""

    def __init__(self) -> None:
        self.queue = bytearray()

    def play(self, pcm: bytes) -> None:
        """Queue audio."""
        self.queue += pcm

    def stop(self) -> None:
        """Throw away what is queued."""
        self.queue.clear()


async def main(newly_recorded: Clip) -> None:
    """Send a recording in pieces, as a microphone would, and play the answer.

    Args:
        newly_recorded: what the user says.
    """
    speech = newly_recorded.at(RATE).pcm + bytes(2 * RATE)  # and a second of silence
    frame = 2 * RATE * FRAME_MS // 1000
    loudspeaker = Loudspeaker()
    async with await RealtimeRunner(agent, model="local").run() as session:
        session.on("audio", lambda event: loudspeaker.play(event.audio.data))
        session.on("audio_interrupted", lambda _: loudspeaker.stop())
        answers = session.events("agent_end")
        for start in range(0, len(speech), frame):
            await session.send_audio(speech[start : start + frame])
            await asyncio.sleep(FRAME_MS / 1000)
        async for event in answers:
            if event.type == "agent_end" and event.output:
                print(f"Agent: {event.output}")
                break
    print(f"{len(loudspeaker.queue) / 2 / RATE:.1f} seconds of audio to play")


if __name__ == "__main__":
    asyncio.run(main(Clip.load(sys.argv[1]) if len(sys.argv) > 1 else clips.load("weather")))
