"""A connection of your own: a session on top of any speech-to-speech model, here a parrot that writes.

python examples/voice_agents/own_connection.py

A `RealtimeModel` takes the client events of the Realtime API and emits its server events; the session does
the rest: history, tools, guardrails, handoffs.
"""

import asyncio
import itertools
from typing import Any

from vivavoce import RealtimeAgent, RealtimeModel, RealtimeModelConfig, RealtimeRunner
from vivavoce.connections import ConnectionStatus
from vivavoce.protocol import ClientEvent, to_builtins
from vivavoce.protocol.codec import server_event_from


class ParrotModel(RealtimeModel):
    """Writes back what it was last told."""

    def __init__(self) -> None:
        super().__init__()
        self._ids = itertools.count(1)
        self._heard = ""

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Open the session; a model elsewhere would be called here, with the key and URL of the config."""
        del config
        self.emit(ConnectionStatus("connected"))
        self._tell("session.created", session={"type": "realtime"})

    async def send_event(self, event: ClientEvent) -> None:
        """Answer what the session sends."""
        said = to_builtins(event)
        if said["type"] == "session.update":
            self._tell("session.updated", session=said["session"])
        elif said["type"] == "conversation.item.create":
            self._heard = said["item"]["content"][0]["text"]
            self._tell("conversation.item.added", item=said["item"])
        elif said["type"] == "response.create":
            self._answer(self._heard)

    async def close(self) -> None:
        """End; a model elsewhere would be hung up on here."""
        self.emit(ConnectionStatus("disconnected"))

    def _answer(self, text: str) -> None:
        number = next(self._ids)
        response: dict[str, Any] = {"id": f"resp_{number}", "object": "realtime.response"}
        item = {"id": f"item_{number}", "type": "message", "role": "assistant", "content": []}
        part = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        done = {**item, "content": [{"type": "output_text", "text": text}]}
        self._tell("response.created", response={**response, "status": "in_progress", "output": []})
        self._tell("response.output_item.added", response_id=response["id"], output_index=0, item=item)
        self._tell("conversation.item.added", item=item)
        for word in text.split(" "):
            self._tell("response.output_text.delta", response_id=response["id"], **part, delta=f"{word} ")
        self._tell("response.output_text.done", response_id=response["id"], **part, text=text)
        self._tell("response.output_item.done", response_id=response["id"], output_index=0, item=done)
        self._tell("response.done", response={**response, "status": "completed", "output": [done]})

    def _tell(self, kind: str, **fields: Any) -> None:
        self.emit(server_event_from({"type": kind, "event_id": f"event_{next(self._ids)}", **fields}))


async def main() -> None:
    """Talk to the parrot."""
    runner = RealtimeRunner(RealtimeAgent(name="Parrot"), model=ParrotModel)
    async with await runner.run() as session:
        await session.send_message("Who is a pretty bird?")
        async for event in session:
            if event.type == "agent_end":
                print(f"{event.agent.name}: {event.output}")
                break
        print(f"The history has {len(session.history)} items.")


if __name__ == "__main__":
    asyncio.run(main())
