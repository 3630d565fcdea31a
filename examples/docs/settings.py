"""The blocks of docs/configuration.md as one program: it prints what a server would be told.

python examples/docs/settings.py
"""

import os
from typing import Any

from vivavoce import RealtimeAgent, RealtimeRunner
from vivavoce.session.settings import realtime_session
from vivavoce.testing import ScriptedRealtimeModel, run

flat = {
    "model_name": "gpt-realtime",
    "voice": "marin",
    "modalities": ["text", "audio"],
    "input_audio_format": "g711_ulaw",
    "input_audio_transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
    "turn_detection": {"type": "semantic_vad", "eagerness": "medium", "interrupt_response": True},
}
nested = {
    "model_name": "gpt-realtime",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": "audio/pcmu",
            "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
            "turn_detection": {"type": "semantic_vad", "eagerness": "medium", "interrupt_response": True},
        },
        "output": {"voice": "marin"},
    },
}
camel_case = {
    "modelName": "gpt-realtime",
    "outputModalities": ["audio"],
    "audio": {
        "input": {
            "format": "g711_ulaw",
            "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
            "turnDetection": {"type": "semantic_vad", "eagerness": "medium", "interruptResponse": True},
        },
        "output": {"voice": "marin"},
    },
}


async def fetch_token() -> str:
    """Return a key; asked again for every connection, for keys may expire."""
    return os.environ.get("MY_TOKEN", "none")


model_config: Any = {
    "api_key": fetch_token,
    "url": "wss://voice.example.com/v1",
    "headers": {"X-Tenant": "7"},
    "initial_model_settings": {"turn_detection": {"eagerness": "high"}},
    "transport": {"ping_interval": 10, "ping_timeout": 5, "max_size": 4 * 1024 * 1024},
}


async def main() -> None:
    """Show that the three forms say the same, and what comes of them with an agent on top."""
    print(realtime_session(flat) == realtime_session(nested) == realtime_session(camel_case))
    agent = RealtimeAgent(name="Front desk", instructions="Greet people.", voice="cedar")
    model = ScriptedRealtimeModel()
    runner = RealtimeRunner(agent, model=model, config={"model_settings": flat})
    async with await runner.run(model_config=model_config):
        update: Any = model.sent_events[0]
        print(update.session.instructions, update.session.audio.output.voice)
        print(update.session.audio.input.turn_detection.eagerness)


if __name__ == "__main__":
    run(main())
