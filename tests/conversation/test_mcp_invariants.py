"""What must hold whatever clients, models and MCP servers do to a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conversation.mcp_sessions import Bench, free, server

from vivavoce.conversation.effects import StartResponse
from vivavoce.protocol import to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

OPTIONS: list[dict[str, Any]] = [{}, {"max_items": 3}, {"max_items_chars": 40}, {"mcp_follow_up": True}]
DECLARED = {"free": free("free"), "asked": server("asked"), "other": free("free", headers={"K": "1"})}
NAMES = ["free_look", "free_look", "asked_look", "look"]

CALLS = st.tuples(
    st.just("call"), st.sampled_from(NAMES), st.sampled_from(["{}", "{}", "{", ""]), st.integers(0, 3)
)
STEPS = st.one_of(
    st.tuples(st.just("use"), st.sampled_from([(), ("free",), ("free", "asked"), ("other",)])),
    st.tuples(st.just("ask"), st.sampled_from([(), (), ("free",), ("other", "asked")])),
    CALLS,
    CALLS,
    CALLS,
    CALLS,
    st.tuples(st.sampled_from(["list", "unlist"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["answer", "fail"]), st.integers(-2, 1)),
    st.tuples(st.sampled_from(["answer", "fail"]), st.integers(-2, 1)),
    st.tuples(st.sampled_from(["approve", "deny"]), st.integers(-2, 1)),
    st.tuples(st.just("delete"), st.integers(-3, 2)),
    st.tuples(st.sampled_from(["finish", "finish", "finish", "break", "cancel", "write", "turn", "tick"])),
)


def events(talk: Talk) -> list[dict[str, Any]]:
    return [to_builtins(event) for event in talk.events]


def done_items(talk: Talk, kind: str) -> list[str]:
    done = (event["item"] for event in events(talk) if event["type"] == "conversation.item.done")
    return [item["id"] for item in done if item["type"] == kind]


def one_of(many: list[str], which: int) -> str:
    return many[which % len(many)] if many else "nobody"


class World:
    """Everybody who does something to a session."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.bench = Bench(talk)

    def __call__(self, kind: str, *how: Any) -> None:
        does: Callable[..., Any] = getattr(self, f"do_{kind}")
        does(*how)

    def do_use(self, labels: tuple[str, ...]) -> None:
        self.talk.update(tools=[DECLARED[label] for label in labels])

    def do_ask(self, labels: tuple[str, ...]) -> None:
        self.talk.ask(**({"tools": [DECLARED[label] for label in labels]} if labels else {}))

    def do_call(self, name: str, arguments: str, index: int) -> None:
        if self.talk.of(StartResponse):
            self.talk.call(name, arguments, index)

    def do_finish(self) -> None:
        if self.talk.of(StartResponse):
            self.talk.finish()

    def do_break(self) -> None:
        if self.talk.of(StartResponse):
            self.talk.fail()

    def do_cancel(self) -> None:
        self.talk.send("response.cancel")

    def do_write(self) -> None:
        self.talk.write()

    def do_turn(self) -> None:
        self.talk.speak()

    def do_tick(self) -> None:
        self.talk.tick(20.0)

    def do_list(self, which: int) -> None:
        self.bench.lists("look", item_id=one_of([each.item_id for each in self.bench.asked_for_tools], which))

    def do_unlist(self, which: int) -> None:
        self.bench.fails(one_of([each.item_id for each in self.bench.asked_for_tools], which))

    def do_answer(self, which: int) -> None:
        self.bench.answers("done", one_of([each.item_id for each in self.bench.called], which))

    def do_fail(self, which: int) -> None:
        self.bench.fails(one_of([each.item_id for each in self.bench.called], which))

    def do_approve(self, which: int) -> None:
        self.bench.approve(one_of(done_items(self.talk, "mcp_approval_request"), which))

    def do_deny(self, which: int) -> None:
        self.bench.approve(one_of(done_items(self.talk, "mcp_approval_request"), which), approve=False)

    def do_delete(self, which: int) -> None:
        live = [str(record.item.id) for record in self.talk.server._items]
        self.talk.send("conversation.item.delete", item_id=one_of(live, which))


def check(talk: Talk) -> None:
    """Everything that began has ended, once; what is told of a call is told after its response."""
    said = events(talk)
    count = Counter(event["type"] for event in said)
    for name in ("conversation.item", "response.output_item"):
        assert count[f"{name}.added"] == count[f"{name}.done"]
    assert count["response.created"] == count["response.done"]
    ended = count["mcp_list_tools.completed"] + count["mcp_list_tools.failed"]
    assert count["mcp_list_tools.in_progress"] == ended
    calls: dict[str, str] = {}
    over: set[str] = set()
    settled: Counter[str] = Counter()
    deleted = {event["item_id"] for event in said if event["type"] == "conversation.item.deleted"}
    for event in said:
        match event["type"]:
            case "response.output_item.added" if event["item"]["type"] == "mcp_call":
                calls[event["item"]["id"]] = event["response_id"]
            case "response.done":
                over.add(event["response"]["id"])
            case "response.mcp_call.completed" | "response.mcp_call.failed":
                settled[event["item_id"]] += 1
                assert calls[event["item_id"]] in over or event["item_id"] in deleted
    assert max(settled.values(), default=1) == 1


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(st.sampled_from(OPTIONS), st.lists(STEPS, min_size=15, max_size=40))
def test_what_begins_ends(
    talk_with: type[Talk], options: dict[str, Any], steps: list[tuple[Any, ...]]
) -> None:
    talk = talk_with(max_session_s=3600.0, session_warning_s=0.0, **options)
    world = World(talk)
    talk.update(output_modalities=["text"], audio={"input": {"turn_detection": {"type": "server_vad"}}})
    world("use", ("free", "asked"))
    world("list", 0)
    world("list", 1)
    world("ask", ())
    for step in steps:
        world(*step)
    talk.tick(3600.0)
    assert talk.server.ended
    check(talk)
