"""The beta dialect under noise: only the promised exception comes in, only what the beta allows goes out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.protocol.test_beta_server import ORACLE
from tests.protocol.test_conformance import structs
from tests.protocol.test_fuzz import JSON, SEEDS, places, planted, refusal

from vivavoce.protocol import SERVER_EVENT_TYPES, ServerEvent
from vivavoce.protocol.beta_client import decode_beta_event
from vivavoce.protocol.beta_server import BetaTranslator

BETA_SEEDS: list[dict[str, Any]] = [
    {
        "type": "session.update",
        "session": {
            "modalities": ["text", "audio"],
            "voice": "alloy",
            "input_audio_format": "pcm16",
            "input_audio_transcription": {"model": "whisper-1"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5},
            "tools": [{"type": "function", "name": "f", "parameters": {}}],
            "tool_choice": "f",
            "temperature": 0.8,
            "max_response_output_tokens": "inf",
        },
    },
    {"type": "transcription_session.update", "session": {"modalities": ["text"], "turn_detection": None}},
    {
        "type": "response.create",
        "response": {
            "modalities": ["text"],
            "temperature": 1,
            "input": [{"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]}],
        },
    },
]


@settings(deadline=None, database=None)
@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_noise_is_refused_as_the_protocol_says(data: str | bytes) -> None:
    error = refusal(decode_beta_event, data)
    assert error is None or error.code


@settings(deadline=None, database=None)
@given(st.sampled_from([*BETA_SEEDS, *SEEDS]), st.data())
def test_damage_is_refused_as_the_protocol_says(seed: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(seed)))
    error = refusal(decode_beta_event, json.dumps(planted(seed, place, data.draw(JSON))))
    assert error is None or error.code
    assert error is None or " - at `$" not in error.message


def as_the_oracle_knows_it(form: dict[str, Any]) -> dict[str, Any]:
    """Without what its types bind to the models of their day: the names of models, and pictures."""
    if "session" in form:
        form["session"].pop("model", None)
    items = [form["item"]] if "item" in form else form.get("response", {}).get("output", [])
    for item in items:
        parts = item.get("content", [])
        item["content"] = [part for part in parts if part["type"] != "input_image"]
    return form


@settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.sampled_from(sorted(SERVER_EVENT_TYPES)).flatmap(lambda name: structs(SERVER_EVENT_TYPES[name])),
        max_size=3,
    )
)
def test_whatever_a_server_says_is_valid_in_the_beta(events: list[ServerEvent]) -> None:
    translator = BetaTranslator()
    for event in events:
        for form in translator.translate(event):
            ORACLE.validate_json(json.dumps(as_the_oracle_knows_it(form)), strict=True)
