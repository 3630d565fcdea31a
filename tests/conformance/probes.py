"""What is sent to find out what a field does: an object for each struct, values for each field, scenes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from msgspec import inspect
from tests.conformance.rows import Field, options_of
from tests.conformance.world import CALLS, Event, Program

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.testing.tones import tone

AUDIO = base64.b64encode(tone(400)).decode()
PIXEL = b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = f"data:image/png;base64,{PIXEL.decode()}"
LOOK = {"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}}
FIND = {**LOOK, "name": "find"}
DOCS = {
    "type": "mcp",
    "server_label": "docs",
    "server_url": "https://mcp.example.com/mcp",
    "require_approval": "never",
}
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
LISTED = {"name": "seek", "description": "Seeks.", "input_schema": {"type": "object"}}
MCP_ITEM = {"server_label": "docs", "name": "seek", "arguments": "{}"}
OWN = {"id": "mine"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "RealtimeSession": {"type": "realtime"},
    "TranscriptionSession": {"type": "transcription"},
    "ServerVad": {"type": "server_vad"},
    "SemanticVad": {"type": "semantic_vad"},
    "Transcription": {"model": "whisper-1"},
    "NoiseReduction": {"type": "near_field"},
    "PcmFormat": {"type": "audio/pcm"},
    "FunctionTool": LOOK,
    "McpTool": DOCS,
    "McpApprovalFilter": {"never": {"tool_names": ["seek", "erase"]}},
    "ToolChoiceFunction": {"type": "function", "name": "look"},
    "ToolChoiceMcp": {"type": "mcp", "server_label": "docs"},
    "RetentionRatio": {"type": "retention_ratio", "retention_ratio": 0.9},
    "Prompt": {"id": "greeting", "variables": {"who": "Ada"}},
    "CustomVoice": {"id": "alloy"},
    "ConversationItemCreate": {"item": HELLO},
    "ConversationItemRetrieve": {"item_id": "item_1"},
    "ConversationItemDelete": {"item_id": "item_1"},
    "ConversationItemTruncate": {"item_id": "item_3", "content_index": 0, "audio_end_ms": 300},
    "InputAudioBufferAppend": {"audio": AUDIO},
    "MessageItem": HELLO,
    "InputText": {"type": "input_text", "text": "Hello"},
    "InputAudio": {"type": "input_audio", "audio": AUDIO, "transcript": "Hi"},
    "InputImage": {"type": "input_image", "image_url": PICTURE},
    "OutputText": {"type": "output_text", "text": "Ho"},
    "OutputAudio": {"type": "output_audio", "transcript": "Ho"},
    "FunctionCallItem": {"type": "function_call", "name": "look", "arguments": "{}", "call_id": "call_x"},
    "FunctionCallOutputItem": {"type": "function_call_output", "call_id": "call_x", "output": "1"},
    "McpListToolsItem": {"type": "mcp_list_tools", **OWN, "server_label": "docs", "tools": [LISTED]},
    "McpListedTool": LISTED,
    "McpCallItem": {"type": "mcp_call", **OWN, **MCP_ITEM, "output": "seen"},
    "McpProtocolError": {"type": "protocol_error", "code": 1, "message": "m"},
    "McpToolExecutionError": {"type": "tool_execution_error", "message": "m"},
    "McpHttpError": {"type": "http_error", "code": 500, "message": "m"},
    "McpApprovalRequestItem": {"type": "mcp_approval_request", **OWN, **MCP_ITEM},
    "McpApprovalResponseItem": {
        "type": "mcp_approval_response",
        "approval_request_id": "item_4",
        "approve": True,
    },
    "ItemReference": {"type": "item_reference", "id": "item_1"},
}
"""An object of each struct that cannot be empty; what a field does is seen against it."""

VALUES: dict[str, list[Any]] = {
    "RealtimeSession.model": ["another"],
    "RealtimeSession.tools": [[], [FIND], [DOCS]],
    "RealtimeSession.tool_choice": ["none", "auto", "required"],
    "RealtimeSession.output_modalities": [["text"], ["audio"]],
    "RealtimeSession.max_output_tokens": [5, "inf"],
    "RealtimeSession.truncation": ["auto", "disabled"],
    "RealtimeSession.tracing": ["auto", None],
    "RealtimeSession.include": [["item.input_audio_transcription.logprobs"], None],
    "TranscriptionSession.include": [["item.input_audio_transcription.logprobs"], None],
    "AudioInput.format": [{"type": "audio/pcmu"}, {"type": "audio/pcma"}],
    "AudioOutput.format": [{"type": "audio/pcmu"}, {"type": "audio/pcma"}],
    "AudioOutput.voice": ["echo"],
    "AudioOutput.speed": [0.5, 1.5],
    "CustomVoice.id": ["echo"],
    "PcmFormat.rate": [24000, 16000],
    "ServerVad.threshold": [0.9],
    "ServerVad.prefix_padding_ms": [0],
    "ServerVad.silence_duration_ms": [200, 900],
    "ServerVad.idle_timeout_ms": [5000, None],
    "Transcription.model": ["gpt-4o-mini-transcribe"],
    "Transcription.language": ["de"],
    "Transcription.languages": [["de", "en"]],
    "Transcription.keywords": [["vivavoce"]],
    "NoiseReduction.strength": [0.3],
    "RetentionRatio.retention_ratio": [0.2],
    "TokenLimits.post_instructions": [50],
    "Prompt.id": ["greeting", "nobody"],
    "Prompt.version": ["1", None],
    "Prompt.variables": [{"who": "Bob"}],
    "TracingConfig.metadata": [{"a": "b"}],
    "FunctionTool.name": ["find"],
    "FunctionTool.parameters": [{"type": "object", "properties": {"a": {"type": "integer"}}}],
    "McpTool.server_label": ["papers"],
    "McpTool.server_url": ["https://other.example.com/mcp", "http://127.0.0.1/mcp"],
    "McpTool.headers": [{"X-Key": "1"}],
    "McpTool.allowed_tools": [["seek"], []],
    "McpTool.allowed_callers": [["direct"], ["programmatic"]],
    "McpToolFilter.tool_names": [["erase"], ["seek"]],
    "ToolChoiceFunction.name": ["find"],
    "ToolChoiceMcp.server_label": ["papers"],
    "ToolChoiceMcp.name": ["seek"],
    "ResponseCreateParams.input": [[], [HELLO]],
    "ResponseCreateParams.tools": [[], [FIND], [DOCS]],
    "ResponseCreateParams.tool_choice": ["none", "auto", "required"],
    "ResponseCreateParams.output_modalities": [["text"], ["audio"]],
    "ResponseCreateParams.max_output_tokens": [5, "inf"],
    "ResponseCreateParams.metadata": [{"topic": "weather"}],
    "ResponseCreateAudioOutput.format": [{"type": "audio/pcmu"}, {"type": "audio/pcma"}],
    "ResponseCreateAudioOutput.voice": ["echo"],
    "ResponseCancel.response_id": ["resp_9"],
    "ConversationItemCreate.previous_item_id": ["root", "item_1", "nobody"],
    "ConversationItemRetrieve.item_id": ["item_2", "nobody"],
    "ConversationItemDelete.item_id": ["item_2", "nobody"],
    "ConversationItemTruncate.item_id": ["nobody", "item_1"],
    "ConversationItemTruncate.content_index": [1],
    "ConversationItemTruncate.audio_end_ms": [600, 60_000],
    "InputAudioBufferAppend.audio": [AUDIO * 2, "%"],
    "MessageItem.role": ["system"],
    "MessageItem.content": [[], [{"type": "input_text", "text": "Other"}]],
    "InputAudio.audio": [base64.b64encode(tone(900)).decode()],
    "InputImage.image_url": [PICTURE.replace("png", "jpeg"), "https://example.com/a.png"],
    "OutputAudio.audio": [AUDIO],
    "McpListToolsItem.tools": [[]],
    "McpListedTool.input_schema": [{"type": "object", "properties": {}}],
    "McpListedTool.annotations": [{"readOnlyHint": True}],
    "McpApprovalResponseItem.approval_request_id": ["nobody"],
    "ItemReference.id": ["item_2", "nobody"],
    **{f"{item}.id": ["mine2"] for item in ("McpListToolsItem", "McpCallItem", "McpApprovalRequestItem")},
}
"""Values to try, where the type does not tell them."""

SET: dict[str, Any] = {"RealtimeSession.reasoning": {"effort": "high"}}
"""What a setting is before it is cleared, where the example of its struct would be no setting."""

SCALARS: dict[type[inspect.Type], list[Any]] = {
    inspect.BoolType: [False, True],
    inspect.IntType: [7],
    inspect.FloatType: [0.5],
    inspect.StrType: ["other"],
    inspect.BytesType: [AUDIO],
}


def values_of(field: Field) -> list[Any]:
    """What to try of a field; nothing for one whose own fields are rows of their own."""
    if (chosen := VALUES.get(f"{field.struct}.{field.name}")) is not None:
        return chosen
    found: list[Any] = []
    nothing = False
    for option in options_of(field.type):
        match option:
            case inspect.LiteralType(values=values):
                found += values
            case inspect.NoneType():
                nothing = True
            case _:
                found += SCALARS.get(type(option), [])
    return [*found, None] if nothing and (found or _struct_in(field)) else found


def _struct_in(field: Field) -> str | None:
    """The name of the struct that a field may hold."""
    structs = (option.cls for option in options_of(field.type) if isinstance(option, inspect.StructType))
    return next((cls.__name__ for cls in structs), None)


def programs(field: Field, value: Any) -> tuple[Program, Program]:
    """The two programs that differ in a field."""
    example = EXAMPLES.get(field.struct, {})
    without, with_it = dict(example), {**example, field.name: value}
    if value is None and field.event == "session.update" and (struct := _struct_in(field)) is not None:
        # What clears a setting is seen where there is one.
        without[field.name] = SET.get(f"{field.struct}.{field.name}") or EXAMPLES.get(struct, {})
        first, second = (_whole(field.mount(each)) for each in (without, with_it))
        program = scene(first)
        at = program.steps.index(first) + 1
        return program, replace(program, steps=(*program.steps[:at], second, *program.steps[at:]))
    return scene(_whole(field.mount(without))), scene(_whole(field.mount(with_it)))


def _whole(event: Event) -> Event:
    """Give a message the role that its content belongs to."""
    text = json.dumps(event)
    for part in ("output_text", "output_audio"):
        if f'"content": [{{"type": "{part}"' in text:
            text = text.replace('"role": "user"', '"role": "assistant"')
    whole: Event = json.loads(text)
    return whole


BASE: Event = {
    "type": "session.update",
    "session": {
        "type": "realtime",
        "tools": [LOOK, FIND, DOCS],
        "audio": {"input": {"transcription": {"model": "whisper-1"}}},
    },
}
PAPERS = {**DOCS, "server_label": "papers"}
CHOICE: Event = {**BASE, "session": {**BASE["session"], "tools": [LOOK, FIND, DOCS, PAPERS]}}
RESPOND: Event = {"type": "response.create"}
TALK = (("speak", 600), ("quiet", 1000), ("wait", 0.6), ("speak", 600), ("quiet", 1500), ("wait", 6.0))


def say(text: str) -> Event:
    content = [{"type": "input_text", "text": text}]
    return {"type": "conversation.item.create", "item": {**HELLO, "content": content}}


def scene(event: Event) -> Program:
    """The program in which an event shows what it does."""
    scenes = {
        "session.update": _settings_scene,
        "conversation.item.create": _item_scene,
        "response.create": _response_scene,
        "response.cancel": _cancel_scene,
    }
    return scenes.get(str(event["type"]), _other_scene)(event)


def _settings_scene(event: Event) -> Program:
    session = json.dumps(event["session"])
    steps: tuple[Any, ...]
    if event["session"]["type"] == "transcription":
        hear = {"type": "session.update", "session": {"type": "transcription", **listening()}}
        quiet = 7000 if "idle_timeout" in session else 1500
        steps = (hear, event, ("quiet", 500), ("speak", 600), ("quiet", quiet), ("wait", 2.0))
        return Program(steps, options=(("transcription_only", True),))
    if "truncation" in session:
        many = [
            say(f"This is number {n}, and it is quite a long one, so that room gets scarce.")
            for n in range(9)
        ]
        return Program((BASE, event, *many, RESPOND, ("wait", 20.0)), options=(("context_tokens", 150),))
    if '"mcp"' in session and '"tool_choice"' not in session:
        heard = {"type": "session.update", "session": {"type": "realtime", **listening()}}
        steps = (heard, event, ("wait", 1.0), say("Hello"), RESPOND, ("wait", 3.0), RESPOND, ("wait", 20.0))
        return Program(steps, answers=(*seeking(), *CALLS))
    if '"tool_choice"' in session:
        steps = (CHOICE, event, ("wait", 1.0), say("Hello"), RESPOND, ("wait", 3.0), RESPOND, ("wait", 20.0))
        return Program(steps, answers=(*seeking(), *CALLS))
    idle = (("quiet", 7000), ("wait", 6.0)) if "idle_timeout" in session else ()
    return Program((BASE, event, ("wait", 1.0), say("Hello"), RESPOND, ("wait", 20.0), *TALK, *idle))


def listening() -> Event:
    return {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}


def seeking() -> tuple[Any, ...]:
    return ((FunctionCallDelta(0, "seek", '{"a": 1}', "call_s"),),)


def _item_scene(event: Event) -> Program:
    before: tuple[Any, ...] = (BASE, ("wait", 1.0), say("Hi"))
    if event["item"]["type"] == "mcp_approval_response":
        ask = json.loads(json.dumps(BASE).replace('"never"', '"always"'))
        steps: tuple[Any, ...] = (
            ask,
            ("wait", 1.0),
            say("Hi"),
            RESPOND,
            ("wait", 2.0),
            event,
            ("wait", 2.0),
            RESPOND,
            ("wait", 20.0),
        )
        return Program(steps, answers=(*seeking(), ("Fine.",)))
    if event["item"]["type"] == "function_call_output":
        before = (*before, {"type": "conversation.item.create", "item": EXAMPLES["FunctionCallItem"]})
    retrieve = {"type": "conversation.item.retrieve", "item_id": event["item"].get("id", "item_3")}
    return Program((*before, event, retrieve, RESPOND, ("wait", 20.0)))


def _response_scene(event: Event) -> Program:
    response = json.dumps(event)
    mcp = '"mcp"' in response
    base = CHOICE if '"tool_choice"' in response else BASE
    if '"tools"' in response and mcp:
        base = {"type": "session.update", "session": {"type": "realtime", **listening()}}
    steps = (base, ("wait", 1.0), say("One"), say("Two"), event, ("wait", 20.0), RESPOND, ("wait", 20.0))
    return Program(steps, answers=(*seeking(), *CALLS) if mcp else Program(()).answers)


def _cancel_scene(event: Event) -> Program:
    return Program((BASE, ("wait", 1.0), say("Hi"), RESPOND, ("wait", 0.5), event, ("wait", 20.0)))


def _other_scene(event: Event) -> Program:
    push = {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    }
    commit = {"type": "input_audio_buffer.commit"}
    append = {"type": "input_audio_buffer.append", "audio": AUDIO}
    before = (push, append, commit, ("wait", 1.0), say("Two"), RESPOND, ("wait", 20.0))
    after = (commit, ("wait", 1.0), RESPOND, ("wait", 20.0))
    return Program((*before, *(() if event["type"].endswith("append") else (append,)), event, *after))


def events() -> Iterator[tuple[Program, Program]]:
    """The two programs that differ in an event, for each event that a client may send."""
    for name, fields in REQUIRED.items():
        event = {"type": name, **fields}
        program = scene(event)
        rest = list(program.steps)
        rest.remove(event)
        yield replace(program, steps=tuple(rest)), program


REQUIRED: dict[str, Event] = {
    "session.update": {"session": {"type": "realtime", "instructions": "Be brief."}},
    "input_audio_buffer.append": EXAMPLES["InputAudioBufferAppend"],
    "input_audio_buffer.commit": {},
    "input_audio_buffer.clear": {},
    "output_audio_buffer.clear": {},
    "conversation.item.create": EXAMPLES["ConversationItemCreate"],
    "conversation.item.retrieve": EXAMPLES["ConversationItemRetrieve"],
    "conversation.item.delete": EXAMPLES["ConversationItemDelete"],
    "conversation.item.truncate": EXAMPLES["ConversationItemTruncate"],
    "response.create": {},
    "response.cancel": {},
}
