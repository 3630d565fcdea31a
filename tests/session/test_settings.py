from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail
from vivavoce.agents.hooks import RealtimeRunHooks
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import InputText, MessageItem
from vivavoce.protocol.codec import to_builtins
from vivavoce.session.settings import (
    GuardrailSettings,
    InputGuardrailSettings,
    ReconnectSettings,
    RunSettings,
    ToolSettings,
    check_run_config,
    session_of,
)


def check(*_: object) -> Any:
    """A guardrail that nobody runs."""


OUTPUT = OutputGuardrail(check)
INPUT = InputGuardrail(check)
HOOKS = RealtimeRunHooks[Any]()
HELLO = MessageItem(role="user", content=[InputText(text="Hello")])


class Observer:
    def on_client_event(self, *_: object) -> None: ...
    def on_server_event(self, *_: object) -> None: ...
    def on_session_event(self, *_: object) -> None: ...
    def close(self, *_: object) -> None: ...


OBSERVER = Observer()


def reason(*_: object) -> str:
    return ""


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"output_guardrails": [OUTPUT]}, {"output_guardrails": (OUTPUT,)}),
        ({"outputGuardrails": (OUTPUT,)}, {"output_guardrails": (OUTPUT,)}),
        ({"input_guardrails": [INPUT]}, {"input_guardrails": (INPUT,)}),
        (
            {"guardrails_settings": {"debounce_text_length": 500}},
            {"guardrails": GuardrailSettings(debounce_text_length=500)},
        ),
        (
            {"outputGuardrailSettings": {"debounceTextLength": -1}},
            {"guardrails": GuardrailSettings(debounce_text_length=-1)},
        ),
        (
            {
                "guardrails_settings": {
                    "timeout_s": 1,
                    "on_failure": "trip",
                    "hold_back": True,
                    "message": reason,
                }
            },
            {"guardrails": GuardrailSettings(timeout_s=1, on_failure="trip", hold_back=True, message=reason)},
        ),
        (
            {
                "inputGuardrailSettings": {
                    "timeoutS": 1,
                    "onFailure": "trip",
                    "transcriptTimeoutS": 2,
                    "deleteItem": True,
                    "respond": False,
                    "message": "No.",
                }
            },
            {"input_guarding": InputGuardrailSettings(1, "trip", 2, True, False, "No.")},
        ),
        ({"async_tool_calls": False}, {"tools": ToolSettings(async_tool_calls=False)}),
        (
            {
                "toolExecution": {
                    "preApprovalToolInputGuardrails": True,
                    "approvalTimeoutS": 30,
                    "timeoutS": 20,
                },
                "toolErrorFormatter": reason,
            },
            {"tools": ToolSettings(True, True, reason, 30, 20)},
        ),
        ({"reconnect": False}, {"reconnect": ReconnectSettings(enabled=False)}),
        ({"reconnect": True}, {"reconnect": ReconnectSettings()}),
        (
            {"reconnect": {"attempts": 2, "first_delay_s": 1, "longest_delay_s": 2}},
            {"reconnect": ReconnectSettings(True, 2, 1, 2)},
        ),
        ({"hooks": HOOKS, "observers": [OBSERVER]}, {"hooks": HOOKS, "observers": (OBSERVER,)}),
        ({"history": [HELLO, to_builtins(HELLO)]}, {"history": (HELLO, HELLO)}),
        ({"hooks": None, "output_guardrails": None, "model_settings": None, "reconnect": None}, {}),
    ],
)
def test_every_key_of_a_run_and_the_names_that_javascript_has_for_them(
    config: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    assert check_run_config(config) == RunSettings(**expected)


def told(config: dict[str, Any]) -> dict[str, Any]:
    settings = check_run_config(config).model
    return to_builtins(session_of(settings, instructions="", voice=None, tools=[]))


@pytest.mark.parametrize("key", ["model_settings", "modelSettings", "config"])
def test_the_models_settings_are_read(key: str) -> None:
    assert told({key: {"voice": "ash"}})["audio"] == {"output": {"voice": "ash"}}


def test_labels_of_the_trace_may_stand_beside_the_models_settings() -> None:
    labels = {"workflowName": "w", "groupId": "g", "traceMetadata": {"theirKey": 1}}
    assert told(labels)["tracing"] == {"workflow_name": "w", "group_id": "g", "metadata": {"theirKey": 1}}
    inner = {"tracing": {"group_id": "inner"}}
    assert told({"workflow_name": "w", "group_id": "g", "model_settings": inner})["tracing"] == {
        "workflow_name": "w",
        "group_id": "inner",
    }


def test_a_run_without_tracing_asks_the_server_for_none() -> None:
    config = {"tracing_disabled": True, "workflow_name": "w", "model_settings": {"tracing": "auto"}}
    assert check_run_config(config).tracing_disabled
    assert told(config) == {"type": "realtime"}


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("x", "config must be a dictionary, got 'x'"),
        ({"colour": 1}, "config.colour is not known; known are: model_settings, output_guardrails, "),
        ({"outputGuardrail": []}, "config.outputGuardrail is not known; did you mean 'output_guardrails'? "),
        (
            {"context": 1},
            "config.context is not accepted here: it belongs to one session: runner.run(context=…)",
        ),
        (
            {"historyStoreAudio": True},
            "config.historyStoreAudio is not accepted here: the history keeps words",
        ),
        ({"model_settings": {"voice": 1}}, "config.model_settings.voice: "),
        ({"modelSettings": {"voise": 1}}, "config.modelSettings.voise is not known; did you mean 'voice'?"),
        ({"config": {"voise": 1}}, "config.config.voise is not known; did you mean 'voice'?"),
        ({"config": {}, "model_settings": {}}, "config has both 'model_settings' and 'config'; keep one"),
        ({"output_guardrails": OUTPUT}, "config.output_guardrails must be a list of OutputGuardrails; "),
        ({"output_guardrails": [check]}, "decorate a function with @output_guardrail, got [<function"),
        ({"input_guardrails": [OUTPUT]}, "config.input_guardrails must be a list of InputGuardrails; "),
        (
            {"outputGuardrailSettings": {"debounceTextLength": 0}},
            "config.outputGuardrailSettings.debounceTextLength must be a number of characters from 1, or -1",
        ),
        (
            {"guardrails_settings": {"on_failure": "stop"}},
            "config.guardrails_settings.on_failure must be 'skip' or 'trip', got 'stop'",
        ),
        ({"guardrails_settings": {"message": 3}}, "message must be a text or a function, or None, got 3"),
        (
            {"input_guardrails_settings": {"respnd": True}},
            "config.input_guardrails_settings.respnd is not known; did you mean 'respond'?",
        ),
        ({"async_tool_calls": 1}, "config.async_tool_calls must be True or False, got 1"),
        ({"tool_error_formatter": "x"}, "config.tool_error_formatter must be a function, got 'x'"),
        (
            {"tool_execution": {"approval_timeout_s": 0}},
            "config.tool_execution.approval_timeout_s must be seconds above 0, or None, got 0",
        ),
        ({"tracing_disabled": "yes"}, "config.tracing_disabled must be True or False, got 'yes'"),
        ({"workflow_name": ""}, "config.workflow_name must be a text that is not empty, got ''"),
        ({"reconnect": 3}, "config.reconnect must be a dictionary, got 3"),
        (
            {"reconnect": {"attempts": 1.5}},
            "config.reconnect.attempts must be a whole number from 1, got 1.5",
        ),
        ({"hooks": 3}, "config.hooks must be RealtimeRunHooks, got 3"),
        ({"observers": [3]}, "config.observers[0] must be a SessionObserver; 3 has no on_client_event()"),
        ({"history": "x"}, "config.history must be a list of conversation items, got 'x'"),
        ({"history": [HELLO, {"type": "massage"}]}, "config.history[1] is not accepted: "),
    ],
)
def test_a_run_configuration_that_is_not_accepted(config: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_run_config(config)
    assert complaint in str(caught.value)
