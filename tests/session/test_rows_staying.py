"""Sessions that go on: yesterday's conversation, a key that cannot be had, a model that does not exist."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.conversation.client_history import text_of
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import ConversationItemCreate, MessageItem, to_builtins
from vivavoce.session import RealtimeRunner
from vivavoce.testing import ScriptedRealtimeModel, local_test_model, run, tool_call

ADA = RealtimeAgent[Any]("Ada")


def spoken_by(role: str, transcript: str | None, kind: str, **extra: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": f"of_{role}_{transcript}",
        "role": role,
        "status": "completed",
        "content": [{"type": kind, "transcript": transcript, **extra}],
    }


YESTERDAY: list[dict[str, Any]] = [
    spoken_by("user", "Hello.", "input_audio", audio="AAAA"),
    spoken_by("assistant", "Good day.", "output_audio", audio="AAAA"),
    {
        "type": "message",
        "id": "picture",
        "role": "user",
        "content": [
            {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
            {"type": "input_text", "text": "What is this?"},
        ],
    },
    {"type": "mcp_list_tools", "id": "m1", "server_label": "docs", "tools": []},
    {"type": "mcp_approval_request", "id": "m2", "server_label": "docs", "name": "find", "arguments": "{}"},
    {"type": "mcp_approval_response", "id": "m3", "approval_request_id": "m2", "approve": True},
    {
        "type": "mcp_call",
        "id": "m4",
        "server_label": "docs",
        "name": "find",
        "arguments": "{}",
        "output": "x",
    },
    {"type": "function_call", "id": "f1", "call_id": "c1", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "id": "f2", "call_id": "c1", "output": "a cat"},
    spoken_by("user", None, "input_audio"),
    spoken_by("assistant", "", "output_audio"),
]
RESTORED: list[tuple[str, Any]] = [
    ("message", [("input_text", "Hello.")]),
    ("message", [("output_text", "Good day.")]),
    ("message", [("input_image", None), ("input_text", "What is this?")]),
    ("function_call", None),
    ("function_call_output", None),
]


def restored(model: ScriptedRealtimeModel) -> list[tuple[str, Any]]:
    """What the server was given, and the words of it."""
    items = [
        to_builtins(event)["item"] for event in model.sent_events if isinstance(event, ConversationItemCreate)
    ]
    return [
        (
            item["type"],
            [(part["type"], part.get("text")) for part in item["content"]] if "content" in item else None,
        )
        for item in items
    ]


def test_yesterdays_conversation_goes_on_with_all_that_a_server_takes() -> None:
    async def main() -> None:
        model = ScriptedRealtimeModel(["A cat."])
        stored = json.loads(json.dumps(YESTERDAY))
        async with await RealtimeRunner(ADA, model=model).run(history=stored) as session:
            errors = session.events("error")
            assert restored(model) == RESTORED
            assert [item["id"] for item in session.history_json()] == [item["id"] for item in YESTERDAY]
            await session.send_message("So?")
            await asyncio.sleep(5)
            assert not len(errors)
            said = [text_of(item.content[0]) for item in session.history if isinstance(item, MessageItem)]
            assert said.index("So?") + 1 == said.index("A cat.")
        model.assert_complete()

    run(main())


def test_what_a_session_exports_the_next_one_imports_and_exports_again() -> None:
    @function_tool
    def look() -> str:
        """Look."""
        return "a cat"

    async def main() -> None:
        agent = RealtimeAgent[Any]("Ada", tools=[look])
        first = local_test_model([tool_call("look"), "It is a cat."])
        async with await RealtimeRunner(agent, model=first).run() as session:
            await session.send_message("What is this?")
            await asyncio.sleep(10)
            exported = json.dumps(session.history_json())
        second = ScriptedRealtimeModel()
        async with await RealtimeRunner(agent, model=second).run(history=json.loads(exported)) as session:
            assert json.dumps(session.history_json()) == exported
        assert [kind for kind, _ in restored(second)] == [
            "message",
            "function_call",
            "function_call_output",
            "message",
        ]

    run(main())


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ({"type": "hologram", "id": "h"}, r"history\[11\] is not accepted: Invalid value: 'hologram'"),
        ({**YESTERDAY[0], "content": [{"type": "smell"}]}, r"history\[11\] is not accepted: .*'smell'"),
        ("Hello.", r"history\[11\] is not accepted"),
    ],
)
def test_what_is_no_item_is_refused_with_its_place(item: Any, complaint: str) -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match=complaint):
            await RealtimeRunner(ADA, model=ScriptedRealtimeModel()).run(history=[*YESTERDAY, item])

    run(main())
