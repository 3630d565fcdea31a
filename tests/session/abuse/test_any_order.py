"""Whatever a server says, in whatever order, and whatever the application does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.protocol.codec import server_event_from
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import HandModel

LeavingNoTask = Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
ClosedSoon = Callable[[RealtimeSession], Coroutine[Any, Any, None]]
Event = dict[str, Any]

RESPONSES = st.sampled_from(["r1", "r2", "x1", "x2"])
ITEMS = st.sampled_from(["i1", "i2", "i3"])
WORDS = st.sampled_from(["", "Hello", " there."])


@function_tool
async def wave(seconds: float = 0.1) -> str:
    """Wave."""
    await asyncio.sleep(seconds)
    return "waved"


@function_tool(needs_approval=True, approval_timeout=5.0)
async def shout() -> str:
    """Shout."""
    return "shouted"


def part(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    place = {"response_id": RESPONSES, "item_id": ITEMS, "content_index": st.sampled_from([0, 0, 0, 1])}
    return st.fixed_dictionaries({"type": st.just(kind), "output_index": st.just(0), **place, **fields})


def simple(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


CALLS = st.fixed_dictionaries(
    {
        "type": st.just("function_call"),
        "id": ITEMS,
        "call_id": st.sampled_from(["c1", "c2", "c3", "c4"]),
        "name": st.sampled_from(["wave", "shout", "nobody"]),
        "arguments": st.sampled_from(["{}", '{"seconds": 3}', "no JSON"]),
        "status": st.sampled_from(["completed", "completed", "in_progress", "incomplete"]),
    }
)
MESSAGES = st.fixed_dictionaries(
    {
        "type": st.just("message"),
        "id": ITEMS,
        "role": st.sampled_from(["user", "assistant"]),
        "status": st.just("completed"),
        "content": st.just([]),
    }
)
ANY_ITEM = st.one_of(CALLS, MESSAGES)
RESPONSE = st.fixed_dictionaries(
    {
        "object": st.just("realtime.response"),
        "id": RESPONSES,
        "status": st.sampled_from(["in_progress", "completed", "cancelled", "failed"]),
        "conversation_id": st.sampled_from(["conv", None]),
        "output": st.lists(ANY_ITEM, max_size=2),
    }
)
BUFFER = ["speech_started", "speech_stopped", "committed", "cleared", "timeout_triggered"]
SERVER = st.one_of(
    simple("response.created", response=RESPONSE),
    simple("response.done", response=RESPONSE),
    simple("response.output_item.added", response_id=RESPONSES, output_index=st.just(0), item=ANY_ITEM),
    simple("response.output_item.done", response_id=RESPONSES, output_index=st.just(0), item=ANY_ITEM),
    simple("conversation.item.added", item=ANY_ITEM, previous_item_id=st.one_of(st.none(), ITEMS)),
    simple("conversation.item.done", item=ANY_ITEM),
    simple("conversation.item.deleted", item_id=ITEMS),
    simple("conversation.item.truncated", item_id=ITEMS, content_index=st.just(0), audio_end_ms=st.just(50)),
    part("response.output_audio.delta", delta=st.just("AAAA" * 320)),
    part("response.output_audio.done"),
    part("response.output_audio_transcript.delta", delta=WORDS),
    part("response.output_audio_transcript.done", transcript=WORDS),
    part("response.output_text.delta", delta=WORDS),
    *(
        simple(
            f"input_audio_buffer.{name}",
            item_id=ITEMS,
            audio_start_ms=st.just(0),
            audio_end_ms=st.just(90),
        )
        for name in BUFFER
    ),
    simple("error", error=st.just({"type": "t", "code": "c", "message": "m"})),
    simple("no.such.event"),
)
CALLING = simple("response.output_item.done", response_id=RESPONSES, output_index=st.just(0), item=CALLS)
BEGINNING = simple("response.created", response=RESPONSE)
ACTIONS = st.sampled_from(
    ["write", "show", "speak", "say", "interrupt", "cancel", "edit", "approve", "hand over"]
)
PAUSES = st.sampled_from([0.0, 0.02, 1.0, 12.0, 40.0])
STEPS = st.lists(
    st.one_of(BEGINNING, CALLING, SERVER, SERVER, ACTIONS, st.just("lose"), PAUSES), min_size=5, max_size=40
)


async def act(session: RealtimeSession, action: str) -> None:
    """Do something that an application may do at any time."""
    match action:
        case "write":
            await session.send_message("Hello?")
        case "show":
            await session.add_image("data:image/png;base64,AAAA")
        case "speak":
            await session.send_audio(bytes(960), commit=True)
        case "say":
            await session.say("One moment.")
        case "interrupt":
            await session.interrupt()
        case "cancel":
            await session.cancel()
        case "edit":
            await session.update_history(lambda items: items[1:])
        case "approve":
            for call_id in ("c1", "c2"):
                try:
                    await session.approve(call_id)
                except ConfigurationError:
                    continue  # it does not wait
        case "hand over":
            await session.update_agent(RealtimeAgent[Any]("Bob", tools=[wave, shout]))


def wanted(event: Event) -> set[str]:
    """Return the ids of the calls that an event makes."""
    items = event.get("response", {}).get("output", [])
    items = items if event["type"] == "response.done" else []
    if event["type"] == "response.output_item.done":
        items = [event["item"]]
    return {item["call_id"] for item in items if item.get("call_id") and item["status"] == "completed"}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_nothing_is_raised_nothing_hangs_and_every_call_has_one_output(
    leaving_no_task: LeavingNoTask,
    closed_soon: ClosedSoon,
    new_hand_model: Callable[[], HandModel],
    steps: list[Any],
) -> None:
    async def main() -> None:
        model = new_hand_model()
        calls: set[str] = set()
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada", tools=[wave, shout]), model=model).run()
        await session.enter()
        for step in steps:
            if isinstance(step, dict):
                calls |= wanted(step)
                model.emit(server_event_from({"event_id": "e", **step}))
            elif step == "lose":
                model.lose(ConnectionLostError("cut"))
                await asyncio.sleep(20)
            elif isinstance(step, str):
                await act(session, step)
            else:
                await asyncio.sleep(step)
        await asyncio.sleep(200)
        outputs: dict[str, set[str]] = {}
        for sent in model.sent:
            item = sent.get("item", {})
            if item.get("type") == "function_call_output":
                outputs.setdefault(item["call_id"], set()).add(item["id"])
        once = {call_id for call_id, items in outputs.items() if len(items) == 1}
        assert set(outputs) == once == calls
        await closed_soon(session)

    run(leaving_no_task(main))
