"""The judges of frames see what is wrong, and only that."""

from __future__ import annotations

from typing import Any

import pytest
from tests.frames import SOUND, Frames, js_home, js_verdicts, shape_of

PART = {"type": "input_audio", "transcript": None}
ITEM = {"id": "item_1", "type": "message", "role": "user", "status": "completed", "content": [PART]}
DELTA = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "x"}


def added(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.added", "event_id": "event_1", "item": item}


def without(frame: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in frame.items() if key != name}


@pytest.mark.parametrize(
    ("frame", "verdict"),
    [
        (added(ITEM), ""),
        (added({**ITEM, "status": None}), "is not understood: item.status: "),
        (added(without(ITEM, "id")), "ends the application: "),
        (added({**ITEM, "content": [{"type": "input_audio"}]}), "ends the application: "),
        (added({**ITEM, "content": [{"type": "input_image", "image_url": "data:image/png;base64,aa"}]}), ""),
        (
            {"type": "response.output_text.delta", "event_id": "event_1", **without(DELTA, "item_id")},
            "is not",
        ),
        ({"type": "input_audio_buffer.timeout_triggered", "event_id": "event_1"}, ""),
        ({"event_id": "event_1"}, "is no event at all"),
    ],
)
@pytest.mark.clients
def test_the_javascript_sdk_as_a_judge(frame: dict[str, Any], verdict: str) -> None:
    if js_home() is None:
        pytest.skip("needs the JavaScript clients: make .venv/.js")
    (said,) = js_verdicts([frame])
    assert said.startswith(verdict)
    assert bool(said) == bool(verdict)


def test_what_the_types_refuse_is_told_once() -> None:
    pytest.importorskip("openai", reason="needs the package openai")
    frames = Frames(test="a test")
    frames.note(added(ITEM))
    frames.note({"type": SOUND, "event_id": "event_1", **DELTA})
    assert frames.take_problems() == []
    for number in (1, 2):
        frames.note(added({**ITEM, "id": number}))
    (problem,) = frames.take_problems()
    assert "item_1" not in problem
    assert "UserMessageItem" in problem or "item" in problem
    assert frames.take_problems() == []


def test_the_retired_dialect_has_judges_of_its_own() -> None:
    pytest.importorskip("openai", reason="needs the package openai")
    frames = Frames()
    frames.note({"type": "response.text.delta", "event_id": "event_1", **DELTA}, beta=True)
    assert frames.take_problems() == []
    frames.note({"type": "response.text.delta", "event_id": "event_1", **DELTA})
    assert len(frames.take_problems()) == 1


def test_a_shape_is_made_of_names_types_and_words_of_art() -> None:
    assert shape_of({"type": "a", "n": 1}) == shape_of({"type": "a", "n": 2})
    assert shape_of({"type": "a", "n": 1}) != shape_of({"type": "b", "n": 1})
    assert shape_of({"type": "a", "n": 1}) != shape_of({"type": "a", "n": 1.0})
    assert shape_of({"n": ["a", "b"]}) == shape_of({"n": ["c"]})
    assert shape_of({"n": []}) != shape_of({"n": None})
    assert shape_of({"n": ({"a": 1},)}) == shape_of({"n": [{"a": 2}]}) != shape_of({"n": ({"a": ""},)})
