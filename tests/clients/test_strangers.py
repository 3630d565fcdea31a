"""Many clients of one server, one after the other and at once: nothing of one reaches another."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from tests.clients.javascript import play, serving
from tests.server.order import check_order
from websockets.asyncio.client import connect

from vivavoce.engines.base import FunctionCallDelta, ModelRequest, TextDelta
from vivavoce.engines.scripted import ScriptedModel, scripted_engines
from vivavoce.testing.tones import tone

CLIENTS = 6
TURNS = 2


class Echo(ScriptedModel):
    """Says the instructions and everything that it reads, so that a wrong word would be heard."""

    async def respond(self, request: ModelRequest) -> Any:
        self.requests.append(request)
        tools = [tool.name for tool in request.tools]
        words = [
            str(getattr(part, "text", None) or getattr(part, "transcript", None))
            for item in request.items
            for part in getattr(item, "content", ())
        ]
        yield TextDelta(f"{request.instructions} has {' '.join(tools)} and said {' '.join(words)}.")
        if len(words) == 1:
            yield FunctionCallDelta(0, tools[0], json.dumps({"who": request.instructions}), "call_1")


async def converse(url: str, name: str, start: asyncio.Barrier | None = None) -> list[dict[str, Any]]:
    """A client who talks of nothing but its own name; returns what it heard."""
    heard: list[dict[str, Any]] = []
    async with connect(f"{url}?model={name}") as socket:
        if start is not None:
            await start.wait()

        async def send(kind: str, **fields: Any) -> None:
            await socket.send(json.dumps({"type": kind, **fields}))

        async def until(last: str) -> None:
            async with asyncio.timeout(20):
                while True:
                    heard.append(json.loads(await socket.recv()))
                    if heard[-1]["type"] == last:
                        return

        tool = {"type": "function", "name": f"tool_{name}", "parameters": {"type": "object"}}
        audio = {"input": {"turn_detection": None, "transcription": {"model": "w"}}}
        settings = {"type": "realtime", "instructions": name, "tools": [tool], "audio": audio}
        await send("session.update", session=settings)
        await until("session.updated")
        for turn in range(TURNS):
            content = [{"type": "input_text", "text": f"{name}{turn}"}]
            await send(
                "conversation.item.create", item={"type": "message", "role": "user", "content": content}
            )
            await send("input_audio_buffer.append", audio=base64.b64encode(tone(200)).decode())
            await send("response.create", response={"metadata": {"of": name}})
            await until("response.done")
        await send("input_audio_buffer.clear")
        await until("input_audio_buffer.cleared")
    return heard


def check(heard: list[dict[str, Any]], name: str, others: list[str]) -> None:
    """What somebody heard is in order, theirs, and nobody else's."""
    check_order(heard, complete=False)
    assert heard[0]["session"]["model"] == name
    assert heard[0]["session"]["tools"] == []
    told = json.dumps(heard)
    assert f"{name}{TURNS - 1}" in told
    assert [other for other in others if other != name and other in told] == []
    done = [event["response"] for event in heard if event["type"] == "response.done"]
    assert [response["metadata"] for response in done] == [{"of": name}] * TURNS
    assert "error" not in {event["type"] for event in heard}


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one after the other"])
def test_nothing_of_one_client_reaches_another(*, together: bool) -> None:
    names = [f"client{chr(97 + number)}" for number in range(CLIENTS)]
    engines = scripted_engines(word_ms=20)
    model = Echo()
    object.__setattr__(engines, "llm", model)

    async def main() -> list[list[dict[str, Any]]]:
        async with serving(engines) as http:
            url = http.replace("http://", "ws://") + "/v1/realtime"
            if not together:
                return [await converse(url, name) for name in names]
            start = asyncio.Barrier(CLIENTS)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(converse(url, name, start)) for name in names]
            return [task.result() for task in tasks]

    heard = asyncio.run(main())
    for name, events in zip(names, heard, strict=True):
        check(events, name, names)
    ids = [
        {str(event["item"]["id"]) for event in events if "item" in event}
        | {str(event["response"]["id"]) for event in events if "response" in event}
        for events in heard
    ]
    assert len(set.union(*ids)) == sum(map(len, ids))
    for request in model.requests:
        assert [name for name in names if name in repr(request)] == [request.instructions]


@pytest.mark.clients
def test_two_clients_of_different_make_at_once() -> None:
    engines = scripted_engines(word_ms=20)
    object.__setattr__(engines, "llm", Echo())

    async def main() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with serving(engines) as http, asyncio.TaskGroup() as group:
            url = http.replace("http://", "ws://") + "/v1/realtime"
            other = group.create_task(converse(url, "python"))
            return await play("spoken", url=url), await other

    javascript, python = asyncio.run(main())
    assert javascript["errors"] == []
    assert javascript["history"][-1].startswith("assistant: Be kind. has")
    assert "python" not in json.dumps(javascript)
    assert "Be kind" not in json.dumps(python)
