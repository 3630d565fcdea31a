"""What a server counts, and the page that Prometheus reads."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from vivavoce.engines.choice import EngineChoice
from vivavoce.engines.registry import build_engines
from vivavoce.errors import MissingExtraError
from vivavoce.protocol.codec import server_event_from
from vivavoce.server.metrics import MAX_CODES, ServerMetrics, queue_depths
from vivavoce.testing import run


class House:
    sessions = 3
    max_sessions = 8

    def queue_depths(self) -> Mapping[str, int]:
        return {"stt": 2, "tts": 0}


def values(metrics: ServerMetrics) -> dict[str, float]:
    """Every sample of the page by its name and labels."""
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.page().decode())
        for sample in family.samples
    }


def done(status: str = "completed", details: object = None, **more: object) -> object:
    response = {
        "object": "realtime.response",
        "id": "resp_1",
        "status": status,
        "status_details": details,
        "output": [],
        "usage": {
            "total_tokens": 60,
            "input_tokens": 40,
            "output_tokens": 20,
            "input_token_details": {"text_tokens": 30, "audio_tokens": 10, "cached_tokens": 5},
            "output_token_details": {"text_tokens": 4, "audio_tokens": 16},
        },
    }
    return {"type": "response.done", "event_id": "e", "response": response, **more}


def test_what_is_looked_at_is_looked_at_when_asked() -> None:
    house = House()
    metrics = ServerMetrics(house)
    house.sessions = 5
    page = values(metrics)
    assert page["vivavoce_sessions"] == 5
    assert page["vivavoce_sessions_max"] == 8
    assert (page["vivavoce_engine_queue stt"], page["vivavoce_engine_queue tts"]) == (2, 0)
    if sys.platform == "linux":
        assert page["process_resident_memory_bytes"] > 0


def test_a_session_is_counted_from_its_start_to_its_end() -> None:
    metrics = ServerMetrics(House())
    watcher = metrics.session_started("realtime", now=100.0)
    watcher.close(145.0)
    watcher.close(999.0)
    metrics.session_closed(1000)
    metrics.session_closed(None)
    metrics.refused("session_limit_reached")
    metrics.refused(None)
    page = values(metrics)
    assert page["vivavoce_sessions_started_total realtime websocket"] == 1
    assert page["vivavoce_session_duration_seconds_sum"] == 45
    assert page["vivavoce_session_duration_seconds_count"] == 1
    assert (page["vivavoce_sessions_closed_total 1000"], page["vivavoce_sessions_closed_total none"]) == (
        1,
        1,
    )
    assert page["vivavoce_refusals_total session_limit_reached"] == 1
    assert page["vivavoce_refusals_total none"] == 1


def test_an_answer_is_counted_with_its_tokens_and_its_stages() -> None:
    metrics = ServerMetrics(House())
    watcher = metrics.session_started("realtime", now=0.0)
    reached = {
        "end_of_speech": 0,
        "end_of_turn": 500,
        "transcript": 600,
        "first_token": 850,
        "first_audio": 900,
    }
    stages = {stage: float(at) for stage, at in reached.items()}
    watcher.on_server_event(server_event_from(done(stage_times=stages)), 1.0)
    page = values(metrics)
    assert page["vivavoce_responses_total none completed"] == 1
    assert page["vivavoce_tokens_total input text"] == 30
    assert page["vivavoce_tokens_total input cached"] == 5
    assert page["vivavoce_tokens_total output audio"] == 16
    assert page["vivavoce_stage_seconds_sum turn_detection"] == pytest.approx(0.5)
    assert page["vivavoce_stage_seconds_sum transcription"] == pytest.approx(0.1)
    assert page["vivavoce_stage_seconds_sum model"] == pytest.approx(0.25)
    assert page["vivavoce_stage_seconds_count model"] == 1
    assert page["vivavoce_stage_seconds_sum synthesis"] == pytest.approx(0.05)
    assert page["vivavoce_answer_seconds_sum end_of_turn"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("stages", "model"),
    [({"asked": 0.0, "first_token": 70.0}, 0.07), ({"end_of_turn": 10.0, "first_token": 70.0}, 0.06)],
)
def test_the_model_is_timed_from_what_it_was_asked_by(stages: dict[str, float], model: float) -> None:
    metrics = ServerMetrics(House())
    metrics.session_started("realtime", 0.0).on_server_event(server_event_from(done(stage_times=stages)), 1.0)
    page = values(metrics)
    assert page["vivavoce_stage_seconds_sum model"] == pytest.approx(model)
    assert not any(name.startswith("vivavoce_answer_seconds") for name in page)


def test_what_a_client_asked_for_does_not_count_among_the_answers_to_speech() -> None:
    metrics = ServerMetrics(House())
    watcher = metrics.session_started("realtime", 0.0)
    for stages in (
        {"end_of_turn": 0.0, "first_token": 700.0, "first_audio": 900.0},
        {"asked": 0.0, "first_token": 3.0, "first_audio": 4.0},
    ):
        watcher.on_server_event(server_event_from(done(stage_times=stages)), 1.0)
    page = values(metrics)
    assert page["vivavoce_answer_seconds_sum end_of_turn"] == pytest.approx(0.9)
    assert page["vivavoce_answer_seconds_sum asked"] == pytest.approx(0.004)
    assert page["vivavoce_answer_seconds_count end_of_turn"] == 1


@pytest.mark.parametrize(
    ("status", "details", "line"),
    [
        ("cancelled", {"type": "cancelled", "reason": "turn_detected"}, "turn_detected cancelled"),
        ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}, "max_output_tokens incomplete"),
        ("failed", {"type": "failed", "error": {"code": "engine_error"}}, "engine_error failed"),
        ("failed", {"type": "failed", "error": {"type": "server_error"}}, "none failed"),
        ("failed", {"type": "failed"}, "none failed"),
    ],
)
def test_the_end_of_a_response_is_told_with_its_reason(status: str, details: object, line: str) -> None:
    metrics = ServerMetrics(House())
    event = server_event_from(done(status, details))
    metrics.session_started("realtime", 0.0).on_server_event(event, 1.0)
    assert values(metrics)[f"vivavoce_responses_total {line}"] == 1


def test_turns_tools_and_errors_are_counted_and_audio_is_not_looked_at() -> None:
    metrics = ServerMetrics(House())
    watcher = metrics.session_started("realtime", 0.0)
    call: dict[str, object] = {
        "type": "function_call",
        "id": "i",
        "call_id": "c",
        "name": "f",
        "arguments": "{}",
    }
    mcp: dict[str, object] = {
        "type": "mcp_call",
        "id": "i",
        "server_label": "s",
        "name": "f",
        "arguments": "{}",
        "output": None,
    }
    message: dict[str, object] = {"type": "message", "id": "i", "role": "assistant", "content": []}
    done = {"type": "response.output_item.done", "response_id": "r", "output_index": 0}
    events: list[dict[str, object]] = [
        {"type": "input_audio_buffer.committed", "item_id": "i"},
        {
            "type": "input_audio_buffer.timeout_triggered",
            "item_id": "i",
            "audio_start_ms": 0,
            "audio_end_ms": 9,
        },
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "m", "code": "invalid_value"},
        },
        {**done, "item": call},
        {**done, "item": mcp},
        {**done, "item": message},
        {"type": "of.a.later.day"},
    ]
    for event in events:
        watcher.on_server_event(server_event_from({"event_id": "e", **event}), 1.0)
    page = values(metrics)
    assert (page["vivavoce_turns_total speech"], page["vivavoce_turns_total idle_timeout"]) == (1, 1)
    assert (page["vivavoce_tool_calls_total function"], page["vivavoce_tool_calls_total mcp"]) == (1, 1)
    assert page["vivavoce_errors_total invalid_value"] == 1


def test_codes_of_errors_have_a_bound() -> None:
    metrics = ServerMetrics(House())
    for number in range(MAX_CODES + 50):
        metrics.refused(f"code_{number}")
    metrics.refused("code_1")
    page = values(metrics)
    assert page["vivavoce_refusals_total other"] == 50
    assert page["vivavoce_refusals_total code_1"] == 2


def test_the_event_loop_is_watched_until_the_end() -> None:
    async def main() -> ServerMetrics:
        metrics = ServerMetrics(House())
        metrics.start()
        metrics.start()
        await asyncio.sleep(5.1)
        metrics.close()
        metrics.close()
        await asyncio.sleep(5)
        return metrics

    assert values(run(main()))["vivavoce_event_loop_lag_seconds_count"] == 10


def test_without_its_package_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[metrics\]"):
        ServerMetrics(House())


def test_only_engines_with_a_line_to_wait_in_tell_how_long_it_is() -> None:
    class Busy:
        queue_depth = 3

    class Rig:
        vad = object()
        transcriber = Busy()
        turn = None

    assert queue_depths(Rig()) == {"stt": 3}
    engines = build_engines(EngineChoice(preset="bench"))
    assert queue_depths(engines) == {}


def test_what_becomes_of_webhooks_is_shown() -> None:
    class Sender:
        delivered, failed, waiting = 5, 1, 2

    metrics = ServerMetrics(House())
    assert "webhooks" not in metrics.page().decode()
    metrics.watch_webhooks(Sender())
    page = values(metrics)
    assert (page["vivavoce_webhooks_total delivered"], page["vivavoce_webhooks_total failed"]) == (5, 1)
    assert page["vivavoce_webhooks_waiting"] == 2
