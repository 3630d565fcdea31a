"""Settings of a session, as one writes them in Python or in JavaScript: both are understood.

python examples/voice_agents/session_settings.py
"""

import asyncio
from typing import Any

from vivavoce import RealtimeAgent, RealtimeRunner
from vivavoce.protocol import to_builtins

agent = RealtimeAgent(
    name="Greeter",
    instructions="Greet the user with cheer and answer questions.",
)

PYTHON = {
    "model_settings": {
        "model_name": "gpt-realtime",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": "gpt-4o-mini-transcribe"},
        # Merged last into the session as it is sent, for what has no setting of its own.
        "provider_data": {"max_output_tokens": 200},
    }
}
JAVASCRIPT = {
    "config": {
        "modelName": "gpt-realtime",
        "inputAudioFormat": "pcm16",
        "outputAudioFormat": "pcm16",
        "inputAudioTranscription": {"model": "gpt-4o-mini-transcribe"},
        "providerData": {"max_output_tokens": 200},
    }
}


async def accepted(config: dict[str, Any]) -> dict[str, Any]:
    """Open a session and return what the server says of it.

    Args:
        config: as the user writes it.
    """
    settings: dict[str, Any] = {}
    async with await RealtimeRunner(agent, model="local", config=config).run() as session:
        async for event in session:
            if event.type == "session.updated":
                settings = to_builtins(event.session)
                break
    return settings


async def main() -> None:
    """Print what comes of the settings, and that the spelling makes no difference."""
    settings = await accepted(PYTHON)
    for name in ("model", "output_modalities", "max_output_tokens"):
        print(f"{name}: {settings[name]}")
    print(f"input: {settings['audio']['input']['format']}, {settings['audio']['input']['transcription']}")
    print(f"output: {settings['audio']['output']['format']}")
    again = await accepted(JAVASCRIPT)
    differences = [
        name for name in settings if settings[name] != again[name] and name not in {"id", "expires_at"}
    ]
    print(f"In JavaScript's spelling: {len(differences)} differences")


if __name__ == "__main__":
    asyncio.run(main())
