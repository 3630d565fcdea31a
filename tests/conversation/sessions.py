"""Strategies for whole sessions: what clients, engines and time may do to one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from vivavoce.conversation.tokens import CountedTokens

# A session is a list of steps; a step is a tuple that the same session replays in the same way.
Step = tuple[Any, ...]

IDS = st.sampled_from(["mine", "yours", "root", *(f"item_{n}" for n in range(1, 9))])
RESPONSES = st.sampled_from([f"resp_{n}" for n in range(1, 6)])
# One pixel.
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
TEXT: dict[str, Any] = {"type": "input_text", "text": "Hi"}
ITEM = st.one_of(
    st.builds(
        lambda role, part, more: {"type": "message", "role": role, "content": [part], **more},
        st.sampled_from(["user", "assistant", "system"]),
        st.sampled_from(
            [
                TEXT,
                {"type": "output_text", "text": "Ho"},
                {"type": "input_audio", "audio": "AAAA" * 100},
                {"type": "input_audio", "transcript": "Hi"},
                {"type": "output_audio", "transcript": "Ho"},
                {"type": "input_image", "image_url": PNG},
            ]
        ),
        st.sampled_from([{}, {}, {"id": "mine"}, {"id": "yours", "status": "incomplete"}]),
    ),
    st.just({"type": "function_call_output", "call_id": "c", "output": "1"}),
    st.just({"type": "function_call", "name": "look", "arguments": "{}", "call_id": "c"}),
)
DETECTION = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
            "idle_timeout_ms": st.sampled_from([None, 5000]),
            "silence_duration_ms": st.sampled_from([0, 100, 500]),
            "prefix_padding_ms": st.sampled_from([0, 300, 5000]),
        },
    ),
    st.fixed_dictionaries({"type": st.just("semantic_vad")}, optional={"create_response": st.booleans()}),
)
SESSION = st.fixed_dictionaries(
    {"type": st.sampled_from(["realtime", "realtime", "realtime", "transcription"])},
    optional={
        "audio": st.fixed_dictionaries(
            {},
            optional={
                "input": st.fixed_dictionaries(
                    {},
                    optional={
                        "turn_detection": DETECTION,
                        "format": st.sampled_from(
                            [{"type": "audio/pcmu"}, {"type": "audio/pcm", "rate": 24000}]
                        ),
                        "transcription": st.sampled_from([None, {"model": "w"}]),
                    },
                ),
                "output": st.fixed_dictionaries(
                    {},
                    optional={
                        "voice": st.sampled_from(["alloy", "ash"]),
                        "format": st.sampled_from(
                            [{"type": "audio/pcma"}, {"type": "audio/pcm", "rate": 24000}]
                        ),
                        "speed": st.sampled_from([1.0, 1.5]),
                    },
                ),
            },
        ),
        "truncation": st.sampled_from(
            ["auto", "disabled", {"type": "retention_ratio", "retention_ratio": 0.5}]
        ),
        "tools": st.sampled_from([[], [{"type": "function", "name": "look"}] * 2]),
        "model": st.just("other"),
    },
).filter(lambda session: session["type"] == "realtime" or set(session) == {"type"})
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none", "none"]),
        "output_modalities": st.sampled_from([["text"], ["audio"]]),
        "input": st.sampled_from(
            [
                [],
                [{"type": "item_reference", "id": "item_1"}],
                [{"type": "message", "role": "user", "content": [TEXT]}],
            ]
        ),
        "metadata": st.just({"topic": "x"}),
        "max_output_tokens": st.sampled_from([1, 12, 60]),
        "parallel_tool_calls": st.just(False),
        "tool_choice": st.just("none"),
        "audio": st.just({"output": {"voice": "ash"}}),
    },
)


def client(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries(fields).map(lambda drawn: ("send", kind, drawn))


CLIENT = st.one_of(
    client("session.update", session=SESSION),
    st.sampled_from([0, 1, 20, 99, 500, 3000]).map(lambda ms: ("append", ms)),
    client("input_audio_buffer.commit"),
    client("input_audio_buffer.clear"),
    client("output_audio_buffer.clear"),
    client("conversation.item.create", item=ITEM),
    client("conversation.item.create", item=ITEM, previous_item_id=IDS),
    client("conversation.item.retrieve", item_id=IDS),
    client("conversation.item.delete", item_id=IDS),
    client(
        "conversation.item.truncate",
        item_id=IDS,
        content_index=st.sampled_from([0, 0, 0, 1]),
        audio_end_ms=st.integers(-1, 900),
    ),
    client("response.create", response=PARAMS),
    client("response.create"),
    client("response.cancel"),
    client("response.cancel", response_id=RESPONSES),
    st.just(("broken",)),
)
WORLD = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from([0.0, 0.4, 1.0, 1.0]), st.sampled_from([32, 128, 640])),
    st.tuples(st.just("tick"), st.sampled_from([0.0, 0.01, 0.3, 2.0, 8.0])),
    st.tuples(st.just("transcript"), st.sampled_from(["Hi there", ""])),
    st.just(("deaf",)),
    st.tuples(st.just("mumble"), st.sampled_from([32, 128, 640])),
    st.tuples(st.just("judge"), st.sampled_from([0.0, 0.5, 1.0])),
    st.tuples(st.just("guess"), st.sampled_from(["Hi", "Hi there", "Oh"])),
    st.sampled_from([("pause",), ("resume",)]),
)
ENGINE = st.tuples(
    st.just("engine"),
    st.integers(0, 3),
    st.one_of(
        st.tuples(st.just("token")),
        st.tuples(st.just("text"), st.sampled_from(["Hi", " there", ""])),
        st.tuples(st.just("clause"), st.sampled_from(["One two. ", "", "Hi"])),
        st.tuples(st.sampled_from(["message", "message_end", "calls_end"]), st.integers(0, 2)),
        st.tuples(st.just("speech"), st.sampled_from([0, 1, 40, 333, 4000]), st.booleans()),
        st.tuples(st.just("clause_end")),
        st.tuples(st.just("call"), st.integers(0, 2), st.sampled_from(["", '{"a":1}'])),
        st.tuples(
            st.just("finish"),
            st.sampled_from(["stop", "stop", "max_output_tokens"]),
            st.sampled_from([None, CountedTokens(5, 7, 3)]),
        ),
        st.tuples(st.just("fail")),
    ),
)
ASK: Step = ("send", "response.create", {})
STARTS: list[list[Step]] = [
    [],
    [ASK],
    [ASK, ("engine", 0, ("clause", "One two. ")), ("engine", 0, ("speech", 4000, True))],
    [("hear", 1.0, 320), ("hear", 0.0, 640), ("transcript", "Hi there")],
    [
        (
            "send",
            "session.update",
            {"session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}},
        )
    ],
]


def steps_of(*kinds: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """Sessions of these kinds of steps, each as likely as the next however many variants it has."""
    step = st.sampled_from(kinds).flatmap(lambda kind: kind)
    return st.builds(
        lambda start, rest: [*start, *rest], st.sampled_from(STARTS), st.lists(step, min_size=10, max_size=50)
    )


STEPS = steps_of(CLIENT, CLIENT, WORLD, ENGINE, ENGINE, ENGINE, st.just(ASK))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "max_items": st.sampled_from([1, 3]),
        "max_items_chars": st.sampled_from([0, 5, 40]),
        "context_tokens": st.sampled_from([60, 200]),
        "retained_audio_bytes": st.sampled_from([0, 5000]),
        "max_input_buffer_s": st.just(2.0),
        "max_session_s": st.just(20.0),
        "output_lead_ms": st.sampled_from([0, 100]),
        "transcription_wait_s": st.just(1.0),
        "session_warning_s": st.sampled_from([0.0, 5.0]),
        "tokens_per_minute": st.sampled_from([0, 30]),
        "obfuscation": st.booleans(),
    },
)
CUT_OFF_WHILE_FULL: list[Step] = [
    ASK,
    ("send", "conversation.item.create", {"item": {"type": "message", "role": "user", "content": [TEXT]}}),
    ("engine", 0, ("text", "Hi")),
    ("hear", 1.0, 128),
]
