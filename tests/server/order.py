"""The orders in which a server may say things: an automaton that reads what one session said.

It knows what the Realtime API promises its clients: which event opens what, which closes it, and what may
stand in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]

ITEM = "conversation.item"
TRANSCRIPTION = f"{ITEM}.input_audio_transcription"
PIECES = {
    "response.output_text": "text",
    "response.output_audio_transcript": "transcript",
    "response.function_call_arguments": "arguments",
    "response.mcp_call_arguments": "arguments",
}
"""What comes in deltas, and the field of its end that holds all of it."""
STREAMS = {
    "text": {"response.output_text"},
    "audio": {"response.output_audio", "response.output_audio_transcript"},
}


class OutOfOrderError(AssertionError):
    """An event came when it must not."""


@dataclass
class Output:
    """An item that a response makes: its part, its streams, what came in them."""

    kind: str
    index: int
    open: bool = True
    part: str | None = None
    parts: int = 0
    ended: set[str] = field(default_factory=set)
    said: dict[str, str] = field(default_factory=dict)


@dataclass
class Running:
    """A response between its beginning and its end."""

    in_band: bool
    outputs: dict[str, Output] = field(default_factory=dict)


class Order:
    """Reads the events of one session in turn.

    Args:
        greeted: whether the session begins with `session.created`; a sideband's does not.

    Raises:
        OutOfOrderError: from `read` and `finish`.
    """

    def __init__(self, *, greeted: bool = True) -> None:
        self._greeted = not greeted
        self._ids: set[str] = set()
        self._open_items: set[str] = set()
        self._items: set[str] = set()
        self._turn: tuple[str, str] | None = None
        self._promised: set[str] = set()
        self._transcribed: set[str] = set()
        self._running: dict[str, Running] = {}
        self._over: set[str] = set()
        self._lists: dict[str, str] = {}
        self._calls: dict[str, str] = {}
        self._voiced: set[str] = set()
        self._played: dict[str, str] = {}
        self._last = ""
        self._leaving: str | None = None
        self._gone: set[str] = set()

    def read(self, event: Event) -> None:
        """Take the next event."""
        kind = event["type"]
        self._need(event.get("event_id") not in self._ids, event, "an event_id came twice")
        self._ids.add(event.get("event_id", ""))
        self._need(self._greeted or kind in {"session.created", "error"}, event, "before session.created")
        left = kind == f"{ITEM}.deleted" and event["item_id"] == self._leaving
        self._need(self._leaving is None or left, event, f"{self._leaving} was done with an open part")
        self._contiguous(kind, event)
        name = kind.replace(".", "_")
        if kind.startswith("response.") and "response_id" in event:
            self._of_response(kind, event)
        elif kind.startswith(TRANSCRIPTION):
            self._transcription(kind, event)
        elif (handler := getattr(self, f"_on_{name}", None)) is not None:
            handler(event)
        self._last = kind

    def disorder(self, event: Event) -> str | None:
        """Take the next event and return what is wrong with it, or `None`."""
        try:
            self.read(event)
        except OutOfOrderError as error:
            return str(error)
        return None

    def finish(self, *, speaking: bool = False) -> None:
        """Take the end of a session in which everything had the time to end, or all but the person's turn."""
        turn = None if speaking else self._turn
        playing = [response for response, state in self._played.items() if state == "started"]
        left = {
            "responses": set(self._running),
            "items": self._open_items,
            "turn": turn,
            "playing": playing,
        }
        if any(left.values()):
            raise OutOfOrderError(f"never ended: {left}")
        waiting = {item for item, state in {**self._lists, **self._calls}.items() if state == "in_progress"}
        if waiting:
            raise OutOfOrderError(f"never ended: {waiting}")

    @staticmethod
    def _need(holds: bool, event: Event, why: str) -> None:
        if not holds:
            raise OutOfOrderError(f"{why}: {event}")

    # --- the session and its items ------------------------------------------------------------------------

    def _on_session_created(self, event: Event) -> None:
        self._need(not self._greeted, event, "a second session.created")
        self._greeted = True

    def _on_session_updated(self, event: Event) -> None:
        if self._turn is not None and self._turn[0] == "speaking":
            detection = event["session"]["audio"]["input"].get("turn_detection")
            self._turn = None if detection is None else self._turn

    def _on_conversation_item_added(self, event: Event) -> None:
        item, before = event["item"]["id"], event.get("previous_item_id")
        self._need(item not in self._items, event, "an item was added twice")
        self._need(before is None or before in self._items, event, "an unknown previous_item_id")
        self._items.add(item)
        self._open_items.add(item)
        makers = [running for running in self._running.values() if item in running.outputs]
        self._need(all(maker.in_band for maker in makers), event, "its response is out of band")
        begun = event["item"].get("status") == "in_progress"
        self._need(bool(makers) or not begun, event, "in progress, but nobody makes it")

    def _on_conversation_item_done(self, event: Event) -> None:
        item, before = event["item"]["id"], event.get("previous_item_id")
        self._need(item in self._open_items, event, "done without being open")
        self._need(before is None or before in self._items, event, "an unknown previous_item_id")
        self._need(event["item"].get("status") != "in_progress", event, "done, but in progress")
        makers = [run for run in self._running.values() if item in run.outputs and item not in self._gone]
        parts = [run.outputs[item].part for run in makers]
        self._leaving = item if any(parts) else None  # only what is deleted now is final before its parts
        self._open_items.remove(item)

    def _on_conversation_item_deleted(self, event: Event) -> None:
        self._need(event["item_id"] in self._items, event, "deleted without being there")
        self._need(event["item_id"] not in self._open_items, event, "deleted without being done")
        self._items.remove(event["item_id"])
        self._gone.add(event["item_id"])
        self._leaving = None

    def _on_conversation_item_retrieved(self, event: Event) -> None:
        self._need(event["item"]["id"] in self._items, event, "retrieved without being there")

    def _on_conversation_item_truncated(self, event: Event) -> None:
        self._need(event["item_id"] in self._items, event, "truncated without being there")

    # --- listening ----------------------------------------------------------------------------------------

    def _contiguous(self, kind: str, event: Event) -> None:
        """A turn's end, its commit and its item come in one piece."""
        if self._turn is None or self._turn[0] == "speaking":
            return
        if kind == "error" or kind.startswith("output_audio_buffer."):  # which have times of their own
            return
        state, item = self._turn
        follows = {
            "stopped": "input_audio_buffer.committed",
            "committed": f"{ITEM}.added",
            "added": f"{ITEM}.done",
        }[state]
        self._need(kind == follows, event, f"{follows} of {item} must come next")
        named = event.get("item_id") or event["item"]["id"]
        self._need(named == item, event, f"this is the turn of {item}")
        self._turn = {"stopped": ("committed", item), "committed": ("added", item), "added": None}[state]

    def _on_input_audio_buffer_speech_started(self, event: Event) -> None:
        self._need(self._turn is None, event, "a turn is open already")
        self._need(event["item_id"] not in self._items, event, "the item is there already")
        self._turn = ("speaking", event["item_id"])
        self._promised.add(event["item_id"])

    def _on_input_audio_buffer_speech_stopped(self, event: Event) -> None:
        self._need(self._turn == ("speaking", event["item_id"]), event, "this turn has not begun")
        self._turn = ("stopped", event["item_id"])

    def _on_input_audio_buffer_timeout_triggered(self, event: Event) -> None:
        self._need(self._turn is None, event, "somebody is speaking")
        self._turn = ("stopped", event["item_id"])

    def _on_input_audio_buffer_committed(self, event: Event) -> None:
        self._promised.add(event["item_id"])
        before = event.get("previous_item_id")
        self._need(before is None or before in self._items, event, "an unknown previous_item_id")
        if self._turn is None or self._turn[0] == "speaking":  # the client's own commit
            self._turn = ("committed", event["item_id"])

    def _on_input_audio_buffer_cleared(self, event: Event) -> None:
        self._turn = None

    def _transcription(self, kind: str, event: Event) -> None:
        item = event["item_id"]
        if kind.endswith(".delta"):
            self._promised.add(item)  # words that come while somebody speaks are of an item to come
        self._need(item in self._promised | self._items, event, "of an item that nobody heard of")
        self._need(item not in self._transcribed, event, "the transcript has come to its end already")
        if not kind.endswith((".delta", ".segment")):
            self._transcribed.add(item)

    # --- answering ----------------------------------------------------------------------------------------

    def _on_response_created(self, event: Event) -> None:
        response = event["response"]
        self._need(response["status"] == "in_progress", event, "created, but not in progress")
        self._need(response["id"] not in self._running.keys() | self._over, event, "created twice")
        in_band = response.get("conversation_id") is not None
        active = in_band and any(running.in_band for running in self._running.values())
        self._need(not active, event, "another response of the conversation is active")
        self._running[response["id"]] = Running(in_band)

    def _on_response_done(self, event: Event) -> None:
        response = event["response"]
        self._need(response["id"] in self._running, event, "done without being active")
        running = self._running.pop(response["id"])
        self._over.add(response["id"])
        self._need(response["status"] != "in_progress", event, "done, but in progress")
        self._need(not any(out.open for out in running.outputs.values()), event, "an output item is open")
        self._need([i["id"] for i in response["output"]] == list(running.outputs), event, "not what it made")

    def _on_rate_limits_updated(self, event: Event) -> None:
        self._need(self._last == "response.done", event, "not right after response.done")

    def _of_response(self, kind: str, event: Event) -> None:
        self._need(event["response_id"] in self._running, event, "the response is not active")
        running = self._running[event["response_id"]]
        if kind == "response.output_item.added":
            self._need(event["output_index"] == len(running.outputs), event, "an odd output_index")
            running.outputs[event["item"]["id"]] = Output(event["item"]["type"], event["output_index"])
            return
        item = event.get("item_id") or event["item"]["id"]
        self._need(item in running.outputs, event, "no item of this response")
        output = running.outputs[item]
        self._need(output.open, event, "the item is done")
        self._need(output.index == event["output_index"], event, "another output_index")
        if kind == "response.output_item.done":
            self._item_ends(event, running, output)
        elif kind.startswith("response.content_part."):
            self._part(kind, event, output)
        else:
            self._piece(kind, event, output)

    def _item_ends(self, event: Event, running: Running, output: Output) -> None:
        self._need(output.part is None, event, "a part is open")
        item = event["item"]["id"]
        if running.in_band and output.kind != "mcp_call":
            self._need(item not in self._open_items, event, "the item is open in the conversation")
        if output.kind == "function_call":
            self._need("response.function_call_arguments" in output.ended, event, "arguments without end")
        output.open = False

    def _part(self, kind: str, event: Event, output: Output) -> None:
        if kind.endswith(".added"):
            if event["part"]["type"] == "audio":
                self._voiced.add(event["response_id"])
            self._need(output.part is None, event, "a part is open")
            self._need(event["content_index"] == output.parts, event, "an odd content_index")
            output.part, output.ended = event["part"]["type"], set()
            return
        self._need(event["part"]["type"] == output.part, event, "no such part is open")
        self._need(output.ended == STREAMS[str(output.part)], event, "its streams have not ended")
        output.part = None
        output.parts += 1

    def _piece(self, kind: str, event: Event, output: Output) -> None:
        stream, _, step = kind.rpartition(".")
        self._need(stream not in output.ended, event, "this stream has ended")
        if stream in STREAMS["text"] | STREAMS["audio"]:
            self._need(
                output.part is not None and stream in STREAMS[output.part], event, "no such part is open"
            )
            self._need(event["content_index"] == output.parts, event, "another content_index")
        if step == "delta":
            output.said[stream] = output.said.get(stream, "") + event["delta"]
            return
        self._need(step == "done", event, "unknown")
        if stream in PIECES:
            self._need(
                event[PIECES[stream]] == output.said.get(stream, ""), event, "not what the deltas said"
            )
        output.ended.add(stream)

    # --- playing, where the server does -------------------------------------------------------------------

    def _on_output_audio_buffer_started(self, event: Event) -> None:
        response = event["response_id"]
        self._need(response in self._voiced, event, "a response that does not speak")
        self._need(response not in self._played, event, "it was played already")
        self._need("started" not in self._played.values(), event, "another response is playing")
        self._played[response] = "started"

    def _on_output_audio_buffer_stopped(self, event: Event) -> None:
        response = event["response_id"]
        self._need(self._played.get(response) == "started", event, "it is not playing")
        self._need(response in self._over, event, "the response is active")
        self._played[response] = "stopped"

    def _on_output_audio_buffer_cleared(self, event: Event) -> None:
        response = event["response_id"]
        self._need(response in self._voiced, event, "a response that does not speak")
        self._need(self._played.get(response, "started") == "started", event, "it is over")  # or waits
        self._played[response] = "cleared"

    # --- tools of MCP servers -----------------------------------------------------------------------------

    def _on_mcp_list_tools_in_progress(self, event: Event) -> None:
        self._step(self._lists, event, "in_progress")

    def _on_mcp_list_tools_completed(self, event: Event) -> None:
        self._step(self._lists, event, "completed")

    def _on_mcp_list_tools_failed(self, event: Event) -> None:
        self._step(self._lists, event, "failed")

    def _on_response_mcp_call_in_progress(self, event: Event) -> None:
        self._step(self._calls, event, "in_progress")

    def _on_response_mcp_call_completed(self, event: Event) -> None:
        self._step(self._calls, event, "completed")

    def _on_response_mcp_call_failed(self, event: Event) -> None:
        self._step(self._calls, event, "failed")

    def _step(self, states: dict[str, str], event: Event, state: str) -> None:
        before = states.get(event["item_id"])
        expected: dict[str, set[str | None]] = {
            "in_progress": {None},
            "completed": {"in_progress"},
            "failed": {"in_progress", None},
        }
        self._need(before in expected[state], event, f"after {before}")  # what never runs fails at once
        states[event["item_id"]] = state


def check_order(events: list[Event], *, complete: bool = True, speaking: bool = False) -> None:
    """Read what a session said from its beginning.

    Args:
        events: in order.
        complete: everything had the time to end.
        speaking: but the person's turn, perhaps: whoever listened was lost.

    Raises:
        OutOfOrderError: naming the event and what is wrong with it.
    """
    order = Order()
    for event in events:
        order.read(event)
    if complete:
        order.finish(speaking=speaking)
