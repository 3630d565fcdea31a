"""Whatever stands in the body of a request, the answer is an answer."""

from __future__ import annotations

from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import ServerConfig, create_app
from vivavoce.testing import run

WORDS = st.sampled_from(
    ["realtime", "transcription", "created_at", "alloy", "audio", "text", "auto", "server_vad", "wav", "Hi."]
)
LEAVES = st.none() | st.booleans() | st.integers(-10, 10_000) | st.floats(0, 3) | WORDS
NAMES = st.sampled_from(
    [
        *("session", "expires_after", "anchor", "seconds", "type", "model", "audio", "input", "output"),
        *(
            "format",
            "voice",
            "turn_detection",
            "tools",
            "tool_choice",
            "instructions",
            "modalities",
            "prompt",
        ),
        *(
            "transcription",
            "noise_reduction",
            "truncation",
            "include",
            "speed",
            "id",
            "name",
            "client_secret",
        ),
        *(
            "expires_at",
            "input_audio_format",
            "response_format",
            "stream_format",
            "max_output_tokens",
            "tracing",
        ),
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=5)
PATHS = (
    "/v1/realtime/client_secrets",
    "/v1/realtime/sessions",
    "/v1/realtime/transcription_sessions",
    "/v1/audio/speech",
)


@settings(max_examples=40, deadline=None)
@given(st.lists(BODIES, min_size=5, max_size=5))
def test_it_is_met_or_refused_with_a_reason(bodies: list[dict[str, Any]]) -> None:
    async def scenario() -> None:
        app = create_app(ServerConfig(), scripted_engines())
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for path in PATHS:
                for body in bodies:
                    answer = await client.post(path, json=body)
                    assert answer.status_code in {200, 400}, (path, body, answer.text)
                    if answer.status_code == 400:
                        error = answer.json()["error"]
                        assert error["code"]
                        assert error["message"]
        assert app.sessions == 0

    run(scenario())
