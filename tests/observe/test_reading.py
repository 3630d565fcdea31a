from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from vivavoce.observe.reading import (
    asked_by_person,
    calls_functions,
    failure_of,
    guardrail_name,
    in_ms,
    name_of,
    usage_attributes,
    voice_of,
    words_of,
)
from vivavoce.protocol import RealtimeSession, Response, Usage
from vivavoce.protocol.codec import client_event_from


def response(*output: Any) -> Response:
    raw = {"object": "realtime.response", "id": "resp_1", "status": "completed", "output": output}
    return msgspec.convert(raw, Response)


@pytest.mark.parametrize(
    ("item", "asked"),
    [
        ({"type": "message", "role": "user", "content": []}, True),
        ({"type": "message", "role": "system", "content": []}, False),
        ({"type": "function_call_output", "call_id": "c", "output": ""}, False),
    ],
)
def test_a_message_of_the_person_is_told_from_the_rest(item: Any, asked: bool) -> None:
    assert asked_by_person(client_event_from({"type": "conversation.item.create", "item": item})) is asked
    assert not asked_by_person(client_event_from({"type": "response.create"}))


def test_what_a_response_holds(forms: SimpleNamespace) -> None:
    text = {**forms.message(""), "content": [{"type": "output_text", "text": "And bye."}]}
    silent = {**forms.message(""), "content": [{"type": "output_audio"}]}
    assert (
        words_of(response(forms.message("Hello."), silent, text, forms.call("f", "c"))) == "Hello. And bye."
    )
    assert calls_functions(response(forms.call("f", "c")))
    assert not calls_functions(response(forms.message("Hello.")))
    assert not calls_functions(response({**forms.call("f", "c"), "status": "incomplete"}))


def test_tokens_become_attributes(forms: SimpleNamespace) -> None:
    usage = msgspec.convert(forms.usage(text=1, audio=2, image=4, cached_text=1, wrote=8, spoke=16), Usage)
    assert usage_attributes(usage) == {
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 24,
        "vivavoce.usage.input_text_tokens": 1,
        "vivavoce.usage.input_audio_tokens": 2,
        "vivavoce.usage.input_image_tokens": 4,
        "vivavoce.usage.cached_tokens": 1,
        "vivavoce.usage.output_text_tokens": 8,
        "vivavoce.usage.output_audio_tokens": 16,
    }


def test_names() -> None:
    class Guardrail:
        name = None

        def get_name(self) -> str:
            return "no prices"

    assert name_of(SimpleNamespace(name="Ada")) == "Ada"
    assert name_of("Ada") == "Ada"
    assert guardrail_name(SimpleNamespace(guardrail=Guardrail())) == "no prices"
    assert guardrail_name(SimpleNamespace(guardrail=SimpleNamespace(name="calm"))) == "calm"
    assert guardrail_name(SimpleNamespace(name="calm")) == "calm"


@pytest.mark.parametrize(
    ("audio", "voice"),
    [
        (None, ""),
        ({}, ""),
        ({"output": {}}, ""),
        ({"output": {"voice": "ash"}}, "ash"),
        ({"output": {"voice": {"id": "voice_1"}}}, "voice_1"),
    ],
)
def test_the_voice_of_a_session(audio: Any, voice: str) -> None:
    raw = {"type": "realtime"} if audio is None else {"type": "realtime", "audio": audio}
    assert voice_of(msgspec.convert(raw, RealtimeSession)) == voice


@pytest.mark.parametrize(
    ("details", "failure"),
    [
        (None, ("failed", "")),
        ({"type": "failed"}, ("failed", "")),
        ({"type": "failed", "error": {"type": "server_error"}}, ("server_error", "")),
        ({"type": "failed", "error": {"code": "engine_error", "message": "out"}}, ("engine_error", "out")),
        ({"type": "failed", "error": {"code": None, "message": None}}, ("failed", "")),
    ],
)
def test_why_a_response_failed(details: Any, failure: tuple[str, str]) -> None:
    raw = {"object": "realtime.response", "id": "r", "status": "failed", "status_details": details}
    assert failure_of(msgspec.convert(raw, Response)) == failure


def test_milliseconds() -> None:
    assert in_ms(0.1234567) == 123.457
