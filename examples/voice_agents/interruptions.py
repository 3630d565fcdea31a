"""Interruptions: by a user who speaks while the agent does, and by a stop button.

python examples/voice_agents/interruptions.py

Either way the agent stops, `audio_interrupted` says that playback must stop, and the history keeps only what
was heard.
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, RealtimeSession
from vivavoce.cli.demo import clips
from vivavoce.protocol import MessageItem
from vivavoce.session.events import RealtimeAudioInterrupted
from vivavoce.testing import After, AgentSpeaking, HangUp, Say, SimulatedCaller

STORY = "Once upon a time there was a king who had twelve daughters, and every night they danced until dawn."

agent = RealtimeAgent(name="Storyteller", instructions="You tell stories.")


def report(event: RealtimeAudioInterrupted) -> None:
    """Stand in for the playback that has to stop."""
    # handle local playback interruption
    print(f"[stop playing: {event.heard_ms / 1000:.1f} s were heard]")


async def speak_over(session: RealtimeSession, caller: SimulatedCaller) -> None:
    """Begin a story and let the caller interrupt it.

    Args:
        session: that of the story.
        caller: who interrupts.
    """
    await session.say(STORY)
    await caller.call(session)


async def press_stop(session: RealtimeSession) -> None:
    """Begin a story and stop it by hand after a second.

    Args:
        session: that of the story.
    """
    await session.say(STORY)
    async for event in session:
        if event.type == "audio":
            break
    await asyncio.sleep(1)
    await session.interrupt()


def heard(session: RealtimeSession) -> str:
    """Return what the history keeps of the story."""
    story = next(
        item for item in session.history if isinstance(item, MessageItem) and item.role == "assistant"
    )
    return getattr(story.content[0], "transcript", "")


async def main() -> None:
    """Interrupt the same story twice."""
    runner = RealtimeRunner(agent, model="local")
    caller = SimulatedCaller([Say(clips.load("interruption"), AgentSpeaking(1.5)), HangUp(After(0.5))])
    async with await runner.run(model_config={"playback_tracker": caller.tracker}) as session:
        session.on("audio_interrupted", report)
        await speak_over(session, caller)
        print(f"Spoken over: {heard(session)}")
    async with await runner.run() as session:
        session.on("audio_interrupted", report)
        await press_stop(session)
        await asyncio.sleep(0.1)
        print(f"Stopped:     {heard(session)}")


if __name__ == "__main__":
    asyncio.run(main())
