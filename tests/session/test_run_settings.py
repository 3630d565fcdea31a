"""The records and the typed dictionaries that users write say the same things."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from vivavoce.session import config
from vivavoce.session.run_settings import (
    GuardrailSettings,
    InputGuardrailSettings,
    ReconnectSettings,
    ToolSettings,
)
from vivavoce.session.settings import check_run_config


@pytest.mark.parametrize(
    ("record", "written", "elsewhere"),
    [
        (GuardrailSettings, config.RealtimeGuardrailsSettings, set()),
        (InputGuardrailSettings, config.RealtimeInputGuardrailsSettings, set()),
        (ReconnectSettings, config.RealtimeReconnectConfig, set()),
        (ToolSettings, config.RealtimeToolExecutionConfig, {"async_tool_calls", "tool_error_formatter"}),
    ],
)
def test_what_a_record_holds_can_be_written(record: Any, written: Any, elsewhere: set[str]) -> None:
    names = {field.name for field in fields(record)}
    assert names == set(written.__annotations__) | elsewhere
    assert elsewhere <= set(config.RealtimeRunConfig.__annotations__)


@pytest.mark.parametrize(
    ("key", "part", "record"),
    [
        ("guardrails_settings", "guardrails", GuardrailSettings()),
        ("input_guardrails_settings", "input_guarding", InputGuardrailSettings()),
        ("reconnect", "reconnect", ReconnectSettings()),
    ],
)
def test_writing_the_defaults_out_changes_nothing(key: str, part: str, record: Any) -> None:
    written = {field.name: getattr(record, field.name) for field in fields(record)}
    assert getattr(check_run_config({key: written}), part) == record
