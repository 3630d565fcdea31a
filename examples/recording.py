"""Record a call as sound and events, count its tokens, and let the agent replay it without a model.

python examples/recording.py call
vivavoce replay call.jsonl --agent examples.recording:agent
"""

import asyncio
import math
import sys

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.connections.replay import ReplayRealtimeModel
from vivavoce.observe.recorder import SessionRecorder
from vivavoce.observe.usage import UsageLedger


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city."""
    return f"It is sunny in {city}."


agent = RealtimeAgent(name="Front desk", instructions="Greet people and help.", tools=[get_weather])


async def record(path: str) -> SessionRecorder:
    """Ask one question, and wait until the answer was heard."""
    recorder, ledger = SessionRecorder(path), UsageLedger()
    runner = RealtimeRunner(agent, model="local")
    async with recorder, await runner.run(observers=[recorder, ledger]) as session:
        await session.send_message("What is the weather in Oslo?")
        async for event in session:
            if event.type == "playback_ended":
                break
    for turn in ledger.turns:
        print(f"Turn {turn.index}: {turn.usage.input_tokens} tokens in, {turn.usage.output_tokens} out")
    return recorder


async def replay(recorder: SessionRecorder) -> None:
    """Run the agent on the recorded events: its tools are called again, the model is not."""
    model = ReplayRealtimeModel(recorder.events_path, speed=math.inf)
    async with await RealtimeRunner(agent, model=model).run(model_config=model.model_config) as session:
        await model.finished()
        print(f"Replayed {len(session.history)} items, {len(model.differences)} differences")


async def main(path: str) -> None:
    """Record, then replay."""
    recorder = await record(path)
    print(f"Recorded {recorder.wav_path} and {recorder.events_path}")
    await replay(recorder)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "call"))
