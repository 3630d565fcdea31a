"""More programs, for what no field of a client brings about: failures, limits, all that is shown at once."""

from __future__ import annotations

import json

from tests.conformance.probes import (
    BASE,
    DOCS,
    EXAMPLES,
    LOOK,
    RESPOND,
    TALK,
    say,
    seeking,
)
from tests.conformance.world import CALLS, Event, Program

from vivavoce.engines.base import FunctionCallDelta, ModelDone, ModelUsage
from vivavoce.errors import EngineError

DOWN = {
    "type": "session.update",
    "session": {"type": "realtime", "tools": [{**DOCS, "server_url": "https://down.example.com"}]},
}
PICKY = {
    "always": {"tool_names": ["erase"], "read_only": False},
    "never": {"tool_names": ["seek"], "read_only": True},
}
HEARING = {
    "transcription": {
        "model": "whisper-1",
        "language": "en",
        "languages": ["en"],
        "prompt": "p",
        "keywords": ["k"],
        "delay": "low",
    },
    "noise_reduction": {"type": "far_field", "strength": 0.5},
    "turn_detection": {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": True,
        "interrupt_response": True,
    },
}
RICH = {
    "type": "realtime",
    "tools": [
        LOOK,
        {
            **DOCS,
            "server_description": "d",
            "allowed_tools": {"tool_names": ["seek"], "read_only": True},
            "require_approval": PICKY,
            "allowed_callers": ["direct"],
            "defer_loading": False,
        },
        {**DOCS, "server_label": "more", "allowed_tools": ["seek"]},
    ],
    "tool_choice": {"type": "function", "name": "look"},
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low"},
    "tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": "b"}},
    "truncation": {
        "type": "retention_ratio",
        "retention_ratio": 0.5,
        "token_limits": {"post_instructions": 99},
    },
    "prompt": {"id": "greeting", "version": "1", "variables": {"who": "Ada"}},
    "include": ["item.input_audio_transcription.logprobs"],
    "audio": {"input": HEARING, "output": {"voice": {"id": "echo"}}},
}
CHOOSY = {**RICH, "tool_choice": {"type": "mcp", "server_label": "docs", "name": "seek"}}
LISTENER = {"type": "transcription", "audio": {"input": HEARING}, "include": RICH["include"]}
COUNTED = ModelDone("stop", ModelUsage(50, 7, 20))


def _get(item_id: str) -> Event:
    return {"type": "conversation.item.retrieve", "item_id": item_id}


APPROVE = {"type": "conversation.item.create", "item": {**EXAMPLES["McpApprovalResponseItem"], "reason": "r"}}
CAREFUL = json.loads(json.dumps(BASE).replace('"never"', '"always"'))
SHOWN: tuple[Program, ...] = (
    # What goes wrong: the model, the ears, the tools of an MCP server, and the time that is up.
    Program((BASE, say("Hi"), RESPOND, ("wait", 5.0)), answers=((EngineError("The model broke."),),)),
    Program((BASE, *TALK), hears=(EngineError("The ears broke."),)),
    Program((DOWN, ("wait", 2.0), RESPOND, ("wait", 9.0))),
    Program(
        (BASE, ("wait", 1.0), RESPOND, ("wait", 9.0), _get("item_2")),
        answers=((FunctionCallDelta(0, "erase", "{}", "c"),),),
    ),
    Program((("wait", 9.0),), options=(("max_session_s", 8.0), ("session_warning_s", 3.0))),
    Program((say("Hi"), RESPOND, ("wait", 9.0)), options=(("tokens_per_minute", 1000),)),
    Program((say("Hi"), RESPOND, ("wait", 9.0)), answers=(("Counted.", COUNTED),)),
    # What a session begins with, or is told, is shown at once.
    Program(({"type": "session.update", "session": RICH}, ("wait", 1.0))),
    Program((("wait", 1.0),), settings=json.dumps(RICH)),
    Program((("wait", 1.0),), settings=json.dumps(CHOOSY)),
    Program((("wait", 1.0),), settings=json.dumps(LISTENER), options=(("transcription_only", True),)),
    # Words are padded, and all that was said is kept.
    Program(
        (BASE, ("wait", 1.0), say("Hi"), RESPOND, ("wait", 9.0), *TALK, _get("item_4"), _get("item_5")),
        answers=CALLS,
        options=(("obfuscation", True),),
    ),
    Program(
        (BASE, {**RESPOND, "response": {"output_modalities": ["text"]}}, ("wait", 3.0), *TALK),
        options=(("obfuscation", True),),
    ),
    Program(
        (
            CAREFUL,
            ("wait", 1.0),
            say("Hi"),
            RESPOND,
            ("wait", 2.0),
            _get("item_1"),
            _get("item_4"),
            APPROVE,
            ("wait", 2.0),
            _get("item_5"),
        ),
        answers=seeking(),
    ),
    Program(
        (
            *(("speak", 200), {"type": "input_audio_buffer.clear"}),
            {"type": "conversation.item.create", "item": {**EXAMPLES["FunctionCallItem"], "id": "a"}},
            {
                "type": "conversation.item.create",
                "item": {**EXAMPLES["FunctionCallOutputItem"], "id": "b", "object": "realtime.item"},
            },
            _get("b"),
        )
    ),
)
"""More programs, for what no field of a client brings about."""
